"""Frames that a model has sampled, kept for later runs by all that decides them."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from pipeline.cache import Cache, cache_key, link_or_copy
from pipeline.catalogue import ModelCard
from pipeline.context import Context
from pipeline.engines.diffusion.progress import STAGE
from pipeline.engines.diffusion.store import StoredFrames
from pipeline.environment import diffusion_packages
from pipeline.errors import OutputFailed
from pipeline.frames import Frame
from pipeline.models.files import ModelFiles
from pipeline.models.identity import digest, identity
from pipeline.settings import Settings
from pipeline.video import read_frames, write_lossless

VERSION = "1"
"""Of how frames are sampled: raised when the same request gives others."""

FILM = "film.mkv"

_RATE = Fraction(8)
"""The kept film needs one, and says nothing by it."""

_DECIDE_NOTHING = frozenset(
    {"candidates", "keep_candidates", "num_frames", "seconds", "segments", "overlap", "hold_colour", "motion", "lora"}
)
"""Settings of the stage that do not decide the frames of a candidate, or whose file's content does."""


@dataclass(frozen=True)
class KeptFrames:
    """Frames of a kept film, `count` of `height` x `width`."""

    path: Path
    count: int
    width: int
    height: int

    def __iter__(self) -> Iterator[Frame]:
        """Read the frames in order, one at a time."""
        yield from read_frames(self.path).frames


@dataclass(frozen=True)
class FrameKeeper:
    """Finds and keeps what one run samples of one image, whose own key is `image`; without one it does neither."""

    card: ModelCard
    files: ModelFiles
    device: str
    image: str | None
    context: Context

    def key(self, settings: Settings, seed: int) -> str | None:
        """The digest of all that decides the frames of a seed, but for what must not change a pixel."""
        if self.image is None:
            return None
        animate, control = settings.animate, settings.animate.control
        decides = {
            "model": identity(self.files),
            "packages": diffusion_packages(),
            "device": self.device,
            "animate": animate.model_dump(mode="json", exclude={*_DECIDE_NOTHING, "control"}),
            "control": control.model_dump(mode="json", exclude={"video"}),
            "files": [None if path is None else digest(path) for path in (animate.lora, control.video)],
            "frames": animate.sample_frames or animate.num_frames,
            "prompt": settings.prompt,
            "size": [settings.prepare.width, settings.prepare.height],
            "image": self.image,
            "seed": seed,
        }
        return cache_key(self.card.name, VERSION, decides)

    def find(self, key: str | None, seed: int) -> KeptFrames | None:
        """The frames of a key, which is that of a seed, if they were kept."""
        cache = self.context.cache
        entry = cache.find(key) if cache and key else None
        if entry is None:
            return None
        own = self.context.work_dir / f"kept_{seed}.mkv"
        link_or_copy(entry.folder / FILM, own)
        return KeptFrames(own, *entry.facts["shape"])

    def keep(self, key: str | None, frames: StoredFrames) -> None:
        """Keep the frames of a key. Where there is no room for them, the run goes on, and says so."""
        cache = self.context.cache
        if not (cache and key):
            return
        try:
            _keep(cache, key, frames)
        except (OSError, OutputFailed) as error:
            self.context.note(STAGE, f"The frames are not kept for later runs: {error}", "warning")


def _keep(cache: Cache, key: str, frames: StoredFrames) -> None:
    with cache.adding(key, {"shape": [frames.count, frames.width, frames.height]}) as folder:
        write_lossless(folder / FILM, frames, _RATE)
