"""From the settings asked for to the settings used: sizes, frame counts and rates snapped, the seed drawn.

Every change of a value that the user gave is returned as a notice, so that the page can show it before the run and the
record afterwards.
"""

import difflib
import math
import secrets
from fractions import Fraction

from pipeline.catalogue import Role, get_card, model_names
from pipeline.engines import EMBEDDED, Capabilities, engine_names, get_engine
from pipeline.engines.interpolators import get_method
from pipeline.engines.stable_diffusion import choose_models
from pipeline.errors import InvalidSetting
from pipeline.lengths import film_length
from pipeline.models.files import locate
from pipeline.models.helpers import choose
from pipeline.records import Notice
from pipeline.settings import Settings, passage_engines
from pipeline.sizes import target_size
from pipeline.transition_settings import FLOW, KEYFRAMES
from pipeline.video import container_size_multiple, max_fps

MOST_FRAMES = 36000
"""Frames that a video may have: twenty minutes at 30 per second."""

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
    settings, more = _snap_frames(_with_segments(settings), engine.capabilities)
    notices += more
    settings, more = _snap_size(settings, (image_width, image_height), engine.capabilities)
    settings, last = engine.resolve(settings)
    return settings, notices + more + last + _undriven(settings, engine.capabilities)


def _undriven(settings: Settings, capabilities: Capabilities) -> list[Notice]:
    """What is said of a driving video that the engine has no use for."""
    name = "animate.control.video"
    if settings.animate.control.video is None or name not in capabilities.ignores:
        return []
    able = [each for each in model_names() if get_card(each).can.control_video]
    message = (
        f"The engine {settings.animate.engine} cannot be driven by a video, which is left out: {' or '.join(able)} can."
    )
    return [Notice(stage="animate", setting=name, level="warning", message=message)]


def _with_segments(settings: Settings) -> Settings:
    """The settings with the frames of all segments, where the embedded engine makes them in one go.

    A model makes them in passes of as many frames as its clips have. Raises InvalidSetting where there are too many.
    """
    animate = settings.animate
    if not animate.segments:
        return settings
    count = film_length(settings)
    if count > MOST_FRAMES:
        raise InvalidSetting(
            f"animate.segments: together they have {count} frames, and a video has at most {MOST_FRAMES}: make them "
            "shorter, or the frame rate lower."
        )
    frames = {"num_frames": count} if animate.engine == EMBEDDED else {}
    return settings.model_copy(update={"animate": animate.model_copy(update={"seconds": None, **frames})})


def resolve_transition(settings: Settings, image_width: int, image_height: int) -> tuple[Settings, list[Notice]]:
    """Fill in everything that a transition needs whose first image has this size (pixels, as displayed).

    Where a model makes the whole passage, the settings of `animate` become those that it is run with. Raises
    InvalidSetting when the engine does not exist, or takes no last image.
    """
    transition = settings.transition
    settings, notices = _snap_fps(draw_seed(settings))
    if transition.engine in (FLOW, KEYFRAMES):
        asked = transition.num_frames if transition.seconds is None else round(transition.seconds * settings.encode.fps)
        settings = _with_frames(settings, max(2, asked))
        settings, more = _snap_size(settings, (image_width, image_height), Capabilities())
        return settings, notices + more
    check_passage_engine(transition.engine)
    changes = {"engine": transition.engine, "num_frames": transition.num_frames, "seconds": transition.seconds}
    animate = settings.animate.model_copy(update=changes)
    settings, more = resolve(settings.model_copy(update={"animate": animate}), image_width, image_height)
    return _with_frames(settings, settings.animate.num_frames), notices + more


def check_models(settings: Settings) -> None:
    """Look whether the models that a resolved transition asks for by name are here, before anything is computed.

    Raises InvalidSetting for unknown names, and ModelMissing for a model that is named and not on this machine.
    """
    engine, asked, runtime = settings.transition.engine, settings.caption, settings.runtime
    is_told = bool(asked.text0.strip() and asked.text1.strip())
    if engine in (FLOW, KEYFRAMES):
        get_method(settings.interpolate.method, runtime, lambda _: None)
    if engine in model_names():
        locate(get_card(engine), runtime)
        is_told = is_told or bool(settings.prompt)
    elif engine == KEYFRAMES:
        choose_models(settings)
        if not settings.plan.prompts:
            choose(Role.PLAN, settings.plan.model, runtime)
        is_told = is_told or bool(settings.plan.prompts)
    if engine != FLOW and not is_told:
        choose(Role.CAPTION, asked.model, runtime)


def check_passage_engine(name: str) -> None:
    """Raise InvalidSetting unless this engine can make a transition."""
    able = passage_engines()
    if name not in able:
        near = difflib.get_close_matches(name, able, 1)
        hint = f"did you mean '{near[0]}'?" if near else f"choose one of {', '.join(able)}."
        why = "takes no last image" if name in engine_names() else "is unknown"
        raise InvalidSetting(f"transition.engine: the engine '{name}' {why}: {hint}")


def _with_frames(settings: Settings, count: int) -> Settings:
    transition = settings.transition.model_copy(update={"num_frames": count, "seconds": None})
    return settings.model_copy(update={"transition": transition})


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


def count_from(asked: int, rules: Capabilities) -> int:
    """The smallest frame count from the one asked for on that an engine can make; its largest where there is none."""
    steps = max(0, math.ceil((max(asked, rules.min_frames) - rules.frames_offset) / rules.frames_multiple))
    return min(steps * rules.frames_multiple + rules.frames_offset, snap_count(rules.max_frames, rules))


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
