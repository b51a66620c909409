"""Measures of a finished video, and the advice that follows from them."""

from pipeline.quality.advice import advise
from pipeline.quality.judge import describe_quality, score
from pipeline.quality.meter import QualityMeter

__all__ = ["QualityMeter", "advise", "describe_quality", "score"]
