"""Videos of any length: stretches with a prompt each, every one going on from the last frames of the one before."""

from pipeline.sequence.chain import Chain
from pipeline.sequence.kept import KeptFilms
from pipeline.sequence.parts import ENDLESS, Part, split

__all__ = ["ENDLESS", "Chain", "KeptFilms", "Part", "split"]
