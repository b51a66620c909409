"""What every engine offers, so that nothing outside an adapter branches on a model's name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.cache import Cache
from pipeline.context import Context
from pipeline.frames import FrameStream, PreparedImage
from pipeline.records import Notice
from pipeline.settings import Settings


@dataclass(frozen=True)
class Capabilities:
    """What an engine can do, as data.

    Sides must be multiples of `size_multiple`; frame counts must be `frames_multiple * k + frames_offset`.
    `ignores` maps the full names of settings without effect to the reason, shown where they are greyed out.
    `resolutions` are the lengths of the shorter side that are worth offering, smallest first; empty: any.
    """

    size_multiple: int = 1
    frames_multiple: int = 1
    frames_offset: int = 0
    min_frames: int = 1
    max_frames: int = 36000
    min_side: int = 16
    max_side: int = 4096
    resolutions: tuple[int, ...] = ()
    last_image: bool = False
    ignores: Mapping[str, str] = field(default_factory=dict)


class Engine(Protocol):
    """Makes frames from a prepared image."""

    @property
    def name(self) -> str:
        """The name that settings call it by."""

    @property
    def version(self) -> str:
        """Grows when the same settings give other frames."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    def resolve(self, settings: Settings) -> tuple[Settings, list[Notice]]:
        """Fill in what the engine decides from other settings, so that the record repeats the run without it."""

    def animate(self, image: PreparedImage, settings: Settings, context: Context) -> FrameStream:
        """Return the stream of frames; they are made while it is read."""

    def kept(self, image: str, settings: Settings, cache: Cache) -> tuple[str | None, bool]:
        """The key of the film that resolved settings make of an image with this key; whether a cache has its frames.

        The key is None where it cannot be told before the run.
        """
