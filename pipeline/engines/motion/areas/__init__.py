"""Automatic regions: where in a picture the thing is that a prompt wants to move."""

from pipeline.engines.motion.areas.found import FoundArea, find_area

__all__ = ["FoundArea", "find_area"]
