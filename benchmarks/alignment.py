"""Benchmark of the aligner: `python -m benchmarks.alignment` takes about four minutes.

Photographs of scikit-image seen again under homographies of known truth (tests/warps.py), and pairs of photographs that
have nothing to do with each other. The aligner beside what is usually done: SIFT, the ratio test and MAGSAC++, trusting
any eight inliers. `--data FOLDER` adds the pictures of a folder.
"""

import argparse
import itertools
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.report import save, table
from pipeline.alignment import align
from pipeline.frames import Frame
from pipeline.optical_flow import luma
from pipeline.transition_settings import AlignSettings
from tests.photos import ASTRONAUT, CHELSEA, COFFEE, ROCKET, photo
from tests.warps import corner_error, warped

LEAST_OVERLAP = 0.4
EXACT, HARMFUL = 1.0, 0.02
"""Pixels of mean corner error that count as solved, and the share of the diagonal that does harm."""

Homography = NDArray[np.float64] | None
Aligner = Callable[[Frame, Frame], Homography]


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--warps", type=int, default=200, help="views to find")
    parser.add_argument("--data", type=Path, help="folder with more pictures")
    arguments = parser.parse_args()
    photos = [photo(name) for name in (ASTRONAUT, COFFEE, CHELSEA, ROCKET)] + _more(arguments.data)
    large = [_of_a_million(each) for each in photos]
    rows, results = [], {}
    for name, aligner in (("ours", _ours), ("SIFT + MAGSAC++, any 8 inliers", _plain)):
        found = _warps(aligner, photos, arguments.warps)
        pairs = list(itertools.permutations(photos[:12], 2))
        wrong = sum(aligner(first, second) is not None for first, second in pairs)
        seconds = _seconds(aligner, large)
        results[name] = {**found, "unrelated_accepted": wrong, "unrelated": len(pairs), "median_seconds_1mp": seconds}
        shares = [f"{found[key]:.1%}" for key in ("solved", "refused", "harmful")]
        rows.append([name, *shares, f"{found['median_px']:.3f}", f"{wrong} of {len(pairs)}", f"{seconds:.2f}"])
    header = ["", "within 1 px", "refused", "harmful", "median, px", "unrelated accepted", "1 MP, s"]
    section = (
        "## Alignment\n\n"
        f"`python -m benchmarks.alignment`: {arguments.warps} views of {len(photos)} photographs of which more than "
        f"{LEAST_OVERLAP:.0%} is seen, at any rotation, half to twice as large, in perspective, blurred up to sigma 2, "
        f"with noise up to 12 and other light, on {os.cpu_count()} cores; mean error of four corners. Harmful is an "
        f"error over {HARMFUL:.0%} of the diagonal. *Unrelated*: every photograph with every other one.\n\n"
        + table(header, rows)
    )
    save("alignment", results, section)
    print(section)


def _warps(aligner: Aligner, photos: list[Frame], count: int) -> dict[str, float]:
    rng, harmful = np.random.default_rng(2024), 0
    errors: list[float] = []
    for number in itertools.count():
        if len(errors) == count:
            break
        image = photos[number % len(photos)]
        view = warped(image, rng)
        if view.overlap <= LEAST_OVERLAP:
            continue
        height, width = image.shape[:2]
        found = aligner(image, view.image)
        errors.append(np.inf if found is None else corner_error(found, view.homography, width, height))
        harmful += bool(found is not None and errors[-1] > HARMFUL * np.hypot(width, height))
    known = [error for error in errors if np.isfinite(error)]
    return {
        "solved": sum(error <= EXACT for error in errors) / count,
        "refused": 1 - len(known) / count,
        "harmful": harmful / count,
        "median_px": statistics.median(known),
    }


def _of_a_million(image: Frame) -> Frame:
    zoom = (1e6 / image[..., 0].size) ** 0.5
    return np.asarray(cv2.resize(image, None, fx=zoom, fy=zoom), np.uint8)


def _seconds(aligner: Aligner, photos: list[Frame]) -> float:
    """Median wall time for pairs of a million pixels that the first try aligns."""
    rng, seconds = np.random.default_rng(7), []
    for image in photos[:4]:
        for _ in range(3):
            view = warped(image, rng).image
            before = time.perf_counter()
            aligner(image, view)
            seconds.append(time.perf_counter() - before)
    return statistics.median(seconds)


def _ours(first: Frame, second: Frame) -> Homography:
    return align(first, second, AlignSettings()).homography


def _plain(first: Frame, second: Frame) -> Homography:
    sift = cv2.SIFT.create(8000)
    (points0, words0), (points1, words1) = (sift.detectAndCompute(luma(each), None) for each in (first, second))
    if min(len(points0), len(points1)) < 2:
        return None
    matcher = cv2.FlannBasedMatcher({"algorithm": 1, "trees": 5}, {"checks": 64})
    pairs = [pair for pair in matcher.knnMatch(words0, words1, k=2) if len(pair) == 2]
    good = [best for best, other in pairs if best.distance < 0.8 * other.distance]
    if len(good) < 4:
        return None
    source = np.array([points0[each.queryIdx].pt for each in good], np.float32)
    target = np.array([points1[each.trainIdx].pt for each in good], np.float32)
    found: tuple[Any, Any] = cv2.findHomography(source, target, cv2.USAC_MAGSAC, 1.0, None, 10_000, 0.999)
    return None if found[0] is None or int(found[1].sum()) < 8 else np.asarray(found[0], np.float64)


def _more(folder: Path | None) -> list[Frame]:
    if folder is None:
        return []
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".png", ".jpg"))
    return [np.array(Image.open(path).convert("RGB")) for path in paths]


if __name__ == "__main__":
    main()
