"""The embedded engine `motion`: real motion from one still, on a CPU, with no weights."""

from pipeline.engines.motion.engine import MotionEngine

__all__ = ["MotionEngine"]
