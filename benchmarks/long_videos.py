"""Benchmark of long videos: `python -m benchmarks.long_videos`, in about a quarter of an hour.

Peak memory of the command line for 10 s and for 60 s of 1080p, by every way that needs no model: the embedded engine
with and without regions, depth and segments, and all that is laid over its frames. Frames between others have a
bound of their own and are measured by benchmarks.interpolation.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from skimage import data

from benchmarks.camera import Target
from benchmarks.measure import machine, run_measured
from benchmarks.picture import detailed_photo
from benchmarks.report import PROJECT, RESULTS, save, table

WIDTH, HEIGHT, FPS = 1920, 1080, 3
"""Few frames a second: what is held does not depend on how fast they are shown."""

SECONDS = (10, 60)

MOST_MB = 600
"""Bound on the peak of each way."""

STYLES = ("oil", "watercolour")
"""Of the named styles the two that need most: oil draws along lines, and watercolour looks farthest around a pixel."""

Settings = dict[str, Any]


def ways(folder: Path) -> dict[str, Settings]:
    """Settings of each way, by what they are called; pictures lie in the folder."""
    masks = {"prepare.masks": folder / "mask.png"}
    water: Settings = {**masks, "animate.motion.brush_kind": "water"}
    steady = {"enhance.deflicker": 0.5, "enhance.colour": 0.5, "enhance.sharpen": 0.5}
    return {
        "zoom": {"prompt": "zoom in"},
        "water": {"prompt": "still camera", **water},
        "zoom, water": {"prompt": "zoom in", **water},
        "zoom in depth": {"prompt": "zoom in", **masks, "animate.motion.parallax": 0.5},
        "segments": {"animate.segments": True},
        "segments, water": {"animate.segments": True, **water},
        "steadied and sharpened": {"prompt": "zoom in", **steady},
        **{f"style {name}": {"prompt": "zoom in", "style.name": name} for name in STYLES},
        "style of a picture": {"prompt": "zoom in", "style.image": folder / "style.png"},
    }


def main() -> None:
    """Measure, then write the results and the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="measure the ways whose name holds this; of others keep the figures")
    only = parser.parse_args().only
    results: dict[str, Any] = {"machine": machine(), "fps": FPS, "peaks": {}}
    if only:
        results["peaks"] = json.loads((RESULTS / "long_videos.json").read_text(encoding="utf-8"))["peaks"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _draw(folder)
        for way, settings in ways(folder).items():
            if only in way:
                results["peaks"][way] = [round(_peak(settings, seconds, folder) / 1e6) for seconds in SECONDS]
                print(way, *results["peaks"][way], "MB", flush=True)
    save("long_videos", results, _section(results["peaks"]))


def _draw(folder: Path) -> None:
    Image.fromarray(detailed_photo(WIDTH, HEIGHT)).save(folder / "picture.png")
    Image.fromarray(np.ascontiguousarray(data.astronaut())).save(folder / "style.png")
    mask = cv2.ellipse(np.zeros((HEIGHT, WIDTH), np.uint8), (900, 700), (700, 300), 0, 0, 360, (255,), -1)
    Image.fromarray(np.asarray(mask)).save(folder / "mask.png")


def _peak(settings: Settings, seconds: int, folder: Path) -> int:
    """Bytes of memory that the command line needs at most for a video of a way."""
    given = {"prepare.width": WIDTH, "prepare.height": HEIGHT, "encode.fps": FPS, "seed": 0, "runtime.cache_gb": 0}
    if settings.get("animate.segments"):
        halves = [{"prompt": prompt, "seconds": seconds / 2} for prompt in ("zoom in", "pan left")]
        settings = {**settings, "animate.segments": [json.dumps(half) for half in halves]}
    else:
        given["animate.num_frames"] = seconds * FPS
    command = [sys.executable, "-m", "pipeline", "animate", str(folder / "picture.png")]
    for name, value in {**given, **settings}.items():
        command += [f"--{name}", *(map(str, value) if isinstance(value, list) else (str(value),))]
    with tempfile.TemporaryDirectory(dir=folder) as outputs:
        command += ["--outputs", outputs, "--logs", f"{outputs}/logs", "--json"]
        return run_measured(command, PROJECT, folder / "command.log").peak_memory_bytes


def _section(peaks: dict[str, list[int]]) -> str:
    target = Target("peak memory of any way in MB", max(map(max, peaks.values())), MOST_MB)
    told = [target.name, f"at most {MOST_MB}", f"{target.measured:.0f}", "yes" if target.met else "**no**"]
    return f"""## Long videos

`python -m benchmarks.long_videos`: peak memory of the command line, encoder included, for 1920 x 1080 pixels by every
way that needs no model, at {FPS} frames per second. Interpolation has a bound of its own, above. A region that streams
needs one copy of itself in a short video, and two in a long one.

{table(["way", "10 s, MB", "60 s, MB"], [[way, *map(str, found)] for way, found in peaks.items()])}

{table(["target", "bound", "measured", "met"], [told])}
"""


if __name__ == "__main__":
    main()
