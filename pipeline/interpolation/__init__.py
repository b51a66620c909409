"""New frames between given ones, and frames in another size."""

from pipeline.interpolation.between import interpolate
from pipeline.interpolation.enlarge import enlarge
from pipeline.interpolation.spread import spread

__all__ = ["enlarge", "interpolate", "spread"]
