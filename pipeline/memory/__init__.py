"""Memory: readings, the forecast before a run, the ladder of downgrades, and recovery after a shortage."""

from pipeline.memory.monitor import MemoryMonitor

__all__ = ["MemoryMonitor"]
