"""What to try next, from the measures of a film."""

from collections.abc import Mapping
from typing import Any

from pipeline.catalogue import get_card, model_names
from pipeline.quality.judge import BLURRED, STRANGE_SSIM, STRONG_DRIFT, STRONG_FLICKER, is_still
from pipeline.records import Advice
from pipeline.settings import Settings

GUIDANCE = (7.0, 9.0, 12.0)
"""Guidance scales that are tried side by side when too little moves."""

MOTION_BUCKETS = (160, 200, 240)
"""The same for a model that takes no prompt: guidance does not make it move more, its motion bucket does."""

MORE_STEPS, MOST_STEPS = 1.6, 200
"""Factor on the number of steps when the film is blurred (50 become 80), and where it ends."""

CANDIDATES = 4
"""Runs of which the best is kept."""

STILL_SHARE = 0.9
"""Share of frames equal to the one before from which the embedded engine's film stands still: its motion is often
confined to small areas, so the mean motion says little."""

_Change = dict[str, Any]


def advise(quality: Mapping[str, float], settings: Settings, can_sample: bool) -> list[Advice]:
    """What the user may try, most promising first; nothing when all is well.

    `settings` are those of the run as used, and `can_sample` says whether its engine draws films at random. Each
    advice's `runs` hold changes to these settings. Runs that are to be compared with this one keep its seed.
    """
    if not can_sample:
        return _for_embedded(quality, settings)
    found = [*_image(quality), *_prompt(quality, settings), *_motion(quality, settings), *_steps(quality, settings)]
    return found + _candidates(quality, settings, bool(found))


def _for_embedded(quality: Mapping[str, float], settings: Settings) -> list[Advice]:
    frozen = quality.get("frozen", 0.0)
    if frozen < STILL_SHARE:
        return []
    amount = settings.animate.motion.amount
    seen = f"Hardly anything moves: {frozen:.0%} of the frames equal the one before"
    if amount < 1.0:
        message = f"{seen}; raise the amount of motion from {amount:g} to 1."
        return [Advice(key="motion", message=message, runs=[{"animate": {"motion": {"amount": 1.0}}}])]
    return [Advice(key="prompt", message=f"{seen}; name what should move, or how the camera should.")]


def _image(quality: Mapping[str, float]) -> list[Advice]:
    ssim = quality.get("first_frame_ssim", 1.0)
    if ssim >= STRANGE_SSIM:
        return []
    message = (
        f"The first frame does not show the image (SSIM {ssim:.2f} of 1): another image may suit the model better, "
        "with one clear subject, well lit, and in focus."
    )
    return [Advice(key="image", message=message)]


def _prompt(quality: Mapping[str, float], settings: Settings) -> list[Advice]:
    if not settings.prompt.strip() or not _takes_prompt(settings):
        return []
    flicker, drift = quality.get("flicker", 0.0), quality.get("colour_drift", 0.0)
    ssim = quality.get("first_frame_ssim", 1.0)
    if flicker >= STRONG_FLICKER:
        seen = f"The light flickers by {flicker:.1f} of 255 levels"
    elif drift >= STRONG_DRIFT:
        seen = f"The colours change by Delta E {drift:.1f} from beginning to end"
    elif ssim < STRANGE_SSIM:
        seen = f"The film leaves the image (SSIM {ssim:.2f} of 1)"
    else:
        return []
    return [Advice(key="prompt", message=f"{seen}: a simpler prompt may help, with the subject and its action only.")]


def _motion(quality: Mapping[str, float], settings: Settings) -> list[Advice]:
    if not is_still(quality):
        return []
    values: tuple[float, ...]
    if _takes_prompt(settings):
        how, name, values = "guidance", "guidance_scale", GUIDANCE
    else:
        how, name = "a motion bucket of", "motion_bucket_id"
        values = tuple(value for value in MOTION_BUCKETS if value > settings.animate.motion_bucket_id)
    if not values:
        return []
    listed = ", ".join(f"{value:g}" for value in values)
    message = f"Little moves ({quality['motion']:.2f} pixels per frame): compare {how} {listed} side by side."
    return [Advice(key="motion", message=message, runs=[_again(settings, {name: value}) for value in values])]


def _steps(quality: Mapping[str, float], settings: Settings) -> list[Advice]:
    sharpness, steps = quality.get("sharpness", 1.0), settings.animate.num_inference_steps
    more = min(round(steps * MORE_STEPS), MOST_STEPS)
    # What was made small and enlarged is soft whatever the number of steps.
    if sharpness >= BLURRED or more <= steps or settings.animate.sample_width is not None:
        return []
    message = f"The film has {sharpness:.0%} of the image's detail: take {more} steps instead of {steps}."
    return [Advice(key="steps", message=message, runs=[_again(settings, {"num_inference_steps": more})])]


def _candidates(quality: Mapping[str, float], settings: Settings, other_reasons: bool) -> list[Advice]:
    empty = round(max(quality.get("constant_frames", 0.0), quality.get("black_frames", 0.0)))
    if settings.animate.candidates >= CANDIDATES or not (empty or other_reasons):
        return []
    seen = "Every seed gives another film"
    if empty:
        seen = f"{empty} {'frame is' if empty == 1 else 'frames are'} empty, and every seed gives another film"
    message = f"{seen}: make {CANDIDATES} and keep the best."
    return [Advice(key="candidates", message=message, runs=[{"animate": {"candidates": CANDIDATES}}])]


def _takes_prompt(settings: Settings) -> bool:
    engine = settings.animate.engine
    return engine not in model_names() or get_card(engine).can.prompt


def _again(settings: Settings, animate: _Change) -> _Change:
    """A change of the animate stage, with the same seed where it is known."""
    seed: _Change = {"seed": settings.seed} if settings.seed >= 0 else {}
    return seed | {"animate": animate}
