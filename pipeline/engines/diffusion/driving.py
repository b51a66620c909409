"""A driving video for a model: what is taken from it is settled first, the maps are made once there is a size."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from fractions import Fraction

from pipeline.catalogue import ModelCard, Role, get_helper
from pipeline.choices import ControlKind
from pipeline.context import Context
from pipeline.control import (
    DrivingVideo,
    at_any_times,
    back_and_forth,
    canny_clip,
    clip_times,
    depth_frames,
    estimated,
    flow_clip,
    grey_clip,
    is_rendered,
    open_driving,
    steadied,
)
from pipeline.control_settings import ControlSettings
from pipeline.engines.depth_anything import predicted_clip
from pipeline.engines.diffusion.progress import STAGE
from pipeline.engines.held import choose_with_room
from pipeline.errors import InvalidInput
from pipeline.frames import Frame
from pipeline.memory.fitting import Wish
from pipeline.settings import Settings
from pipeline.transition_settings import NONE

VIDEO, KIND = "animate.control.video", "animate.control.kind"

DRAWN = (ControlKind.POSE, ControlKind.AS_GIVEN)
"""Kinds whose frames are handed to the model as they are."""

CUT = 0.1
"""Share of the driving video from which it is said how much is cut off."""

WAYS = {
    ControlKind.CANNY: "The motion is guided by the edges of the driving video.",
    ControlKind.GREY: "The motion is guided by the grey levels of the driving video.",
    ControlKind.FLOW: "The motion is guided by the optical flow of the driving video.",
    ControlKind.POSE: "The frames of the driving video are taken as poses, as they are.",
    ControlKind.AS_GIVEN: "The frames of the driving video are taken as maps, as they are.",
}
"""What is said of each kind whose maps need no model."""


def settled(settings: Settings, card: ModelCard, context: Context) -> Settings:
    """The settings with the kind of map, and the model that sees depth, by name: the record then repeats the run.

    Nothing changes without a driving video, or for a model that takes none. Raises InvalidInput for a file that cannot
    be used, InvalidSetting and ModelMissing for a model of depth that is named and unknown or not here.
    """
    wanted = settings.animate.control
    if wanted.video is None or not card.can.control_video:
        return settings
    driving = open_driving(wanted.video, settings.prepare)
    kind = wanted.kind
    if kind is ControlKind.AUTO and is_rendered(driving.glance()):
        kind = ControlKind.AS_GIVEN
    depth_model = wanted.depth_model
    if kind in (ControlKind.AUTO, ControlKind.DEPTH):
        found = choose_with_room(
            Role.DEPTH, depth_model, Wish(), settings.runtime, lambda text: context.note(STAGE, text)
        )
        depth_model = NONE if found is None else found.name
        if kind is ControlKind.AUTO:
            kind = ControlKind.CANNY if found is None else ControlKind.DEPTH
    if kind is not wanted.kind:
        context.note(STAGE, f"{KIND} auto became {kind.value}: {_reason(kind)}", setting=KIND)
    changes = {"kind": kind, "depth_model": depth_model}
    animate = settings.animate.model_copy(update={"control": wanted.model_copy(update=changes)})
    return settings.model_copy(update={"animate": animate})


def control_maps(settings: Settings, size: tuple[int, int], count: int, context: Context) -> tuple[Frame, ...] | None:
    """`count` maps of `size` (width, height) for the frames of a clip; None without a driving video.

    Map k shows the driving video at the very time at which frame k is shown. The settings are settled. Raises
    InvalidInput, Cancelled, OutOfMemory, and ModelMissing.
    """
    wanted = settings.animate.control
    if wanted.video is None:
        return None
    driving = open_driving(wanted.video, settings.prepare)
    _say_shape(driving, size, context)
    times = clip_times(count, settings.animate.num_frames, settings.encode.fps, wanted.start)
    if times[-1] > driving.last:
        _say_end(driving, times, context)
    shown = [back_and_forth(time, driving.last) for time in times]
    frames = at_any_times(shown, lambda ascending: _read(driving, ascending, size, wanted, context))
    return tuple(_maps(frames, settings, context))


def _read(
    driving: DrivingVideo, times: Sequence[Fraction], size: tuple[int, int], wanted: ControlSettings, context: Context
) -> Iterator[Frame]:
    def note(message: str, level: str) -> None:
        context.note(STAGE, message, "warning" if level == "warning" else "info", setting=VIDEO)

    with closing(driving.frames_at(times, size, wanted.kind in DRAWN, note, context.threads)) as frames:
        for frame in frames:
            context.check_cancelled()
            yield frame


def _maps(frames: list[Frame], settings: Settings, context: Context) -> Sequence[Frame]:
    kind = settings.animate.control.kind
    if kind is ControlKind.DEPTH:
        return _depth(frames, settings, context)
    context.note(STAGE, WAYS[kind], setting=KIND)
    if kind in DRAWN:
        return frames
    make = {ControlKind.CANNY: canny_clip, ControlKind.GREY: grey_clip, ControlKind.FLOW: flow_clip}[kind]
    return make(frames)


def _depth(frames: list[Frame], settings: Settings, context: Context) -> list[Frame]:
    """Depth that a model sees, else the estimate of a foreground."""
    size = (frames[0].shape[1], frames[0].shape[0])

    def say(message: str) -> None:
        context.note(STAGE, message, setting=KIND)

    model = settings.animate.control.depth_model
    seen = predicted_clip(frames, model, settings.runtime, say, context.check_cancelled)
    if seen is not None:
        title = get_helper(model, Role.DEPTH).title
        say(f"The motion is guided by the depth that {title} sees in the driving video.")
        return depth_frames(steadied(seen, frames), size)
    guessed = estimated(frames, context.check_cancelled)
    if guessed is None:
        raise InvalidInput(
            "animate.control.kind: nothing stands out clearly enough from the driving video to estimate its depth: "
            "choose canny, or get a model that sees it: `python -m pipeline models download depth-anything-v2-small`."
        )
    context.note(
        STAGE,
        "The depth of the driving video is estimated, foreground and ground only, since no model that sees depth is "
        "used: edges (canny) may guide the motion better.",
        "warning",
        KIND,
    )
    return depth_frames(guessed, size)


def _reason(kind: ControlKind) -> str:
    if kind is ControlKind.AS_GIVEN:
        return "the driving video shows lines or figures on black, which are taken as they are."
    if kind is ControlKind.DEPTH:
        return "a model that sees depth is on this machine."
    return "no model that sees depth is on this machine."


def _say_shape(driving: DrivingVideo, size: tuple[int, int], context: Context) -> None:
    """Say it where much of the driving video is cut off."""
    sides = driving.width * size[1], driving.height * size[0]
    cut = 1 - min(sides) / max(sides)
    if cut > CUT:
        message = (
            f"The driving video, {driving.width} x {driving.height}, is cut to the shape of {size[0]} x {size[1]} "
            f"around its middle: {100 * cut:.0f}% of it is not seen."
        )
        context.note(STAGE, message, setting=VIDEO)


def _say_end(driving: DrivingVideo, times: Sequence[Fraction], context: Context) -> None:
    first, last = float(times[0]), float(times[-1])
    message = (
        f"The driving video ends after {float(driving.last):.2f} s, and {first:.2f} to {last:.2f} s of it are asked "
        "for: it runs back and forth."
    )
    context.note(STAGE, message, "warning", VIDEO)
