"""What a run would take from the cache, before it is begun."""

from pathlib import Path

from pipeline.cache import Cache, open_cache
from pipeline.engines import get_engine
from pipeline.errors import ImageToVideoError
from pipeline.frames import FrameStream
from pipeline.lengths import film_length
from pipeline.run.finishing import ENCODING, REFINEMENTS
from pipeline.run.kept_videos import KeptVideos
from pipeline.settings import Settings
from pipeline.stages.prepare import prepared_key


def kept_stages(image: Path, used: Settings, outputs: Path) -> tuple[str, ...]:
    """Names of the stages that an animation with resolved settings would take from the cache, in their order.

    Says nothing of painted areas and of long videos. Quick: entries are looked for and not read.
    """
    cache = open_cache(outputs, used.runtime.cache_gb)
    if cache is None or used.prepare.masks or used.animate.segments:
        return ()
    try:
        return _kept(prepared_key(image, used), used, cache)
    except (OSError, ImageToVideoError):  # the run itself will say what is wrong
        return ()


def _kept(image: str, used: Settings, cache: Cache) -> tuple[str, ...]:
    key, is_sampled = get_engine(used.animate.engine).kept(image, used, cache)
    width, height = used.prepare.width or 0, used.prepare.height or 0
    film = FrameStream(iter(()), width, height, used.encode.fps, film_length(used), key=key)
    film, refinements = _refined(film, used)
    if not KeptVideos(cache).has(film, used.encode):
        return ("animate",) if is_sampled else ()
    return ("animate", *refinements, ENCODING)


def _refined(film: FrameStream, used: Settings) -> tuple[FrameStream, list[str]]:
    """The film after all refinements, without frames, and their names."""
    names = []
    for stage in REFINEMENTS:
        refined = stage.outline(film, used)
        names += [stage.name] if refined is not film else []
        film = refined
    return film, names
