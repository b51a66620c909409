"""Encoded videos that earlier runs have made, by all that decides them but the frame rate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from pipeline.cache import Cache, cache_key, link_or_copy
from pipeline.choices import VideoFormat
from pipeline.environment import package_version
from pipeline.errors import InvalidInput, OutputFailed
from pipeline.frames import FrameStream
from pipeline.records import Notice
from pipeline.settings import EncodeSettings
from pipeline.stages.encode import Encode, EncodedVideo, described
from pipeline.video import retime, write_comment


@dataclass(frozen=True)
class KeptVideo:
    """A video that is taken from the cache, and what was said and measured when it was made.

    `is_retimed`: its frames have got other times.
    """

    encoded: EncodedVideo
    quality: Mapping[str, float]
    notices: Sequence[Notice]
    is_retimed: bool


@dataclass(frozen=True)
class KeptVideos:
    """The videos in a cache; without one nothing is found or kept."""

    cache: Cache | None

    def find(self, film: FrameStream, settings: EncodeSettings, work_dir: Path, comment: str) -> KeptVideo | None:
        """The video of a film at the film's rate, with a comment, as a file in `work_dir`; None where there is none."""
        key = _key(film, settings)
        entry = self.cache.find(key) if self.cache and key else None
        if entry is None:
            return None
        name = f"video.{settings.format}"
        made, kept_fps = work_dir / name, Fraction(entry.facts["fps"])
        try:
            if kept_fps != film.fps:
                retime(entry.folder / name, made, film.fps, comment)
            elif entry.facts["comment"] != comment:
                write_comment(entry.folder / name, made, settings.model_copy(update={"fps": film.fps}), comment)
            else:
                link_or_copy(entry.folder / name, made)
            encoded = described(made, film, settings)
        except (OSError, InvalidInput, OutputFailed):  # another run needed the room just now
            made.unlink(missing_ok=True)
            return None
        notices = [Notice.model_validate(each) for each in entry.facts["notices"]]
        return KeptVideo(encoded, entry.facts["quality"], notices, kept_fps != film.fps)

    def has(self, film: FrameStream, settings: EncodeSettings) -> bool:
        """Whether there is a video of a film, without a look at it."""
        key = _key(film, settings)
        return bool(self.cache and key and self.cache.has(key))

    def keep(self, film: FrameStream, settings: EncodeSettings, video: KeptVideo, comment: str) -> None:
        """Keep the video of a film, which has this comment. Raises OSError when there is no room for it."""
        key = _key(film, settings)
        if self.cache is None or key is None:
            return
        facts: dict[str, Any] = {
            "fps": str(film.fps),
            "comment": comment,
            "quality": dict(video.quality),
            "notices": [each.model_dump(mode="json") for each in video.notices],
        }
        with self.cache.adding(key, facts) as folder:
            link_or_copy(video.encoded.path, folder / f"video.{settings.format}")


def _key(film: FrameStream, settings: EncodeSettings) -> str | None:
    """All that decides a video but its comment, as a digest. The rate decides no packet of an mp4, only times."""
    if film.key is None:
        return None
    decides = {
        "frames": film.key,
        "settings": settings.model_dump(mode="json", exclude={"fps", "embed_settings"}),
        "fps": None if settings.format is VideoFormat.MP4 else str(film.fps),
        "keyframes": sorted(film.keyframes),
        "packages": {"av": package_version("av")},
    }
    return cache_key(Encode.name, Encode.version, decides)
