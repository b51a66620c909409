"""The rungs of the memory ladder: each a function from settings to settings, in words for users, least loss first.

First what leaves the video as it is and costs time, then what changes it by less than can be seen, then precision,
frames, resolution and, last, guidance.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from pipeline.catalogue import ModelCard, Phase, Precision, Rules
from pipeline.choices import Offload, Quantization
from pipeline.memory.forecast import Work
from pipeline.memory.rung import Rung
from pipeline.settings import Settings

Step = Callable[[Settings, ModelCard, str], Settings | None]
"""The settings one rung lower for a card and a device; None where the rung does not apply, or not any more."""


def changed(settings: Settings, section: str, **values: Any) -> Settings:
    """The settings with other values in a section."""
    return settings.model_copy(update={section: getattr(settings, section).model_copy(update=values)})


def _decode_singly(settings: Settings, card: ModelCard, _device: str) -> Settings | None:
    present = settings.animate.decode_chunk_size or card.memory.decode_chunk
    if not card.memory.decode_chunked or present == 1:
        return None
    return changed(settings, "animate", decode_chunk_size=1)


def _guide_in_two_passes(settings: Settings, card: ModelCard, _device: str) -> Settings | None:
    guided = card.memory.guidance_doubles_batch and settings.animate.guidance_scale > 1.0
    if not guided or settings.runtime.guidance_passes == 2:
        return None
    return changed(settings, "runtime", guidance_passes=2)


def _offload_models(settings: Settings, _card: ModelCard, device: str) -> Settings | None:
    if device != "cuda" or settings.runtime.offload is not Offload.NONE:
        return None
    return changed(settings, "runtime", offload=Offload.MODEL)


def _chunk_feed_forward(settings: Settings, card: ModelCard, _device: str) -> Settings | None:
    if not card.memory.feed_forward_chunks or settings.runtime.chunk_feed_forward:
        return None
    return changed(settings, "runtime", chunk_feed_forward=True)


def _tile(settings: Settings, card: ModelCard, _device: str) -> Settings | None:
    if card.memory.decode_tiled is None or settings.animate.vae_tiling:
        return None
    return changed(settings, "animate", vae_tiling=True)


def _tile_encoding(settings: Settings, card: ModelCard, _device: str) -> Settings | None:
    if card.memory.encode_tiled is None or settings.animate.encode_tiling:
        return None
    return changed(settings, "animate", encode_tiling=True)


def _offload_groups(settings: Settings, _card: ModelCard, device: str) -> Settings | None:
    # Weights of bitsandbytes cannot be moved layer by layer.
    movable = settings.animate.quantization in (Quantization.NONE, Quantization.FLOAT8)
    if device != "cuda" or not movable or settings.runtime.offload is Offload.GROUP:
        return None
    return changed(settings, "runtime", offload=Offload.GROUP)


def _use_float8(settings: Settings, _card: ModelCard, device: str) -> Settings | None:
    if device != "cuda" or settings.animate.quantization is not Quantization.NONE:
        return None
    return changed(settings, "animate", quantization=Quantization.FLOAT8)


def _decode_in_bfloat16(settings: Settings, card: ModelCard, device: str) -> Settings | None:
    work = Work.of(settings, card, device)
    decoders = (part for part in card.memory.components if Phase.DECODE in part.phases)
    if all(work.precision_of(part, Phase.DECODE) is not Precision.FLOAT32 for part in decoders):
        return None
    return changed(settings, "animate", decode_precision=Precision.BFLOAT16)


def _use_bfloat16(settings: Settings, _card: ModelCard, device: str) -> Settings | None:
    if device != "cpu" or settings.animate.precision not in (None, Precision.FLOAT32):
        return None
    return changed(settings, "animate", precision=Precision.BFLOAT16)


def _sample_share(share: Fraction) -> Step:
    """A step to this share of the frames asked for, in a number that the model makes."""

    def step(settings: Settings, card: ModelCard, _device: str) -> Settings | None:
        animate, rules = settings.animate, card.rules
        count = _nearest_count(animate.num_frames * share, rules)
        if not rules.min_frames <= count < (animate.sample_frames or animate.num_frames):
            return None
        return changed(settings, "animate", sample_frames=count)

    return step


def _nearest_count(frames: Fraction, rules: Rules) -> int:
    return round((frames - rules.frames_offset) / rules.frames_multiple) * rules.frames_multiple + rules.frames_offset


def _lower_resolution(settings: Settings, card: ModelCard, _device: str) -> Settings | None:
    """The next resolution of the card below the present one, in the aspect of the video."""
    video, present = _video_size(settings), working_size(settings)
    for resolution in reversed(card.rules.resolutions):
        if resolution < min(present):
            width, height = (_nearest_side(side * resolution / min(video), card.rules) for side in video)
            if width <= present[0] and height <= present[1] and (width, height) != present:
                return changed(settings, "animate", sample_width=width, sample_height=height)
    return None


def _nearest_side(pixels: float, rules: Rules) -> int:
    step = rules.size_multiple
    least, most = -(-rules.min_side // step), rules.max_side // step
    return min(max(round(pixels / step), least), most) * step


def _video_size(settings: Settings) -> tuple[int, int]:
    width, height = settings.prepare.width, settings.prepare.height
    if width is None or height is None:
        raise ValueError("the settings are not resolved: the video has no size")
    return width, height


def working_size(settings: Settings) -> tuple[int, int]:
    """Width and height in pixels that the model works at. Raises ValueError for settings that are not resolved."""
    width, height = _video_size(settings)
    return settings.animate.sample_width or width, settings.animate.sample_height or height


def _leave_guidance(settings: Settings, card: ModelCard, _device: str) -> Settings | None:
    if not card.memory.guidance_doubles_batch or settings.animate.guidance_scale == 1.0:
        return None
    return changed(settings, "animate", guidance_scale=1.0)


_ALL = frozenset(Phase)
_SAMPLE, _DECODE = frozenset({Phase.SAMPLE}), frozenset({Phase.DECODE})
_BETWEEN = "the video keeps its length, and the frames between are interpolated"

LADDER: tuple[Rung[Step], ...] = (
    Rung(
        name="decode-singly",
        title="Frames are decoded one at a time",
        cost="the video stays the same, and decoding takes a little longer",
        changes_picture=False,
        phases=_DECODE,
        step=_decode_singly,
    ),
    Rung(
        name="guidance-passes",
        title="Guidance runs in two passes",
        cost="the video stays the same, and sampling takes a little longer",
        changes_picture=False,
        phases=_SAMPLE,
        step=_guide_in_two_passes,
    ),
    Rung(
        name="model-offload",
        title="Each part of the model is on the GPU only while it works",
        cost="the video stays the same, and the run takes some seconds longer",
        changes_picture=False,
        phases=_ALL,
        step=_offload_models,
    ),
    Rung(
        name="feed-forward-chunks",
        title="The input layers work in chunks",
        cost="the video stays the same, and sampling takes a little longer",
        changes_picture=False,
        phases=_SAMPLE,
        step=_chunk_feed_forward,
    ),
    Rung(
        name="tiled-decoding",
        title="Frames are decoded in tiles",
        cost="tones may differ by less than can be seen, and decoding takes longer",
        changes_picture=False,
        phases=_DECODE,
        step=_tile,
    ),
    Rung(
        name="tiled-encoding",
        title="Pictures are encoded in tiles",
        cost="tones may differ by less than can be seen, and sampling starts a little later",
        changes_picture=False,
        phases=_SAMPLE,
        step=_tile_encoding,
    ),
    Rung(
        name="group-offload",
        title="Single layers are on the GPU only while they work",
        cost="the video stays the same but for rounding, and sampling takes up to twice as long",
        changes_picture=False,
        phases=_ALL,
        step=_offload_groups,
    ),
    Rung(
        name="float8",
        title="Weights are kept in 8 bits",
        cost="fine detail may differ slightly",
        changes_picture=True,
        phases=frozenset({Phase.LOAD, Phase.SAMPLE}),
        step=_use_float8,
    ),
    Rung(
        name="decode-bfloat16",
        title="Frames are decoded in bfloat16 instead of float32",
        cost="fine detail may differ slightly, and the next run loads the model again",
        changes_picture=True,
        phases=_DECODE,
        step=_decode_in_bfloat16,
    ),
    Rung(
        name="bfloat16",
        title="The model works in bfloat16 instead of float32",
        cost="fine detail may differ slightly, and older processors are slower with it",
        changes_picture=True,
        phases=_ALL - _DECODE,  # it would cost what was sampled, and decoding has a rung like it of its own
        step=_use_bfloat16,
    ),
    Rung(
        name="frames-three-quarters",
        title="Three quarters of the frames are sampled",
        cost=_BETWEEN,
        changes_picture=True,
        phases=_SAMPLE | _DECODE,
        step=_sample_share(Fraction(3, 4)),
    ),
    Rung(
        name="frames-half",
        title="Half of the frames are sampled",
        cost=_BETWEEN,
        changes_picture=True,
        phases=_SAMPLE | _DECODE,
        step=_sample_share(Fraction(1, 2)),
    ),
    Rung(
        name="resolution",
        title="The model works at a lower resolution",
        cost="the video keeps its size, and has less detail",
        changes_picture=True,
        phases=_SAMPLE | _DECODE | {Phase.CONDITION},
        step=_lower_resolution,
    ),
    Rung(
        name="no-guidance",
        title="Sampling goes without guidance",
        cost="the video follows the prompt less and may look quite different",
        changes_picture=True,
        phases=_SAMPLE,
        step=_leave_guidance,
    ),
)
"""The rungs in the order in which they are taken. Each one applies once, `resolution` until the smallest is reached."""
