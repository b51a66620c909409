"""The stage `animate`: an engine makes frames from a prepared image."""

from dataclasses import dataclass

from pipeline.context import Context
from pipeline.engines import get_engine
from pipeline.frames import FrameStream, PreparedImage
from pipeline.settings import Settings


@dataclass(frozen=True)
class Animate:
    """Hands the image to the engine that the settings name."""

    name: str = "animate"
    version: str = "1"

    def __call__(self, value: PreparedImage, settings: Settings, context: Context) -> FrameStream:
        """Return the stream of frames; they are made while it is read."""
        return get_engine(settings.animate.engine).animate(value, settings, context)
