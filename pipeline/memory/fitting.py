"""Where a helper has room: on the GPU, else in main memory, in half the precision, at worst with smaller weights."""

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.catalogue import HelperCard, Precision
from pipeline.choices import Quantization
from pipeline.memory.forecast import CUDA_CONTEXT, CUDA_WORKSPACE, PROGRAM, RESERVED, room
from pipeline.memory.machine import Machine
from pipeline.settings import RuntimeSettings

BYTES = {Precision.FLOAT32: 4, Precision.FLOAT16: 2, Precision.BFLOAT16: 2}
"""Bytes of a number."""

QUANTIZED = {Quantization.INT8: 1.0, Quantization.NF4: 0.5 + (1 + 4 / 256) / 64}
"""Bytes of a weight in a linear layer, least loss first.

NF4 has a scale of one byte for every 64 weights, and a scale of four bytes for every 256 of those.
"""


@dataclass(frozen=True)
class Wish:
    """How the user wants a helper held, where it is not in the best way that there is room for.

    A quantization leaves the ways with it. In half precision the processor works with bfloat16 from the start.
    """

    quantization: Quantization = Quantization.NONE
    half_precision: bool = False


AS_IT_FITS = Wish()
"""The best way that there is room for."""


@dataclass(frozen=True)
class Setup:
    """A way to hold a helper: the device ("cuda" or "cpu"), the precision, and the bytes it needs of both memories.

    With a quantization the weights are smaller, and what is left of them is in that precision.
    """

    device: str
    precision: Precision
    gpu_bytes: int
    ram_bytes: int
    quantization: Quantization = Quantization.NONE

    @property
    def where(self) -> str:
        """The same in words, as in "works on the processor"."""
        place = "on the GPU" if self.device == "cuda" else "on the processor"
        if self.quantization is not Quantization.NONE:
            return f"{place} with {self.quantization.value.upper()} weights"
        halved = self.device == "cpu" and self.precision is not Precision.FLOAT32
        return f"{place} in half precision" if halved else place


def setups(
    card: HelperCard, device: str, pixels: int = 0, linear: int = 0, wish: Wish = AS_IT_FITS
) -> tuple[Setup, ...]:
    """The ways to hold a helper on a machine whose device is "cuda" or "cpu", the best one first.

    On a GPU it has the precision it is published in; on the processor float32, at worst bfloat16. `pixels` are those
    of the picture it works on, where its card counts them. `linear` of its parameters can be quantized, none where it
    must stay whole. All ways on the GPU come before the processor: smaller weights hardly change what a helper says,
    while each token takes all weights once, and so many times longer where they come from main memory.
    """
    return tuple(_setup(card, *way, pixels, linear) for way in _ways(card, device, linear > 0, wish))


def has_room(setup: Setup, machine: Machine, runtime: RuntimeSettings) -> bool:
    """Whether there is room for it now. What the program holds already counts as free: it gives way."""
    gpu, ram = room(setup.device, machine, runtime)
    return setup.gpu_bytes <= gpu and setup.ram_bytes <= ram


def _ways(
    card: HelperCard, device: str, quantizable: bool, wish: Wish
) -> Iterator[tuple[str, Precision, Quantization]]:
    """Device, precision and quantization of each way."""
    kinds = (Quantization.NONE, *QUANTIZED) if quantizable else (Quantization.NONE,)
    if wish.quantization is not Quantization.NONE:
        kinds = (wish.quantization,)
    if device == "cuda":
        yield from (("cuda", card.precision, kind) for kind in kinds)
    if Quantization.NONE in kinds and not wish.half_precision:
        yield "cpu", Precision.FLOAT32, Quantization.NONE
    yield from (("cpu", Precision.BFLOAT16, kind) for kind in kinds)


def _setup(
    card: HelperCard, device: str, precision: Precision, quantization: Quantization, pixels: int, linear: int
) -> Setup:
    size = BYTES[precision]
    kept = (card.parameters - linear) * size
    weights = kept + linear * QUANTIZED.get(quantization, size)
    working = card.working.peak(pixels, 1) * size / BYTES[card.precision]
    if device == "cpu":
        return Setup(device, precision, 0, int(PROGRAM["cpu"] + weights + working), quantization)
    on_gpu = (weights + working) * RESERVED + CUDA_CONTEXT + CUDA_WORKSPACE
    # Where layers can be quantized, weights pass through main memory one by one, and the largest are at the ends.
    passing = kept if linear else weights
    return Setup(device, precision, int(on_gpu), int(PROGRAM["cuda"] + passing), quantization)
