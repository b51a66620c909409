"""All runs of an outputs folder: found again, marked, thrown away and brought back. The records are the truth."""

from pipeline.history.entry import Entry, EntryState
from pipeline.history.extracts import Edge
from pipeline.history.history import History
from pipeline.history.query import Found, Order, Query
from pipeline.history.trash import Discarded

__all__ = ["Discarded", "Edge", "Entry", "EntryState", "Found", "History", "Order", "Query"]
