"""Benchmark of the camera: `python -m benchmarks.camera` measures everything in one run, in about a quarter of an hour.

(a) 10 s of a slow zoom (1.00 to 1.25) over a 1080p photo at 30 frames per second: our command line against ffmpeg's
zoompan, moviepy, and our encoder alone, all with the same x264 settings. Smoothness is the RMS distance in pixels
between the motion measured on decoded frames (whole-frame affine ECC against the first one) and the ideal zoom.
(b) Peak memory of our command line for 10 s and for 60 s.
"""

import argparse
import os
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.camera_rivals import ENCODE, FPS, HEIGHT, RIVALS, WIDTH, ZOOM, Job, ours
from benchmarks.measure import Affine, Usage, machine, measured_affine, rms_distance, run_measured
from benchmarks.picture import detailed_photo
from benchmarks.report import PROJECT, save, table
from pipeline.engines.motion.camera import CameraPath
from pipeline.engines.motion.resample import CameraRenderer
from pipeline.frames import Frame
from pipeline.motion_plan import Camera, Easing
from pipeline.video import read_frames

SHORT, LONG = 300, 1800
"""Frames in 10 s and in 60 s."""

BUSY = 0.7
"""Load average before the start from which times are not to be trusted."""

TRACKED = 13
"""Every so many frames one is tracked."""


Round = dict[str, Usage]
"""What each way cost in one round."""


@dataclass(frozen=True)
class Target:
    """One figure that the project has promised, and what was measured."""

    name: str
    measured: float
    bound: float
    at_most: bool = True

    @property
    def met(self) -> bool:
        """Whether the promise is kept."""
        return self.measured <= self.bound if self.at_most else self.measured >= self.bound


def main() -> None:
    """Measure, then write the results and the document."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=3, help="times each way is run; the median time counts")
    arguments.add_argument("--frames", type=int, nargs=2, default=(SHORT, LONG), help="frames of the two lengths")
    options = arguments.parse_args()
    short, long = options.frames
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        job = _prepared(Path(folder), short)
        rounds = [_round(job) for _ in range(options.rounds)]
        smoothness = {name: _smoothness(_output(name, job), short) for name in RIVALS if name != "encode only"}
        lengthy = _run(ours, "long", replace(job, num_frames=long))
    results = _results(rounds, smoothness, lengthy)
    results |= {"frames": {"short": short, "long": long}, "load_before": round(load, 2)}
    save("camera", results, _section(results))
    print(_section(results))


def _prepared(folder: Path, num_frames: int) -> Job:
    """Write the picture, and render the frames that the encoder alone is fed with."""
    picture = detailed_photo(WIDTH, HEIGHT)
    Image.fromarray(picture).save(folder / "picture.png")
    path = CameraPath(Camera(zoom=ZOOM, easing=Easing.LINEAR), WIDTH, HEIGHT, num_frames, loop=False, seed=0)
    renderer = CameraRenderer(path, picture)
    with (folder / "frames.rgb").open("wb") as file:
        for index in range(num_frames):
            file.write(renderer.render(renderer.plate, index).data)
    return Job(folder / "picture.png", num_frames, folder / "unnamed.mp4", folder / "frames.rgb")


def _output(name: str, job: Job) -> Path:
    """Where a way's video lies. Our command line chooses the names in its folder itself."""
    folder = job.output.parent / name.replace(" ", "_").replace(",", "")
    return next(iter(sorted(folder.glob("*.mp4"))), folder / "video.mp4")


def _run(rival: Callable[[Job], list[str]], name: str, job: Job) -> Usage:
    output = _output(name, job)
    output.parent.mkdir(exist_ok=True)
    output.unlink(missing_ok=True)
    return run_measured(rival(replace(job, output=output)), PROJECT, job.output.parent / "command.log")


def _round(job: Job) -> Round:
    """Run every way once, one after the other, so that a busy moment of the machine spoils few comparisons."""
    usages = {}
    for name, rival in RIVALS.items():
        usages[name] = usage = _run(rival, name, job)
        print(f"{name:30} {usage.wall_seconds:7.1f} s wall {usage.cpu_seconds:7.1f} s CPU", flush=True)
    return usages


def _median_usage(usages: list[Usage]) -> Usage:
    return Usage(
        statistics.median(usage.wall_seconds for usage in usages),
        statistics.median(usage.cpu_seconds for usage in usages),
        max(usage.peak_memory_bytes for usage in usages),
    )


def _wall_ratio(rounds: list[Round], one: str, other: str) -> float:
    """Median over the rounds of how much longer one way takes than the other."""
    return statistics.median(usages[one].wall_seconds / usages[other].wall_seconds for usages in rounds)


def _smoothness(video: Path, num_frames: int) -> float:
    """RMS distance in pixels between the measured and the ideal path."""
    frames = islice(read_frames(video).frames, 0, None, TRACKED)
    first = next(frames)
    distances = [_off_path(first, frame, index * TRACKED, num_frames) for index, frame in enumerate(frames, start=1)]
    return round(float(np.sqrt(np.mean(np.square(distances)))), 4)


def _off_path(first: Frame, frame: Frame, index: int, num_frames: int) -> float:
    ideal = _ideal(ZOOM ** (index / (num_frames - 1)))
    return rms_distance(measured_affine(first, frame, ideal), ideal, WIDTH, HEIGHT)


def _ideal(zoom: float) -> Affine:
    middle = np.array([[(WIDTH - 1) / 2], [(HEIGHT - 1) / 2]])
    return np.hstack([np.eye(2) * zoom, middle * (1 - zoom)])


def _results(rounds: list[Round], smoothness: dict[str, float], lengthy: Usage) -> dict[str, Any]:
    ways = {name: _median_usage([usages[name] for usages in rounds]) for name in RIVALS}
    mine = ways["ours"]
    memory = [mine.peak_memory_bytes, lengthy.peak_memory_bytes]
    targets = [
        Target("wall time over encoding alone", _wall_ratio(rounds, "ours", "encode only"), 1.4),
        Target("wall time over zoompan's", _wall_ratio(rounds, "ours", "ffmpeg zoompan"), 1.6),
        Target("moviepy's wall time over ours", _wall_ratio(rounds, "moviepy", "ours"), 2.5, at_most=False),
        Target("smoothness in px", smoothness["ours"], 0.02),
        Target("peak memory in MB", max(memory) / 1e6, 600),
        Target("peak memory of 60 s over 10 s", memory[1] / memory[0], 1.05),
    ]
    return {
        "machine": machine(),
        "encoder": ENCODE.model_dump(mode="json"),
        "ways": {name: asdict(usage) | {"smoothness_px": smoothness.get(name)} for name, usage in ways.items()},
        "rounds": [{name: usage.wall_seconds for name, usage in usages.items()} for usages in rounds],
        "ours, 60 s": asdict(lengthy),
        "targets": [asdict(target) | {"met": target.met} for target in targets],
    }


def _section(results: dict[str, Any]) -> str:
    rows = [[name, *_figures(way)] for name, way in results["ways"].items()]
    rows.append(["ours, 60 s", *_figures(results["ours, 60 s"])])
    targets = [
        [
            target["name"],
            f"{'at most' if target['at_most'] else 'at least'} {target['bound']:g}",
            f"{target['measured']:.3g}",
            "yes" if target["met"] else "**no**",
        ]
        for target in results["targets"]
    ]
    encoder, cores = results["encoder"], results["machine"]["cpu_count"]
    busy = (
        "" if results["load_before"] < BUSY else "\n**The machine was busy: compare processor time, not wall time.**\n"
    )
    return f"""## Camera

`python -m benchmarks.camera`: 10 s of a slow zoom (1.00 to {ZOOM}) over a photo of {WIDTH} x {HEIGHT} at {FPS} frames
per second, in libx264 with preset {encoder["x264_preset"]}, CRF {encoder["crf"]} and {encoder["threads"]} threads, on
{cores} cores. Times are medians of {len(results["rounds"])} rounds and include starting the program; targets are
medians of the rounds' ratios. Memory is the peak of the process and its children. *Encode only* feeds our encoder with
the very frames of *ours*, read from a raw file. Smoothness is the RMS distance between the motion measured on decoded
frames and the ideal path.
{busy}
{table(["", "wall, s", "CPU, s", "memory, MB", "smoothness, px"], rows)}

{table(["target", "bound", "measured", "met"], targets)}
"""


def _figures(way: dict[str, Any]) -> list[str]:
    smoothness = way.get("smoothness_px")
    return [
        f"{way['wall_seconds']:.1f}",
        f"{way['cpu_seconds']:.1f}",
        f"{way['peak_memory_bytes'] / 1e6:.0f}",
        "" if smoothness is None else f"{smoothness:.3f}",
    ]


if __name__ == "__main__":
    main()
