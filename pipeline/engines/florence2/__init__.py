"""Florence-2: puts images into words, and finds in them what words name."""

from pipeline.engines.florence2.model import Florence2, load

__all__ = ["Florence2", "load"]
