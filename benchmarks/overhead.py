"""Benchmark of our own code around diffusers: `python -m benchmarks.overhead` takes about ten minutes.

A middle-sized I2VGen-XL of random weights on the CPU, whose steps take seconds: runs of this program (forecast, record,
monitor, progress, previews, latents and frames on disk) beside the plain diffusers call with the same settings. Both
use the very same model in memory, take turns in one process, and change places in every other pair.

Processor time is counted around the forward passes of the networks. What the process spends outside of them while it
animates, in all threads, and what the monitor's thread spends at any time, is counted as our own, though some of it is
the pipeline's: an upper bound.
"""

import argparse
import os
import platform
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.picture import detailed_photo
from benchmarks.report import save, table
from pipeline.catalogue import Precision, get_card
from pipeline.context import Event, Progress
from pipeline.engines import get_family
from pipeline.engines.diffusion.family import Family, Request
from pipeline.frames import Frame
from pipeline.models.files import locate
from pipeline.models.load import LoadPlan
from pipeline.models.resident import RESIDENT
from pipeline.records import RunRecord, RunStatus
from pipeline.run import execute, submit
from pipeline.settings import Settings, make_settings
from tests.tiny_models import MIDDLE, build_middle

WALL_BOUND, CPU_BOUND = 1.05, 0.02
"""Bounds on our wall time and on our own processor time, each over what the plain call takes."""

SIDE, FRAMES = 256, 16

MONITOR = "memory"
"""Name of the thread of pipeline.memory.monitor."""

BUSY = 0.7
"""Load average before the start from which wall times are not to be trusted."""


@dataclass(frozen=True)
class Cost:
    """What frames cost: wall time, processor time of the process, and the part of it spent outside the networks."""

    seconds: float
    cpu_seconds: float
    outside_seconds: float


@dataclass(frozen=True)
class Pair:
    """The plain call and our run, one after the other; a step is one of ours."""

    plain: Cost
    ours: Cost
    step_seconds: float

    @property
    def wall_ratio(self) -> float:
        """Our wall time over that of the plain call."""
        return self.ours.seconds / self.plain.seconds

    @property
    def cpu_share(self) -> float:
        """Our own processor time over all that the plain call spends."""
        return self.ours.outside_seconds / self.plain.cpu_seconds


class NetworkClock:
    """Adds up the processor time that the process spends within the networks of a pipeline, by hooks on them."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._entered = 0.0
        self._depth = 0

    def watch(self, pipe: Any) -> None:
        """Count the forward passes of a pipeline; its autoencoder encodes and decodes by its parts."""
        for network in (pipe.unet, pipe.text_encoder, pipe.image_encoder, pipe.vae.encoder, pipe.vae.decoder):
            network.register_forward_pre_hook(lambda *_: self._enter())
            network.register_forward_hook(lambda *_: self._leave())

    def _enter(self) -> None:
        if self._depth == 0:
            self._entered = time.process_time()
        self._depth += 1

    def _leave(self) -> None:
        self._depth -= 1
        if self._depth == 0:
            self.seconds += time.process_time() - self._entered


class Stopwatch:
    """Wall time, processor time, and processor time outside the networks, from its making to `stop`."""

    def __init__(self, clock: NetworkClock) -> None:
        self._clock = clock
        self._from = self._now()

    def stop(self) -> Cost:
        """The cost since the beginning."""
        wall, cpu, inside, monitor = (now - then for now, then in zip(self._now(), self._from, strict=True))
        return Cost(round(wall, 4), round(cpu, 4), round(cpu - inside + monitor, 4))

    def _now(self) -> tuple[float, float, float, float]:
        return time.monotonic(), time.process_time(), self._clock.seconds, monitor_seconds()


def monitor_seconds() -> float:
    """Processor time of the monitor's thread up to now; 0 when there is none."""
    threads = (thread for thread in threading.enumerate() if thread.name == MONITOR)
    return sum(time.clock_gettime(time.pthread_getcpuclockid(thread.ident)) for thread in threads if thread.ident)


class Animating:
    """Listens to a run, and measures it from the beginning of its stage `animate` to that stage's end."""

    def __init__(self, clock: NetworkClock) -> None:
        self._clock = clock
        self._watch: Stopwatch | None = None
        self.cost: Cost | None = None

    def __call__(self, event: Event) -> None:
        """Take what a run has to say."""
        if isinstance(event, Progress) and event.stage == "animate" and self._watch is None:
            self._watch = Stopwatch(self._clock)
        ended = isinstance(event, RunRecord) and event.stages and event.stages[-1].name == "animate"
        if ended and self._watch is not None and self.cost is None:
            self.cost = self._watch.stop()


@dataclass(frozen=True)
class Bench:
    """What is measured: the same picture and settings, by our program and by the plain pipeline."""

    family: Family
    pipe: Any
    picture: Frame
    folder: Path
    settings: Settings
    clock: NetworkClock

    def ours(self) -> tuple[Cost, float]:
        """One run of the program: what its stage `animate` cost, and seconds a step."""
        source, outputs = self.folder / "picture.png", self.folder / "outputs"
        listen = Animating(self.clock)
        record = execute(submit((source,), self.settings, outputs), (source,), outputs, listen)
        if record.status is not RunStatus.SUCCEEDED or record.downgrades or listen.cost is None:
            raise RuntimeError(f"the run did not go as asked: {record.error}, {record.downgrades}")
        sampling = next(phase for stage in record.stages for phase in stage.phases if phase.name == "sample")
        return listen.cost, sampling.seconds / sampling.steps

    def plain(self) -> Cost:
        """One plain call of the pipeline."""
        watch = Stopwatch(self.clock)
        self.family.bare(self.pipe, Request(self.picture, self.settings, self.settings.seed, FRAMES, "cpu"))
        return watch.stop()

    def pair(self, ours_first: bool) -> Pair:
        """Both, in either order."""
        if ours_first:
            (ours, step), plain = self.ours(), self.plain()
        else:
            plain, (ours, step) = self.plain(), self.ours()
        return Pair(plain, ours, round(step, 4))


def main() -> None:
    """Measure, then write the results and the document's section."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--pairs", type=int, default=10, help="pairs of runs; the medians count")
    arguments.add_argument("--steps", type=int, default=10, help="denoising steps of each run")
    given = arguments.parse_args()
    load = os.getloadavg()[0]
    with prepared(given.steps) as bench:
        bench.pair(ours_first=True)  # loads, and fills the caches of both, unrecorded
        pairs = []
        for number in range(given.pairs):
            pairs.append(pair := bench.pair(ours_first=number % 2 == 0))
            print(f"pair {number + 1}: wall {pair.wall_ratio:.3f}, own processor time {pair.cpu_share:.2%}", flush=True)
    report(pairs, given.steps, load)


@contextmanager
def prepared(steps: int) -> Iterator[Bench]:
    """A checkpoint, a picture and the settings in a temporary folder, and the plain pipeline in memory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build_middle(folder / "models")
        picture = detailed_photo(SIDE, SIDE)
        Image.fromarray(picture).save(folder / "picture.png")
        settings = make_settings(
            {
                "prompt": "waves roll in slowly",
                "seed": 7,
                "prepare": {"width": SIDE, "height": SIDE},
                "animate": {"engine": MIDDLE, "num_frames": FRAMES, "num_inference_steps": steps},
                "runtime": {"device": "cpu", "models_dir": str(folder / "models"), "cache_gb": 0},
            }
        )
        card, clock = get_card(MIDDLE), NetworkClock()
        family, files, plan = get_family(card), locate(card, settings.runtime), LoadPlan("cpu", Precision.FLOAT32)
        # The engine finds the model under this key, so that both sides run the very same networks.
        pipe = RESIDENT.acquire((card.name, files.folder, files.revision, plan), lambda: family.load(files, plan))
        clock.watch(pipe)
        yield Bench(family, pipe, picture, folder, settings, clock)
        RESIDENT.release()


def report(pairs: list[Pair], steps: int, load: float) -> None:
    """Write benchmarks/results/overhead.json and the section of docs/benchmarks.md, and print the figures."""
    wall = statistics.median(pair.wall_ratio for pair in pairs)
    share = statistics.median(pair.cpu_share for pair in pairs)
    step = statistics.median(pair.step_seconds for pair in pairs)
    rows = [
        [name, *(f"{statistics.median(figures):.2f}" for figures in zip(*costs, strict=True))]
        for name, costs in {
            "plain diffusers call": [tuple(asdict(pair.plain).values()) for pair in pairs],
            "our run": [tuple(asdict(pair.ours).values()) for pair in pairs],
        }.items()
    ]
    targets = [
        ["our wall time over the plain call's", f"at most {WALL_BOUND}", f"{wall:.3f}", _met(wall <= WALL_BOUND)],
        ["our own processor time over its", f"at most {CPU_BOUND:.0%}", f"{share:.2%}", _met(share <= CPU_BOUND)],
    ]
    summary = (
        f"`python -m benchmarks.overhead`: a middle-sized I2VGen-XL of random weights on {os.cpu_count()} cores, "
        f"{SIDE} x {SIDE} x {FRAMES} in float32, {steps} steps of {step:.2f} s. The stage *animate* of our runs, with "
        "forecast, record, monitor, progress, previews, latents and frames on disk, beside the plain call with the "
        f"same settings, in {len(pairs)} pairs in turn; medians. *Outside the networks* is what the process spends "
        "while no network computes, and the monitor's thread at any time: all of it is counted as our own."
    )
    busy = [] if load < BUSY else [f"**The machine was busy, with a load of {load:.1f}.**"]
    head = ["", "wall, s", "CPU, s", "outside the networks, s"]
    section = [table(head, rows), table(["target", "bound", "measured", "met"], targets)]
    results = {
        "machine": {
            "cpu_count": os.cpu_count(),
            "architecture": platform.machine(),
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "diffusers", "transformers")},
        },
        "load_before": round(load, 2),
        "steps": steps,
        "median_wall_ratio": round(wall, 4),
        "median_cpu_share": round(share, 5),
        "pairs": [asdict(pair) for pair in pairs],
    }
    save("overhead", results, "\n\n".join(["## Our own code around diffusers", summary, *busy, *section]))
    print(f"wall {wall:.3f} times the plain call, own processor time {share:.2%} of it, {step:.2f} s a step")


def _met(met: bool) -> str:
    return "yes" if met else "no"


if __name__ == "__main__":
    main()
