"""Which settings have no effect beside the others, and why.

The page asks this as it is built, so nothing heavy is imported for the defaults.
"""

from pipeline.catalogue import get_card, model_names
from pipeline.choices import ControlKind, InterpolationMethod, VideoFormat
from pipeline.engines import EMBEDDED, get_capabilities
from pipeline.options import options
from pipeline.settings import Settings
from pipeline.style_settings import StyleSettings
from pipeline.transition_settings import FLOW, KEYFRAMES, NONE

PAINTED_ONLY = "No effect: it belongs to transitions with painted key frames."


def ignored(settings: Settings) -> dict[str, str]:
    """Full names of the settings that have no effect with these settings, with the reason."""
    reasons = dict(get_capabilities(settings.animate.engine).ignores)
    if settings.animate.segments:
        reasons |= _in_segments(settings)
    elif settings.animate.seconds is not None:
        reasons["animate.num_frames"] = "No effect while a length in seconds is given."
    if not settings.animate.segments:
        reasons |= dict.fromkeys(("animate.overlap", "animate.hold_colour"), "No effect: the video has no segments.")
    return _of_driving(settings) | reasons | _ignored_anywhere(settings)


def _of_driving(settings: Settings) -> dict[str, str]:
    """Settings of a driving video without effect, for an engine that takes one."""
    control = settings.animate.control
    if control.video is None:
        reasons = _of_section("animate.control", "No effect: there is no driving video.")
        del reasons["animate.control.video"]
        return reasons
    if control.kind in (ControlKind.AUTO, ControlKind.DEPTH):
        return {}
    return {"animate.control.depth_model": "No effect: it is not the depth that is taken from the driving video."}


def _in_segments(settings: Settings) -> dict[str, str]:
    own = "No effect: each segment has its own length."
    if settings.animate.engine == EMBEDDED:
        steady = "No effect: the embedded engine keeps the colours of the image anyway."
        return {"animate.num_frames": own, "animate.seconds": own, "animate.hold_colour": steady}
    candidates = "No effect: of the candidates of a segment, only the best one is kept."
    return {"animate.seconds": own, "animate.keep_candidates": candidates}


def _ignored_anywhere(settings: Settings) -> dict[str, str]:
    reasons = {}
    if settings.encode.format is not VideoFormat.MP4:
        reasons["encode.x264_preset"] = "No effect: only mp4 files are made by x264."
    if settings.encode.format is VideoFormat.GIF:
        reasons["encode.crf"] = "No effect: a gif has no rate factor."
        reasons["encode.threads"] = "No effect: a gif is written by one thread."
    if settings.prepare.width or settings.prepare.height:
        reasons["prepare.resolution"] = "No effect while a width or a height is given."
    return reasons | _ignored_in_style(settings.style)


def _ignored_in_style(style: StyleSettings) -> dict[str, str]:
    if style.model == NONE:
        embedded = ("style.name", "style.image", "style.strength", "style.model")
        reasons = _of_section("style", "No effect: no model paints the style.")
        return {name: reason for name, reason in reasons.items() if name not in embedded}
    shown = ("style.adapter", "style.adapter_scale")
    return dict.fromkeys(shown, "No effect without a style's picture.") if style.image is None else {}


def ignored_in_transition(settings: Settings) -> dict[str, str]:
    """Full names of the settings that have no effect in a transition with these settings, with the reason."""
    engine = settings.transition.engine
    sections = {"align": "No effect: {} finds its own way.", "transition": "No effect: {} has its own timing."}
    if engine in model_names():
        reasons = _of_driving(settings) | dict(get_capabilities(engine).ignores)
        title = get_card(engine).title
        kept = ("transition.engine", "transition.num_frames", "transition.seconds")
        names = [option.name for option in options() if option.section in sections and option.name not in kept]
        reasons |= {name: sections[name.partition(".")[0]].format(title) for name in names}
    else:
        reasons = _of_section("animate", "No effect: no model makes these frames.")
    if engine == FLOW:
        reasons["prompt"] = "No effect: the built-in transition moves pixels and paints nothing."
    refined = settings.enhance.model or settings.style.is_painted
    if engine == FLOW and settings.interpolate.method == InterpolationMethod.FLOW and not refined:
        reasons |= _of_section("runtime", "No effect: the built-in transition needs no model.")
        for name in ("runtime.threads", "runtime.cache_gb"):
            del reasons[name]
    if engine == KEYFRAMES:
        for name in ("runtime.chunk_feed_forward", "runtime.compile"):
            reasons[name] = "No effect: the models of key frames take no such option."
    if engine != KEYFRAMES:
        reasons |= _of_section("plan", PAINTED_ONLY) | _of_section("keyframes", PAINTED_ONLY)
    if engine == FLOW:
        reasons |= _of_section("caption", PAINTED_ONLY)
    if settings.transition.seconds is not None:
        reasons["transition.num_frames"] = "No effect while a length in seconds is given."
    return reasons | _ignored_anywhere(settings)


def _of_section(section: str, reason: str) -> dict[str, str]:
    return {option.name: reason for option in options() if option.name.startswith(f"{section}.")}
