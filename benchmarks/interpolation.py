"""Benchmark of interpolation: `python -m benchmarks.interpolation --data FOLDER`, in about a quarter of an hour.

(a) Speed on all videos of the folder that have 720 lines: twice as many frames from raw frames in a file, with nothing
written, by the method `flow` on all cores and by ffmpeg's minterpolate. Both times include starting the program.
(b) Peak memory of the command line for 10 s and for 60 s of 1080p, from 12 to 24 frames per second.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np

from benchmarks.camera import BUSY
from benchmarks.measure import Usage, machine, run_measured
from benchmarks.picture import detailed_photo
from benchmarks.report import PROJECT, RESULTS, save, table
from pipeline.choices import X264Preset
from pipeline.errors import InvalidInput
from pipeline.frames import Frame, FrameStream
from pipeline.settings import EncodeSettings
from pipeline.video import probe, read_frames, write_video

FRAMES = 41
"""Frames of each clip."""

FILTER = "minterpolate=fps=2*source_fps:mi_mode=mci:mc_mode=aobmc:vsbmc=1"

SECONDS = (10, 60)
"""Of the two videos whose memory is measured."""

SLOW = Fraction(12)


def main() -> None:
    """Measure, then write the results and the document."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", type=Path, help="folder with real videos, below which all are looked at")
    arguments.add_argument("--rounds", type=int, default=3, help="times each way is run; the median counts")
    arguments.add_argument("--only", choices=("speed", "memory"), help="keep the earlier figures of the other part")
    options = arguments.parse_args()
    if options.data is None and options.only != "memory":
        arguments.error("--data is needed: the speed is measured on real videos")
    results: dict[str, Any] = {"machine": machine(), "filter": FILTER, "frames": FRAMES}
    if options.only:
        earlier = json.loads((RESULTS / "interpolation.json").read_text(encoding="utf-8"))
        results |= {name: earlier[name] for name in ("load_before", "clips", "memory")}
    with tempfile.TemporaryDirectory() as folder:
        if options.only != "memory":
            results["load_before"] = round(os.getloadavg()[0], 2)
            results["clips"] = {path.stem: _speed(path, Path(folder), options.rounds) for path in _large(options.data)}
        if options.only != "speed":
            results["memory"] = {f"{seconds} s": asdict(_memory(seconds, Path(folder))) for seconds in SECONDS}
    save("interpolation", results, _section(results))
    print(_section(results))


def _large(data: Path) -> list[Path]:
    found = []
    for path in sorted(data.rglob("*.mp4")):
        try:
            info = probe(path)
        except InvalidInput:
            continue
        if info.height == 720 and info.num_frames >= FRAMES:
            found.append(path)
    return found


def _speed(path: Path, folder: Path, rounds: int) -> dict[str, Any]:
    """Run both ways in turn, so that a busy moment of the machine spoils few comparisons."""
    info = probe(path)
    raw = folder / "frames.rgb"
    with raw.open("wb") as file:
        for frame in islice(read_frames(path).frames, FRAMES):
            file.write(frame.data)
    size = [str(number) for number in (info.width, info.height)]
    ours = [sys.executable, "-m", "benchmarks.double_raw", str(raw), *size]
    planes = folder / "frames.yuv"
    _run(_ffmpeg(raw, "rgb24", size, ["-pix_fmt", "yuv420p", "-f", "rawvideo", str(planes)]), folder)
    source = f"minterpolate=fps={float(2 * info.fps)}:{FILTER.partition(':')[2]}"
    theirs = _ffmpeg(planes, "yuv420p", size, ["-vf", source, "-f", "null", "-"], float(info.fps))
    pairs = [(_run(ours, folder), _run(theirs, folder)) for _ in range(rounds)]
    for flow, other in pairs:
        print(f"{path.stem:12} {flow.wall_seconds:6.1f} s, minterpolate {other.wall_seconds:6.1f} s", flush=True)
    planes.unlink()
    return {
        "flow": [asdict(flow) for flow, _ in pairs],
        "minterpolate": [asdict(other) for _, other in pairs],
        "ratio": round(statistics.median(other.wall_seconds / flow.wall_seconds for flow, other in pairs), 2),
    }


def _ffmpeg(source: Path, layout: str, size: list[str], rest: list[str], fps: float = 25.0) -> list[str]:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "rawvideo", "-pix_fmt", layout]
    return [*command, "-s", "x".join(size), "-r", str(fps), "-i", str(source), *rest]


def _run(command: list[str], folder: Path) -> Usage:
    return run_measured(command, PROJECT, folder / "command.log")


def _memory(seconds: int, folder: Path) -> Usage:
    """What the command line needs for a video of a photo that moves by."""
    source, made = folder / f"slow_{seconds}.mp4", folder / f"made_{seconds}.mp4"
    count = int(seconds * SLOW)
    settings = EncodeSettings(x264_preset=X264Preset.VERYFAST)
    write_video(FrameStream(_pan(count), 1920, 1080, SLOW, count), source, settings)
    command = [sys.executable, "-m", "pipeline", "interpolate", str(source), "--fps", str(2 * SLOW)]
    usage = _run([*command, "--output", str(made)], folder)
    print(f"{seconds} s of 1080p: {usage.peak_memory_bytes / 1e6:.0f} MB, {usage.wall_seconds:.0f} s", flush=True)
    return usage


def _pan(count: int) -> Iterator[Frame]:
    photo = detailed_photo(2400, 1080)
    for number in range(count):
        right = round(240 * (1 - np.cos(number / 20)))
        yield np.ascontiguousarray(photo[:, right : right + 1920])


def _section(results: dict[str, Any]) -> str:
    clips, memory = results["clips"], results["memory"]
    rows = [[name, *_medians(clip["flow"]), *_medians(clip["minterpolate"])] for name, clip in clips.items()]
    short, long = (memory[f"{seconds} s"]["peak_memory_bytes"] / 1e6 for seconds in SECONDS)
    slowest = min((clip["ratio"] for clip in clips.values()), default=0.0)
    cores = results["machine"]["cpu_count"]
    least = min((cores * _cpu(clip["minterpolate"]) / _cpu(clip["flow"]) for clip in clips.values()), default=0.0)
    targets = [
        ["times as fast as minterpolate, every clip", "at least 2", f"{slowest:.2f}", _met(slowest >= 2)],
        ["the same by processor time, were all cores free", "at least 2", f"{least:.2f}", _met(least >= 2)],
        ["peak memory of 60 s of 1080p, MB", "at most 1100", f"{long:.0f}", _met(long <= 1100)],
        ["peak memory of 60 s over 10 s", "at most 1.05", f"{long / short:.2f}", _met(long <= 1.05 * short)],
    ]
    load = results["load_before"]
    busy = "" if load < BUSY else f"\n**The machine was busy, with a load of {load:g}.**\n"
    return f"""## Interpolation

`python -m benchmarks.interpolation --data FOLDER`: {results["frames"]} frames of each real clip of 720 lines become
twice as many, on {cores} cores, from raw frames and with nothing written; minterpolate uses one core. *flow* is the
embedded method as the command runs it, with its search for cuts and repeats; *minterpolate* is ffmpeg's filter with
`{results["filter"].partition(":")[2]}`. Times include starting the program and are medians. Memory is the peak of
`interpolate --fps 24 --output` on a panned photo at 12 frames per second, decoding and encoding included.
{busy}
{table(["clip", "flow, s", "CPU, s", "minterpolate, s", "CPU, s"], rows)}

{table(["target", "bound", "measured", "met"], targets)}
"""


def _cpu(usages: list[dict[str, float]]) -> float:
    return statistics.median(usage["cpu_seconds"] for usage in usages)


def _medians(usages: list[dict[str, float]]) -> list[str]:
    return [f"{statistics.median(usage[key] for usage in usages):.1f}" for key in ("wall_seconds", "cpu_seconds")]


def _met(is_met: bool) -> str:
    return "yes" if is_met else "**no**"


if __name__ == "__main__":
    main()
