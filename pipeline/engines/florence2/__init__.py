"""Florence-2: puts images into words, and finds in them what words name."""

from pipeline.engines.florence2.descriptions import describe, recall
from pipeline.engines.florence2.model import MAX_WORDS, Florence2, load
from pipeline.engines.florence2.session import choose_model, work_with

__all__ = ["MAX_WORDS", "Florence2", "choose_model", "describe", "load", "recall", "work_with"]
