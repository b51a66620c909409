"""Benchmark of the passage between two pictures: `python -m benchmarks.morphing` takes about two minutes.

A stereo pair and photographs of scikit-image, seen by a camera that turns and zooms, and pairs of photographs that have
nothing to do with each other. `--data FOLDER` adds what it finds there: triplets of Middlebury (frame10.png and
frame11.png, with frame10i11.png between them where it is known) and pairs of a first and a last picture (NAME_01.png,
NAME_02.png). The program's passage, as the settings have it, beside a dissolve and optical flow as it is usually used.
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from benchmarks.report import save, table
from pipeline.alignment import align
from pipeline.frames import Frame
from pipeline.morphing import Passage
from pipeline.optical_flow import dense_flow, luma, pixel_places, sample
from pipeline.transition_settings import AlignSettings, TransitionSettings
from tests.photos import ASTRONAUT, CHELSEA, COFFEE, ROCKET, photo

MIDDLE = (0.4, 0.5, 0.6)
"""The times at which sharpness is measured."""

STEPS = 30
"""Steps of even length in which a passage is looked at for jumps."""

MIN_SHARPNESS = 0.95

Way = Callable[[float], Frame]


class Kind(StrEnum):
    """What two pictures show."""

    PHOTOGRAPHS = "one scene, photographed twice"
    ONE_PHOTO = "two views of one photograph"
    UNRELATED = "nothing in common"


@dataclass(frozen=True)
class Pair:
    """Two pictures of one size; `middle` is what a camera half-way sees, where that is known."""

    name: str
    frame0: Frame
    frame1: Frame
    middle: Frame | None = None
    kind: Kind = Kind.PHOTOGRAPHS


@dataclass(frozen=True)
class Figures:
    """What a way is like in its middle.

    Sharpness is the mean gradient of the luma over that of the two pictures; PSNR in dB is that of the frame half-way.
    """

    sharpness: float
    psnr: float | None


@dataclass(frozen=True)
class Measured:
    """Figures of one pair.

    `truth` is the sharpness of the true middle, where it is known; `jump` the largest difference of two consecutive
    frames over their median.
    """

    pair: str
    kind: Kind
    method: str
    truth: float | None
    ours: Figures
    uncropped: Figures
    dissolve: Figures
    flow: Figures
    jump: float


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with more pairs")
    arguments = parser.parse_args()
    measured = [_measured(pair) for pair in (*_own_pairs(), *_found_pairs(arguments.data))]
    seconds = _seconds_a_frame()
    section = _section(measured, seconds)
    results = {"pairs": [asdict(each) for each in measured], "cpu_seconds_per_frame_720p": round(seconds, 3)}
    save("morphing", results, section)
    print(section)


def _measured(pair: Pair) -> Measured:
    homography = align(pair.frame0, pair.frame1, AlignSettings()).homography
    passage = Passage(pair.frame0, pair.frame1, homography, TransitionSettings())
    uncropped = Passage(pair.frame0, pair.frame1, homography, TransitionSettings(common_crop=False))
    return Measured(
        pair.name,
        pair.kind,
        passage.method,
        None if pair.middle is None else round(_sharpness(pair.middle) / _end_sharpness(pair), 3),
        _figures(passage.at, pair),
        _figures(uncropped.at, pair),
        _figures(_dissolve(pair), pair),
        _figures(_flow(pair), pair),
        round(_jump(passage), 2),
    )


def _figures(way: Way, pair: Pair) -> Figures:
    middle = statistics.mean(_sharpness(way(t)) for t in MIDDLE)
    psnr = None if pair.middle is None else round(float(cv2.PSNR(way(0.5), pair.middle)), 2)
    return Figures(round(middle / _end_sharpness(pair), 3), psnr)


def _end_sharpness(pair: Pair) -> float:
    return statistics.mean(_sharpness(frame) for frame in (pair.frame0, pair.frame1))


def _dissolve(pair: Pair) -> Way:
    return lambda t: np.asarray(cv2.addWeighted(pair.frame0, 1.0 - t, pair.frame1, t, 0.0), np.uint8)


def _flow(pair: Pair) -> Way:
    """Dense flow both ways, each picture warped by its share of it, and a dissolve of the two."""
    grey0, grey1 = luma(pair.frame0), luma(pair.frame1)
    forward, backward = dense_flow(grey0, grey1), dense_flow(grey1, grey0)
    places = pixel_places(range(len(grey0)), grey0.shape[1])

    def at(t: float) -> Frame:
        first = sample(pair.frame0, places - np.float32(t) * forward, cv2.INTER_CUBIC)
        second = sample(pair.frame1, places - np.float32(1.0 - t) * backward, cv2.INTER_CUBIC)
        return np.asarray(cv2.addWeighted(first, 1.0 - t, second, t, 0.0), np.uint8)

    return at


def _sharpness(frame: Frame) -> float:
    grey = luma(frame).astype(np.float32)
    return float(np.hypot(np.diff(grey, axis=1)[:-1], np.diff(grey, axis=0)[:, :-1]).mean())


def _jump(passage: Passage) -> float:
    frames = [passage.at(step / STEPS).astype(np.int16) for step in range(STEPS + 1)]
    steps = [float(np.abs(after - before).mean()) for before, after in itertools.pairwise(frames)]
    return max(steps) / max(statistics.median(steps), 1e-6)


def _seconds_a_frame() -> float:
    """Processor time for a frame of 1280x720, of a pair that needs everything; its motion is measured before."""
    left, right = (np.asarray(cv2.resize(view[40:457], (1280, 720)), np.uint8) for view in _stereo())
    passage = Passage(left, right, align(left, right, AlignSettings()).homography, TransitionSettings())
    passage.at(0.5)
    before = time.process_time()
    for t in (0.2, 0.35, 0.5, 0.65, 0.8):
        passage.at(t)
    return (time.process_time() - before) / 5


def _stereo() -> tuple[Frame, Frame]:
    left, right, _ = data.stereo_motorcycle()
    return np.ascontiguousarray(left), np.ascontiguousarray(right)


def _own_pairs() -> Iterator[Pair]:
    """Pairs that need no folder."""
    yield Pair("motorcycle, stereo", *_stereo())
    yield _seen("astronaut, turned by 8 degrees", ASTRONAUT, roll=8.0)
    yield _seen("astronaut, panned and tilted", ASTRONAUT, pan=4.0, tilt=-3.0)
    yield _seen("coffee, panned", COFFEE, pan=8.0)
    yield _seen("chelsea, zoomed 1.4 times", CHELSEA, zoom=1.4)
    yield _seen("rocket, turned and zoomed", ROCKET, roll=-12.0, zoom=1.2)
    for first, second in ((ASTRONAUT, COFFEE), (COFFEE, CHELSEA), (CHELSEA, ROCKET), (ROCKET, ASTRONAUT)):
        yield Pair(f"{first}, {second}", _window(first), _window(second), kind=Kind.UNRELATED)


def _window(name: str) -> Frame:
    """The middle of a photo in 3:2."""
    frame = photo(name)
    height = min(len(frame), frame.shape[1] * 2 // 3)
    top, left = (len(frame) - height) // 2, (frame.shape[1] - height * 3 // 2) // 2
    return np.asarray(cv2.resize(frame[top : top + height, left : left + height * 3 // 2], (480, 320)), np.uint8)


def _seen(name: str, of: str, pan: float = 0.0, tilt: float = 0.0, roll: float = 0.0, zoom: float = 1.0) -> Pair:
    """A photo seen before, half-way through and after a move of the camera; angles in degrees.

    Half-way are half of the rotation and the square root of the zoom. Both ends are seen from half a move away, so
    that all three are resampled as often.
    """
    frame = photo(of)
    height, width = len(frame) * 3 // 5, frame.shape[1] * 3 // 5

    def view(share: float) -> Frame:
        matrix = _view(share * np.radians([tilt, pan, roll]), zoom**share, frame.shape[1], len(frame))
        matrix = np.array([[1, 0, (width - 1) / 2], [0, 1, (height - 1) / 2], [0, 0, 1]]) @ matrix
        return np.asarray(cv2.warpPerspective(frame, matrix, (width, height), flags=cv2.INTER_LANCZOS4), np.uint8)

    return Pair(name, view(-0.5), view(0.5), middle=view(0.0), kind=Kind.ONE_PHOTO)


def _view(rotation: NDArray[np.float64], zoom: float, width: int, height: int) -> NDArray[np.float64]:
    """From pixels of a photo to those of a camera that has turned, its centre at 0; as far as the photo is wide."""
    turn, _ = cv2.Rodrigues(rotation)
    to_rays = np.array([[1, 0, (1 - width) / 2], [0, 1, (1 - height) / 2], [0, 0, width]], np.float64)
    return np.asarray(np.diag([zoom * width, zoom * width, 1.0]) @ turn @ to_rays, np.float64)


def _found_pairs(folder: Path | None) -> Iterator[Pair]:
    """Pairs in a folder and those below it."""
    if folder is None:
        return
    for path in sorted(folder.rglob("frame10.png")):
        middle = path.with_name("frame10i11.png")
        truth = _read(middle) if middle.exists() else None
        yield Pair(f"Middlebury {path.parent.name}", _read(path), _read(path.with_name("frame11.png")), truth)
    for path in sorted(folder.rglob("*_01.png")):
        last = path.with_name(path.name.replace("_01.png", "_02.png"))
        if last.exists():
            yield Pair(f"first and last, {path.stem[:-3]}", _read(path), _read(last))


def _read(path: Path) -> Frame:
    return np.array(Image.open(path).convert("RGB"))


def _section(measured: list[Measured], seconds: float) -> str:
    sharpness = [
        [each.pair, each.method]
        + [f"{way.sharpness:.3f}" for way in (each.ours, each.uncropped, each.dissolve, each.flow)]
        + ["" if each.truth is None else f"{each.truth:.3f}", f"{each.jump:.2f}"]
        for each in measured
    ]
    psnr = [
        [each.pair, *(f"{way.psnr:.1f}" for way in (each.uncropped, each.dissolve, each.flow))]
        for each in measured
        if each.truth is not None
    ]
    return (
        "## Passage between two pictures\n\n"
        "`python -m benchmarks.morphing --data FOLDER`: the passage as the settings have it, beside a plain *dissolve*"
        " and *DIS*, optical flow in both directions, warped linearly and dissolved. *Sharpness* is the mean gradient"
        " of the luma at 0.4, 0.5 and 0.6 of the way over that of the two pictures; *uncropped*, that of the passage"
        " without its common crop, which magnifies and so makes gradients gentler; *true*, that of the true frame"
        f" half-way. *Jump* is the largest difference of two consecutive frames, of {STEPS + 1}, over their median. A"
        f" frame of 1280 x 720 takes {seconds:.2f} s of one core, once the motion is measured.\n\n"
        + table(["sharpness", "way", "ours", "uncropped", "dissolve", "DIS", "true", "jump"], sharpness)
        + "\n\n"
        + table(["PSNR of the uncropped frame half-way, dB", "ours", "dissolve", "DIS"], psnr)
        + "\n\n"
        + table(["target", "bound", "measured", "met"], _targets(measured))
    )


def _targets(measured: list[Measured]) -> list[list[str]]:
    scenes = [each for each in measured if each.kind != Kind.UNRELATED]
    others = [each for each in measured if each.kind == Kind.UNRELATED]
    photographed = [each for each in scenes if each.kind == Kind.PHOTOGRAPHS]
    bounds = [
        ("sharpness, two photographs of one scene", MIN_SHARPNESS, min(each.ours.sharpness for each in photographed)),
        ("sharpness over the truth's, uncropped", MIN_SHARPNESS, _least_over_truth(scenes)),
        ("sharpness over the dissolve's, one scene", 1.0, _least_over_dissolve(scenes)),
        ("sharpness over the dissolve's, unrelated", 1.0, _least_over_dissolve(others)),
        ("mean PSNR over the dissolve's, dB", 0.0, _mean_gain(scenes, lambda each: each.dissolve)),
        ("mean PSNR over that of DIS, dB", 0.0, _mean_gain(scenes, lambda each: each.flow)),
    ]
    return [
        [what, f"at least {bound}", f"{found:.3f}", "yes" if found >= bound else "no"] for what, bound, found in bounds
    ]


def _least_over_dissolve(group: list[Measured]) -> float:
    return min(each.ours.sharpness / each.dissolve.sharpness for each in group)


def _least_over_truth(group: list[Measured]) -> float:
    return min(each.uncropped.sharpness / each.truth for each in group if each.truth)


def _mean_gain(group: list[Measured], rival: Callable[[Measured], Figures]) -> float:
    pairs = ((each.uncropped.psnr, rival(each).psnr) for each in group)
    return statistics.mean(ours - theirs for ours, theirs in pairs if ours is not None and theirs is not None)


if __name__ == "__main__":
    main()
