"""Phi-4 and Phi-4-mini: write the prompts that lead from one caption to the other."""

from pipeline.engines.phi.model import Phi, load
from pipeline.engines.phi.writing import Unwritten, Written, recall, write

__all__ = ["Phi", "Unwritten", "Written", "load", "recall", "write"]
