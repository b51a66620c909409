"""From the settings asked for to the settings used: sizes, frame counts and rates snapped, the seed drawn.

Every change of a value that the user gave is returned as a notice, so that the page can show it before the run and the
record afterwards.
"""

import math
import secrets
from fractions import Fraction

from pipeline.choices import VideoFormat
from pipeline.engines import Capabilities, get_engine
from pipeline.records import Notice
from pipeline.settings import Settings
from pipeline.sizes import target_size
from pipeline.video import container_size_multiple, max_fps

SEED_BITS = 31
"""Seeds are drawn below 2**31, so that every library takes them."""


def draw_seed(settings: Settings) -> Settings:
    """Replace the seed -1 by one that is drawn now."""
    return settings if settings.seed >= 0 else settings.model_copy(update={"seed": secrets.randbits(SEED_BITS)})


def resolve(settings: Settings, image_width: int, image_height: int) -> tuple[Settings, list[Notice]]:
    """Fill in everything that a run needs for an image of this size (pixels, as displayed).

    Raises InvalidSetting when the engine does not exist.
    """
    engine = get_engine(settings.animate.engine)
    settings, notices = _snap_fps(draw_seed(settings))
    settings, more = _snap_frames(settings, engine.capabilities)
    notices += more
    settings, more = _snap_size(settings, (image_width, image_height), engine.capabilities)
    settings, last = engine.resolve(settings)
    return settings, notices + more + last


def ignored(settings: Settings) -> dict[str, str]:
    """Full names of the settings that have no effect with these settings, with the reason."""
    reasons = dict(get_engine(settings.animate.engine).capabilities.ignores)
    if settings.encode.format is not VideoFormat.MP4:
        reasons["encode.x264_preset"] = "No effect: only mp4 files are made by x264."
    if settings.encode.format is VideoFormat.GIF:
        reasons["encode.crf"] = "No effect: a gif has no rate factor."
        reasons["encode.threads"] = "No effect: a gif is written by one thread."
    if settings.prepare.width or settings.prepare.height:
        reasons["prepare.resolution"] = "No effect while a width or a height is given."
    if settings.animate.seconds is not None:
        reasons["animate.num_frames"] = "No effect while a length in seconds is given."
    return reasons


def _snap_fps(settings: Settings) -> tuple[Settings, list[Notice]]:
    limit = max_fps(settings.encode.format)
    asked = settings.encode.fps
    if asked <= limit:
        return settings, []
    message = (
        f"A {settings.encode.format} file plays at most {limit} frames per second: {float(asked):g} became {limit}."
    )
    notice = Notice(stage="encode", setting="encode.fps", message=message, before=str(asked), after=str(limit))
    encode = settings.encode.model_copy(update={"fps": Fraction(limit)})
    return settings.model_copy(update={"encode": encode}), [notice]


def _snap_frames(settings: Settings, rules: Capabilities) -> tuple[Settings, list[Notice]]:
    animate = settings.animate
    asked = animate.num_frames if animate.seconds is None else max(1, round(animate.seconds * settings.encode.fps))
    count = snap_count(asked, rules)
    used = animate.model_copy(update={"num_frames": count, "seconds": None})
    settings = settings.model_copy(update={"animate": used})
    if count == asked:
        return settings, []
    rule = f"{rules.frames_multiple}k+{rules.frames_offset}" if rules.frames_multiple > 1 else "any number of"
    message = (
        f"The engine {animate.engine} makes {rule} frames from {rules.min_frames} to {rules.max_frames}: "
        f"{asked} became {count}."
    )
    notice = Notice(stage="animate", setting="animate.num_frames", message=message, before=asked, after=count)
    return settings, [notice]


def snap_count(asked: int, rules: Capabilities) -> int:
    """The frame count nearest to the one asked for that an engine can make (the larger one of two as near)."""
    steps = math.floor((asked - rules.frames_offset) / rules.frames_multiple + 0.5)
    lowest = math.ceil((rules.min_frames - rules.frames_offset) / rules.frames_multiple)
    highest = math.floor((rules.max_frames - rules.frames_offset) / rules.frames_multiple)
    return min(max(steps, lowest), highest) * rules.frames_multiple + rules.frames_offset


def _snap_size(settings: Settings, image: tuple[int, int], rules: Capabilities) -> tuple[Settings, list[Notice]]:
    """Settle the size of the video. The engine's multiple counts where the engine works at that very size."""
    container = container_size_multiple(settings.encode.format)
    reason = f"{settings.encode.format} needs sides that are multiples of {container}"
    width, height, notices = target_size(settings.prepare, *image, container, reason)
    animate = settings.animate
    scaled = animate.sample_width or animate.sample_height or max(width, height) > rules.max_side
    multiple = math.lcm(rules.size_multiple, container)
    if multiple > container and not scaled:
        reason = f"the engine {animate.engine} needs sides that are multiples of {multiple}"
        width, height, notices = target_size(settings.prepare, *image, multiple, reason)
    prepare = settings.prepare.model_copy(update={"width": width, "height": height})
    return settings.model_copy(update={"prepare": prepare}), notices
