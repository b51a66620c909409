"""How near things in a picture are: from a map of the user's, a model, or an estimate without one."""

from pipeline.depth.depth_map import Depth, Nearness, aligned
from pipeline.depth.estimate import estimate_depth
from pipeline.depth.given import read_depth

__all__ = ["Depth", "Nearness", "aligned", "estimate_depth", "read_depth"]
