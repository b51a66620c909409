"""The embedded passage from picture to picture: a camera's move, the motion beside it, or a dissolve."""

from pipeline.morphing.ends import with_ends
from pipeline.morphing.film import Film
from pipeline.morphing.passage import Passage
from pipeline.morphing.survey import CAMERA
from pipeline.morphing.timing import positions

__all__ = ["CAMERA", "Film", "Passage", "positions", "with_ends"]
