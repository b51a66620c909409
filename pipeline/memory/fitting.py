"""Where a helper of the transition has room: on the GPU, else in main memory, at worst in half the precision."""

from dataclasses import dataclass

from pipeline.catalogue import HelperCard, Precision
from pipeline.choices import Quantization
from pipeline.memory.forecast import CUDA_CONTEXT, CUDA_WORKSPACE, PROGRAM, RESERVED, room
from pipeline.memory.machine import Machine
from pipeline.settings import RuntimeSettings

BYTES = {Precision.FLOAT32: 4, Precision.FLOAT16: 2, Precision.BFLOAT16: 2}
"""Bytes of a number."""


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


def setups(card: HelperCard, device: str, pixels: int = 0) -> tuple[Setup, ...]:
    """The ways to hold a helper on a machine whose device is "cuda" or "cpu", the best one first.

    On a GPU it has the precision it is published in; on the processor float32, at worst bfloat16. `pixels` are those
    of the picture it works on, where its card counts them.
    """
    ways = [("cpu", Precision.FLOAT32), ("cpu", Precision.BFLOAT16)]
    if device == "cuda":
        ways.insert(0, ("cuda", card.precision))
    return tuple(_setup(card, each, precision, pixels) for each, precision in ways)


def fitting(card: HelperCard, machine: Machine, runtime: RuntimeSettings, pixels: int = 0) -> tuple[Setup, ...]:
    """Those `setups` for which there is room now."""
    return tuple(each for each in setups(card, machine.device, pixels) if has_room(each, machine, runtime))


def has_room(setup: Setup, machine: Machine, runtime: RuntimeSettings) -> bool:
    """Whether there is room for it now. What the program holds already counts as free: it gives way."""
    gpu, ram = room(setup.device, machine, runtime)
    return setup.gpu_bytes <= gpu and setup.ram_bytes <= ram


def _setup(card: HelperCard, device: str, precision: Precision, pixels: int) -> Setup:
    size = BYTES[precision]
    weights = card.parameters * size
    working = card.working.peak(pixels, 1) * size / BYTES[card.precision]
    if device == "cpu":
        return Setup(device, precision, 0, int(PROGRAM["cpu"] + weights + working))
    on_gpu = (weights + working) * RESERVED + CUDA_CONTEXT + CUDA_WORKSPACE
    return Setup(device, precision, int(on_gpu), PROGRAM["cuda"] + weights)  # weights pass through main memory
