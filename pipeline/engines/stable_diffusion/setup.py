"""How a painter is held in memory, and what that needs: from the model's card alone, before anything is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.catalogue import FamilyName, HelperCard, Phase, Precision
from pipeline.choices import Offload, Quantization
from pipeline.memory.forecast import CUDA_CONTEXT, CUDA_WORKSPACE, PROGRAM, RESERVED

BYTES = {Precision.FLOAT32: 4, Precision.FLOAT16: 2, Precision.BFLOAT16: 2}
"""Bytes of a number."""


@dataclass(frozen=True)
class Networks:
    """Numbers that a family's networks have in memory at their peak, beside the weights, for each pixel painted.

    `unet` and `control` for one pass over a batch of one. Measured on the meta device (benchmarks/meta_device.py) with
    the published configurations, from 512 x 512 to 1024 x 1024, where they are the same within 1%.
    """

    unet: float
    control: float
    float32_vae: bool
    """Whether the autoencoder works in float32 although the rest does not: that of XL overflows in float16."""


FAMILIES: Mapping[FamilyName, Networks] = {
    FamilyName.STABLE_DIFFUSION: Networks(unet=260.5, control=246.5, float32_vae=False),
    FamilyName.STABLE_DIFFUSION_XL: Networks(unet=158.8, control=159.8, float32_vae=True),
}

VAE_PARAMETERS = 83_653_863
"""Of the autoencoder of both families."""

DECODING, TILE, STITCHING = 768.2, 200.6e6, 3.5
"""Numbers at the peak of decoding for each pixel; for a tile of 512 x 512, and beside it for each pixel of the picture.

Measured as above. Encoding takes five sixths of it.
"""


@dataclass(frozen=True)
class Setup:
    """One way to hold a painter, on "cuda" or "cpu", for a picture of `width` x `height` pixels.

    `native` is the side of the square that the model was trained for. `guided` says whether guidance doubles the batch,
    which `guidance_passes` can split; `tiled` whether the autoencoder works in tiles. `offload` is NONE or MODEL,
    `quantization` NONE or FLOAT8.
    """

    device: str
    precision: Precision
    width: int
    height: int
    native: int
    guided: bool
    offload: Offload = Offload.NONE
    quantization: Quantization = Quantization.NONE
    guidance_passes: int = 1
    tiled: bool = False


@dataclass(frozen=True)
class Need:
    """Peak of one phase in bytes: on the GPU (0 without one), and in main memory, this program's own included."""

    gpu_bytes: int
    ram_bytes: int


def needs(card: HelperCard, control: HelperCard | None, setup: Setup) -> dict[Phase, Need]:
    """What each phase needs with a setup. `control` is the card of the ControlNet, if there is one."""
    weights, working = _weights(card, control, setup), _working(card, control, setup)
    everything = sum(weights.values())
    if setup.device == "cpu":
        return {phase: Need(0, int(PROGRAM["cpu"] + everything + working[phase])) for phase in Phase}
    at_hand = dict.fromkeys(Phase, everything)
    if setup.offload is not Offload.NONE:
        # The autoencoder has encoded the picture and goes back only when it is called again.
        at_hand = {**weights, Phase.SAMPLE: weights[Phase.SAMPLE] + weights[Phase.DECODE]}
    ram = int(PROGRAM["cuda"] + everything)  # weights pass through main memory, or wait there
    fixed = CUDA_CONTEXT + CUDA_WORKSPACE
    return {phase: Need(int((at_hand[phase] + working[phase]) * RESERVED + fixed), ram) for phase in Phase}


def _weights(card: HelperCard, control: HelperCard | None, setup: Setup) -> dict[Phase, float]:
    """Bytes of the weights that work in each phase; together they are all there are."""
    size = BYTES[setup.precision]
    unet = card.resident or card.parameters
    texts = max(card.parameters - unet - VAE_PARAMETERS, 0)
    denoising = unet * (1 if setup.quantization is Quantization.FLOAT8 else size)
    denoising += control.parameters * size if control else 0
    vae = VAE_PARAMETERS * _vae_bytes(card, setup)
    return {Phase.LOAD: 0.0, Phase.CONDITION: texts * size, Phase.SAMPLE: denoising, Phase.DECODE: vae}


def _working(card: HelperCard, control: HelperCard | None, setup: Setup) -> dict[Phase, float]:
    """Bytes beside the weights. The picture is encoded at the beginning of sampling."""
    family, pixels = FAMILIES[card.family], setup.width * setup.height
    batch = 2 if setup.guided and setup.guidance_passes == 1 else 1
    network = max(family.unet, family.control if control else 0.0)  # one after the other
    denoising = network * batch * pixels * BYTES[setup.precision]
    whole, in_tiles = DECODING * pixels, TILE + STITCHING * pixels
    decoding = (min(whole, in_tiles) if setup.tiled else whole) * _vae_bytes(card, setup)
    sampling = max(denoising, decoding * 5 / 6)
    return {Phase.LOAD: 0.0, Phase.CONDITION: 0.0, Phase.SAMPLE: sampling, Phase.DECODE: decoding}


def _vae_bytes(card: HelperCard, setup: Setup) -> int:
    return 4 if FAMILIES[card.family].float32_vae else BYTES[setup.precision]
