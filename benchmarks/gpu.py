"""The diffusion engine on a GPU, in one call: `python -m benchmarks.gpu`. Without CUDA it says so and ends with 0.

The models have full size and random weights, in checkpoints that are loaded, placed and sampled as published ones
would be; only the pictures mean nothing. For each it compares the forecast with the measured peak, takes the time of a
step beside the plain diffusers pipeline, runs out of memory for real ten times in a row, and goes down the ladder in
smaller GPUs. Results are written as they come; `--rehearse` runs the same on the processor with tiny checkpoints.
"""

import argparse
import functools
import json
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.full_size import NETWORKS, Network, build
from benchmarks.report import RESULTS
from pipeline.catalogue import ModelCard, get_card
from pipeline.engines import get_family
from pipeline.engines.diffusion.family import Request
from pipeline.heap import release_unused
from pipeline.memory.forecast import CUDA_CONTEXT, GB
from pipeline.models.resident import RESIDENT
from pipeline.records import PhaseRecord, RunRecord
from pipeline.run import execute, submit
from pipeline.settings import Settings, make_settings
from tests.tiny_models import build as build_tiny

STEPS = 4
"""Denoising steps of a run: enough to measure one."""

LIMITS = (24.0, 16.0, 12.0, 8.0)
"""Sizes in GB of the GPUs that are imitated."""

SHORTAGES = 10
"""Real shortages in a row."""

SLACK = 64 * 2**20
"""Bytes that may stay on the GPU after a run: workspaces of cuBLAS, which PyTorch keeps."""


@dataclass(frozen=True)
class Case:
    """A model and what it is to make."""

    name: str
    width: int
    height: int
    frames: int

    def __str__(self) -> str:
        return f"{self.name} {self.width}x{self.height}x{self.frames}"


CASES = (
    Case("i2vgen-xl", 512, 512, 16),
    Case("i2vgen-xl", 1280, 704, 16),
    Case("svd-xt", 1024, 576, 25),
    Case("wan2.2-ti2v-5b", 1280, 704, 121),
)
REHEARSED = (Case("i2vgen-xl", 64, 64, 4), Case("svd-xt", 64, 64, 4))


@dataclass(frozen=True)
class Bench:
    """Where things are and what they run on: "cuda", or "cpu" for the rehearsal. `until` is a time.monotonic()."""

    device: str
    models: Path
    outputs: Path
    image: Path
    until: float

    def is_late(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() > self.until

    def settings(self, case: Case, **runtime: Any) -> Settings:
        """The settings of a run, with the runtime settings given."""
        return make_settings(
            {
                "prompt": "a boat on the sea",
                "seed": 1,
                "prepare": {"width": case.width, "height": case.height},
                "animate": {"engine": case.name, "num_frames": case.frames, "num_inference_steps": STEPS},
                "runtime": {
                    "device": self.device,
                    "models_dir": self.models,
                    "offline": True,
                    "cache_gb": 0,
                    **runtime,
                },
            }
        )

    def run(self, case: Case, **runtime: Any) -> RunRecord:
        """Run the program itself, to a video and a record."""
        record = submit((self.image,), self.settings(case, **runtime), self.outputs)
        return execute(record, (self.image,), self.outputs)


def main() -> None:
    """Measure what the time allows, in the order of importance."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=9.0, help="after this long nothing new is begun")
    parser.add_argument("--cases", nargs="*", default=[], help="only models whose name begins so")
    parser.add_argument("--rehearse", action="store_true", help="on the processor, with tiny checkpoints")
    parser.add_argument("--result", type=Path, help="the file to write; by default benchmarks/results/gpu.json")
    options = parser.parse_args()
    device = "cpu" if options.rehearse else usable_gpu()
    if device is None:
        print("There is no GPU that PyTorch can use: nothing to measure.")
        return
    cases = [each for each in (REHEARSED if options.rehearse else CASES) if _named(each, options.cases)]
    path = options.result or RESULTS / ("gpu_rehearsal.json" if options.rehearse else "gpu.json")
    with tempfile.TemporaryDirectory() as folder:
        bench = prepared(Path(folder), device, time.monotonic() + 60 * options.minutes)
        measure(bench, cases, path)
    print(f"Written to {path}.")


def _named(case: Case, prefixes: list[str]) -> bool:
    return not prefixes or case.name.startswith(tuple(prefixes))


def usable_gpu() -> str | None:
    """The name "cuda" where PyTorch has a GPU, else None."""
    import torch

    return "cuda" if torch.cuda.is_available() else None


def prepared(folder: Path, device: str, until: float) -> Bench:
    """Make the folders and the image."""
    models, outputs, image = folder / "models", folder / "outputs", folder / "image.png"
    models.mkdir()
    y, x = np.mgrid[0:720, 0:1280]
    Image.fromarray(np.stack([x % 256, y % 256, (x + y) % 256], axis=-1).astype(np.uint8)).save(image)
    return Bench(device, models, outputs, image, until)


def measure(bench: Bench, cases: list[Case], path: Path) -> dict[str, Any]:
    """Measure each case and write the results after each measurement. Returns them."""
    results: dict[str, Any] = {"machine": _machine(bench.device), "device": bench.device, "cases": {}}
    for case in cases:
        if bench.is_late():
            break
        found = results["cases"].setdefault(str(case), {})
        if not (bench.models / case.name).exists():
            _forget_other_models(bench.models)
            found["building_seconds"] = round(_seconds(functools.partial(checkpoint, bench, case.name)), 1)
        for name, what in MEASUREMENTS.items():
            if bench.is_late():
                found["not_measured"] = [*found.get("not_measured", []), name]
                continue
            print(f"{case}: {name}", flush=True)
            found[name] = what(bench, case)
            path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
            print(json.dumps(found[name]), flush=True)
    RESIDENT.release()
    return results


def _machine(device: str) -> dict[str, Any]:
    import torch

    found: dict[str, Any] = {name: version(name) for name in ("torch", "diffusers", "transformers", "accelerate")}
    found["python"] = platform.python_version()
    if device == "cuda":
        torch.zeros(1, device=device)
        free, total = torch.cuda.mem_get_info()
        found |= {"gpu": torch.cuda.get_device_name(), "gpu_bytes": total}
        found["context_bytes"] = total - free - torch.cuda.memory_reserved()
    return found


def _forget_other_models(folder: Path) -> None:
    """One checkpoint at a time is on the disk: they have up to 25 GB."""
    RESIDENT.release()
    for each in folder.iterdir():
        shutil.rmtree(each)


def _seconds(work: Callable[[], object]) -> float:
    before = time.monotonic()
    work()
    return time.monotonic() - before


def checkpoint(bench: Bench, name: str) -> None:
    """Build a checkpoint in the hub's layout: the tiny one's, with networks of full size in the place of its own."""
    folder = build_tiny(bench.models, name)
    if bench.device == "cuda":
        for component, network in NETWORKS[name].items():
            put(network, folder / component, get_card(name), bench.device)


def put(network: Network, folder: Path, card: ModelCard, device: str) -> None:
    """Save a network with random weights in the place of the one in this folder, in the precision it is used in."""
    import torch

    own = next(part.precision for part in card.memory.components if part.name == folder.name)
    dtype = getattr(torch, (own or card.precision).value)
    for old in (*folder.glob("*.safetensors"), *folder.glob("*.index*.json")):
        old.unlink()
    built = build(network, dtype, device).to(dtype)
    built.save_pretrained(folder, variant=card.variant, max_shard_size="100GB")
    del built
    release_unused()


# --- measurements -----------------------------------------------------------------------------------------------------


def forecast_against_peak(bench: Bench, case: Case) -> dict[str, Any]:
    """The forecast beside what the run reserved on the GPU, the context of the driver not counted."""
    record = bench.run(case)
    phases = _phases(record)
    measured = max((phase.peak_gpu_bytes or 0 for phase in phases), default=0)
    foreseen = record.forecast.gpu_bytes - CUDA_CONTEXT if record.forecast else 0
    return {
        **_outcome(record),
        "forecast_bytes": foreseen,
        "measured_bytes": measured,
        "difference": round(foreseen / measured - 1, 4) if measured else None,
        "phases": {phase.name: {"seconds": phase.seconds, "gpu_bytes": phase.peak_gpu_bytes} for phase in phases},
    }


def ladder(bench: Bench, case: Case) -> dict[str, Any]:
    """A run inside each smaller GPU: how it ended, which rungs it took, and whether it stayed inside."""
    found: dict[str, Any] = {}
    for limit in LIMITS:
        if bench.is_late():
            break
        record = bench.run(case, vram_limit_gb=limit)
        peak = max((phase.peak_gpu_bytes or 0 for phase in _phases(record)), default=0)
        found[f"{limit:g} GB"] = {**_outcome(record), "peak_bytes": peak, "inside": peak <= limit * GB}
    return found


def seconds_a_step(bench: Bench, case: Case) -> dict[str, Any]:
    """The median time between two steps, of the program and of the plain pipeline with the same weights in memory."""
    bench.run(case)  # warms up, and leaves the model resident
    with step_times(bench) as ours:
        record = bench.run(case)
    with step_times(bench) as plain:
        _bare(bench, case, record)
    medians = {name: statistics.median(np.diff(times)) for name, times in (("ours", ours), ("plain", plain))}
    return {
        **{name: round(float(each), 4) for name, each in medians.items()},
        "ratio": round(medians["ours"] / medians["plain"], 4),
    }


def _bare(bench: Bench, case: Case, record: RunRecord) -> None:
    """The family's plain call on the pipeline that the last run left in memory."""
    if record.used is None:
        raise RuntimeError(f"{case} did not run: {record.error}")
    with Image.open(bench.image) as picture:
        image = np.asarray(picture.convert("RGB").resize((case.width, case.height)))
    request = Request(image, record.used, record.seed, case.frames, bench.device)
    get_family(get_card(case.name)).bare(RESIDENT.model, request)


@contextmanager
def step_times(bench: Bench) -> Iterator[list[float]]:
    """Collects the moment at which each step of the resident pipeline's scheduler ends, the GPU's work included."""
    import torch

    kind = type(RESIDENT.model.scheduler)
    original, times = kind.step, []

    @functools.wraps(original)
    def step(*arguments: Any, **named: Any) -> Any:
        result = original(*arguments, **named)
        if bench.device == "cuda":
            torch.cuda.synchronize()
        times.append(time.monotonic())
        return result

    kind.step = step
    try:
        yield times
    finally:
        kind.step = original


def recovery(bench: Bench, case: Case) -> dict[str, Any]:
    """Real shortages in a row: each run ends with a video on a lower rung, and gives all memory back.

    The allocator is limited without the program's knowledge, half-way between the weights and the peak of sampling.
    Measured for the first case of a model that samples quickly; others are told apart by their records.
    """
    if case != CASES[0] and case not in REHEARSED[:1]:
        return {"skipped": f"measured with {CASES[0]}"}
    usual = bench.run(case, keep_model=False)
    placed, peak = (_peak(usual, name) for name in ("place", "sample"))
    start, found = _held(bench), []
    for _ in range(SHORTAGES):
        with _tight(bench, (placed + peak) // 2):
            record = bench.run(case, keep_model=False)
        found.append({**_outcome(record), "left_bytes": _held(bench) - start})
        if bench.is_late():
            break
    return {"runs": found, "memory_back": all(each["left_bytes"] <= SLACK for each in found)}


@contextmanager
def _tight(bench: Bench, bytes_: int) -> Iterator[None]:
    """Let PyTorch's allocator have no more than so many bytes of the GPU."""
    import torch

    if bench.device == "cpu":
        yield
        return
    torch.cuda.set_per_process_memory_fraction(min(bytes_ / torch.cuda.mem_get_info()[1], 1.0))
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def _held(bench: Bench) -> int:
    """Bytes that PyTorch holds on the GPU."""
    import torch

    release_unused()
    return int(torch.cuda.memory_reserved()) if bench.device == "cuda" else 0


def _peak(record: RunRecord, phase: str) -> int:
    return max((each.peak_gpu_bytes or 0 for each in _phases(record) if each.name == phase), default=0)


def _phases(record: RunRecord) -> list[PhaseRecord]:
    return [phase for stage in record.stages for phase in stage.phases]


def _outcome(record: RunRecord) -> dict[str, Any]:
    return {
        "status": record.status.value,
        "error": record.error.message if record.error else None,
        "rungs": [{"rung": each.rung, "phase": each.phase, "reason": each.reason} for each in record.downgrades],
    }


MEASUREMENTS: dict[str, Callable[[Bench, Case], dict[str, Any]]] = {
    "forecast": forecast_against_peak,
    "step": seconds_a_step,
    "recovery": recovery,
    "ladder": ladder,
}


if __name__ == "__main__":
    main()
