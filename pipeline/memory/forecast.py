"""What a diffusion run is going to need, from its settings and the model's card alone: nothing is loaded for it.

For each phase `peak = context + (weights at hand + activations) * k + workspace`. The weights and activations come from
the card's memory model, which benchmarks/memory_model.py measured on the meta device; k is what PyTorch's caching
allocator reserves beyond what tensors take.
"""

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

from pipeline.catalogue import Activation, Component, ModelCard, Phase, Precision
from pipeline.choices import Offload, Quantization
from pipeline.memory.machine import Machine
from pipeline.settings import RuntimeSettings, Settings

GB = 10**9
"""A gigabyte, as the settings and everything shown to people mean it."""

RESERVED = 1.1
"""Bytes that the CUDA allocator reserves at the peak for each byte of tensors."""

CUDA_CONTEXT = 450_000_000
"""What the driver and the kernels take on the GPU before the first tensor."""

CUDA_WORKSPACE = 150_000_000
"""Scratch room of cuBLAS and cuDNN."""

PROGRAM = {"cpu": 700_000_000, "cuda": 1_800_000_000}
"""Main memory of this program without weights and activations, by device.

On a CPU 0.5 GB of libraries and 0.2 GB of oneDNN's scratch room (measured). With CUDA's libraries: an estimate.
"""

RAM_RESERVE = 300_000_000
"""Main memory that is left to others: Linux ends a program that takes the last of it."""

DENOISERS = frozenset({"unet", "transformer", "transformer_2"})
"""Components that are called at every step, which quantization applies to."""

_QUANTIZED = {Quantization.FLOAT8: 1.0, Quantization.INT8: 1.0, Quantization.NF4: 0.5625}
"""Bytes a weight. NF4 keeps a float32 scale for each block of 64 weights (Dettmers et al., "QLoRA", 2023)."""

_LATENTS, _FRAMES, _VIDEO = 0.25, 3.0, 0.5
"""Bytes on the disk for each pixel of a frame: float32 latents, decoded RGB, and an H.264 file of hard content."""


@dataclass(frozen=True)
class PhaseNeed:
    """Peak of one phase in bytes: on the GPU (0 without one), and in main memory, this program's own included."""

    phase: Phase
    gpu_bytes: int
    ram_bytes: int


@dataclass(frozen=True)
class Forecast:
    """Peaks of a run. `seconds` is the time it takes, where earlier runs have shown it."""

    device: str
    phases: tuple[PhaseNeed, ...]
    disk_bytes: int
    seconds: float | None = None

    @property
    def gpu_bytes(self) -> int:
        """The largest need of all phases on the GPU."""
        return max(each.gpu_bytes for each in self.phases)

    @property
    def ram_bytes(self) -> int:
        """The largest need of all phases in main memory."""
        return max(each.ram_bytes for each in self.phases)


def forecast(settings: Settings, card: ModelCard, device: str) -> Forecast:
    """The peaks of a run with resolved settings (width, height and frames are filled in) on "cuda" or "cpu"."""
    work = Work.of(settings, card, device)
    phases = tuple(PhaseNeed(phase, *_need(phase, work)) for phase in Phase)
    return Forecast(device, phases, _disk_bytes(settings, work))


def shortages(need: Forecast, machine: Machine, runtime: RuntimeSettings) -> tuple[Phase, ...]:
    """The phases that do not fit.

    A need counts the whole program, so what this process holds already is added to what is free: the resident model
    is used again, or freed before another one is loaded.
    """
    gpu, ram = room(need.device, machine, runtime)
    return tuple(each.phase for each in need.phases if each.gpu_bytes > gpu or each.ram_bytes > ram)


def room(device: str, machine: Machine, runtime: RuntimeSettings) -> tuple[int, int]:
    """Bytes that a run on this device may take on the GPU and in main memory; the user's limit is for the device."""
    limit = math.inf if runtime.vram_limit_gb is None else runtime.vram_limit_gb * GB
    gpu = machine.gpu_free + _held_on_gpu()
    ram = machine.ram_available + psutil.Process().memory_info().rss - RAM_RESERVE
    return (int(min(gpu, limit)), ram) if device == "cuda" else (0, int(min(ram, limit)))


def describe(need: Forecast, machine: Machine, settings: Settings, card: ModelCard) -> str:
    """One sentence for people: what is needed and free, whether it fits, and the nearest choice that decides otherwise.

    Raising the frames to the next count that would not fit is told before a higher resolution; where it does not fit,
    the largest count, else the highest resolution, that would.
    """
    gpu, ram = room(need.device, machine, settings.runtime)
    lacks_gpu, lacks_ram = need.gpu_bytes > gpu, need.ram_bytes > ram
    fits = not (lacks_gpu or lacks_ram)
    on_gpu = need.device == "cuda" and (lacks_gpu or not lacks_ram)
    needed, free = (need.gpu_bytes, gpu) if on_gpu else (need.ram_bytes, ram)
    limited = settings.runtime.vram_limit_gb is not None and free == int(settings.runtime.vram_limit_gb * GB)
    turning = _turning_point(settings, card, machine, need)
    return (
        f"Needs about {needed / GB:.1f} GB of {'GPU ' if on_gpu else ''}memory, {max(free, 0) / GB:.1f} GB "
        f"{'may be used' if limited else 'are free'}: {'fits' if fits else 'does not fit'}"
        + (f"; {turning} it would{' not' if fits else ''}." if turning else ".")
    )


@dataclass(frozen=True)
class Work:
    """What the model is asked to do, as the forecast counts it.

    Sizes are in pixels. `batch` is 2 for guidance in one pass.
    """

    settings: Settings
    card: ModelCard
    device: str
    width: int
    height: int
    frames: int
    batch: int

    @classmethod
    def of(cls, settings: Settings, card: ModelCard, device: str) -> "Work":
        """Read it from resolved settings."""
        prepare, animate, runtime = settings.prepare, settings.animate, settings.runtime
        guided = card.memory.guidance_doubles_batch and animate.guidance_scale > 1.0
        return cls(
            settings,
            card,
            device,
            animate.sample_width or prepare.width or prepare.resolution,
            animate.sample_height or prepare.height or prepare.resolution,
            animate.sample_frames or animate.num_frames,
            2 if guided and runtime.guidance_passes == 1 else 1,
        )

    @property
    def precision(self) -> Precision:
        """The number format of weights and activations: the card's on a GPU, float32 on a CPU, unless it is set."""
        published = self.card.precision if self.device == "cuda" else Precision.FLOAT32
        return self.settings.animate.precision or published

    def precision_of(self, part: Component, phase: Phase) -> Precision:
        """The number format of a component in a phase: it may have one of its own, and be cast to another to decode."""
        own = part.precision or self.precision
        decodes = phase is Phase.DECODE and phase in part.phases
        return self.settings.animate.decode_precision or own if decodes else own

    @property
    def positions(self) -> float:
        """Positions of the latents, of one frame."""
        return self.width * self.height / self.card.memory.latent_stride**2

    @property
    def latent_frames(self) -> int:
        """Frames of the latents: a video autoencoder keeps the first frame apart."""
        each = self.card.memory.latent_frames
        return self.frames if each == 1 else math.ceil((self.frames - 1) / each) + 1


def _need(phase: Phase, work: Work) -> tuple[int, int]:
    """Peaks in bytes on the GPU and in main memory."""
    stored = sum(_weights(part, work, phase) for part in work.card.memory.components)
    program = PROGRAM[work.device]
    jobs = list(_jobs(phase, work))
    if work.device == "cpu":
        return 0, int(program + stored + max(job.activations for job in jobs))
    peak = max(_weights_on_gpu(job.parts, work, phase) + job.activations for job in jobs)
    offloaded = work.settings.runtime.offload is not Offload.NONE
    return (
        int(CUDA_CONTEXT + peak * RESERVED + CUDA_WORKSPACE),
        int(program + (stored if offloaded or phase is Phase.LOAD else 0)),
    )


@dataclass(frozen=True)
class _Job:
    """One of the things that a phase does one after the other: the components at work, and peak bytes beside them."""

    parts: tuple[Component, ...]
    activations: float


def _jobs(phase: Phase, work: Work) -> Iterator[_Job]:
    memory, pixels = work.card.memory, work.width * work.height
    parts = tuple(part for part in memory.components if phase in part.phases)
    scale = _scale(parts, work, phase)
    if phase is Phase.CONDITION:
        yield _Job(parts, memory.condition.peak(pixels, 1) * scale)
    elif phase is Phase.SAMPLE:
        yield _Job(parts, _sampling(work).peak(work.positions * work.batch, work.latent_frames) * scale)
        yield _encoding_job(work)
    elif phase is Phase.DECODE:
        yield _Job(parts, _decoding(work) * scale)
    else:
        yield _Job(parts, 0.0)


def _sampling(work: Work) -> Activation:
    memory = work.card.memory
    chunked = memory.sample_chunked if work.settings.runtime.chunk_feed_forward else None
    return chunked or memory.sample


def _encoding_job(work: Work) -> _Job:
    """Encoding before the first step. An autoencoder that is cast for it takes more with its weights as well."""
    cast = work.card.memory.encode_precision
    encoder = tuple(part for part in work.card.memory.components if part.name == "vae")
    if cast is None:
        return _Job(encoder, _encoding(work) * _scale(encoder, work, Phase.SAMPLE))
    grown = sum(part.parameters * (_bytes(cast) - _bytes(work.precision_of(part, Phase.SAMPLE))) for part in encoder)
    return _Job(encoder, _encoding(work) + grown)


def _encoding(work: Work) -> float:
    """Peak bytes of encoding, in the precision of the card. A picture that is smaller than a tile is encoded whole."""
    memory, pixels = work.card.memory, work.width * work.height
    whole = memory.encode.peak(pixels, work.frames)
    if memory.encode_tiled is None or not work.settings.animate.encode_tiling:
        return whole
    return min(whole, memory.encode_tiled.peak(pixels, work.frames))


def _decoding(work: Work) -> float:
    """Peak bytes of decoding, in the precision of the card. A picture that is smaller than a tile is decoded whole."""
    memory, pixels = work.card.memory, work.width * work.height
    chunk = work.settings.animate.decode_chunk_size or memory.decode_chunk
    at_once = min(work.frames, chunk) if memory.decode_chunked else work.frames
    whole = memory.decode.peak(pixels, at_once)
    if memory.decode_tiled is None or not work.settings.animate.vae_tiling:
        return whole
    return min(whole, memory.decode_tiled.peak(pixels, at_once))


def _weights(part: Component, work: Work, phase: Phase) -> float:
    """Bytes that the weights of a component take in a phase."""
    quantization = work.settings.animate.quantization
    if part.name in DENOISERS and quantization in _QUANTIZED:
        return part.parameters * _QUANTIZED[quantization]
    return part.parameters * _bytes(work.precision_of(part, phase))


def _weights_on_gpu(parts: tuple[Component, ...], work: Work, phase: Phase) -> float:
    """Bytes of weights that are on the GPU at once while these components work, one after the other."""
    offload = work.settings.runtime.offload
    if offload is Offload.NONE:
        return sum(_weights(part, work, phase) for part in work.card.memory.components)
    return max((_weights(part, work, phase) * _share(part, offload) for part in parts), default=0.0)


def _share(part: Component, offload: Offload) -> float:
    """The share of a component that is on the GPU while it works: by group, one layer, and the next on its way."""
    if offload is Offload.MODEL or part.largest_layer is None:
        return 1.0
    return min(1.0, 2 * part.largest_layer / part.parameters)


def _scale(parts: tuple[Component, ...], work: Work, phase: Phase) -> float:
    """Activations in use for each byte of the card's, by the component whose precision differs most upwards."""
    ratios = (_bytes(work.precision_of(part, phase)) / _bytes(part.precision or work.card.precision) for part in parts)
    return max(ratios, default=1.0)


def _bytes(precision: Precision) -> int:
    return 4 if precision is Precision.FLOAT32 else 2


def _disk_bytes(settings: Settings, work: Work) -> int:
    """Latents and decoded frames of each candidate, and the video."""
    prepare, animate = settings.prepare, settings.animate
    sampled = work.width * work.height * work.frames
    shown = (prepare.width or work.width) * (prepare.height or work.height) * animate.num_frames
    videos = animate.candidates if animate.keep_candidates else 1
    return int(sampled * (_LATENTS + _FRAMES) * animate.candidates + shown * _VIDEO * videos)


def _held_on_gpu() -> int:
    """Bytes that PyTorch holds on the GPU in this process. It is not imported for this: then it holds nothing."""
    torch = sys.modules.get("torch")
    return int(torch.cuda.memory_reserved()) if torch is not None and torch.cuda.is_initialized() else 0


def _turning_point(settings: Settings, card: ModelCard, machine: Machine, need: Forecast) -> str:
    """The nearest choice with which fitting turns into not fitting or back, in words; empty when there is none."""
    fits = not shortages(need, machine, settings.runtime)
    for words, changed in (*_other_frames(settings, card, fits), *_other_sizes(settings, card, fits)):
        if bool(shortages(forecast(changed, card, need.device), machine, settings.runtime)) == fits:
            return words
    return ""


def _other_frames(settings: Settings, card: ModelCard, more: bool) -> Iterator[tuple[str, Settings]]:
    """The frame counts that the model makes beside the present one, the nearest first: more of them, or fewer."""
    rules = card.rules
    field = "num_frames" if settings.animate.sample_frames is None else "sample_frames"
    present = getattr(settings.animate, field)
    lowest = math.ceil((rules.min_frames - rules.frames_offset) / rules.frames_multiple)
    highest = math.floor((rules.max_frames - rules.frames_offset) / rules.frames_multiple)
    counts = [each * rules.frames_multiple + rules.frames_offset for each in range(lowest, highest + 1)]
    beyond = [count for count in counts if (count > present if more else count < present)]
    for count in beyond if more else reversed(beyond):
        animate = settings.animate.model_copy(update={field: count})
        yield f"with {count} frames", settings.model_copy(update={"animate": animate})


def _other_sizes(settings: Settings, card: ModelCard, more: bool) -> Iterator[tuple[str, Settings]]:
    """The resolutions that the card offers beside the present one, the nearest first: higher, or lower ones."""
    work, multiple = Work.of(settings, card, "cpu"), card.rules.size_multiple
    short = min(work.width, work.height)
    beyond = [side for side in card.rules.resolutions if (side > short if more else side < short)]
    for side in beyond if more else reversed(beyond):
        scaled = (each * side / short for each in (work.width, work.height))
        width, height = (max(multiple, round(each / multiple) * multiple) for each in scaled)
        animate = settings.animate.model_copy(update={"sample_width": width, "sample_height": height})
        yield f"at {width} x {height}", settings.model_copy(update={"animate": animate})
