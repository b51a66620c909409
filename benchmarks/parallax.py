"""Frames of the camera in depth beside those of the plain one, and how long they take.

    python -m benchmarks.parallax [--output docs/pictures]

The photos are those of scikit-image that are CC0 or in the public domain; what is near in them was outlined by hand.
Each strip shows the still, the end of an orbit, of a dolly in depth, and of the plain zoom as far.
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from pipeline.depth import aligned, estimate_depth
from pipeline.engines.motion.camera import CameraPath
from pipeline.engines.motion.parallax.renderer import ParallaxRenderer
from pipeline.engines.motion.resample import CameraRenderer
from pipeline.frames import Frame, Mask
from pipeline.motion_plan import Camera

HEIGHT = 720
CLIP = (60, False, 1)

ASTRONAUT = """15,512 20,400 30,310 60,250 108,203 116,168 148,143 185,140 183,122 158,92 145,60 155,28 190,12 230,9
270,18 304,55 306,100 276,130 268,150 312,186 330,225 345,262 356,290 366,345 400,338 450,353 492,400 504,512"""
ROCKET = """266,427 266,405 300,400 306,380 308,150 313,132 323,122 333,132 339,150 342,380 372,402 376,427"""
SPOON = """398,70 426,66 418,100 395,150"""


def outlines() -> dict[str, list[NDArray[np.int32]]]:
    """Outlines of what is near, by hand, in pixels of the photos."""
    saucer, rim = (
        np.asarray(cv2.ellipse2Poly(centre, axes, 0, 0, 360, 4), np.int32)
        for centre, axes in (((277, 223), (202, 171)), ((290, 114), (118, 96)))
    )
    return {"astronaut": [_points(ASTRONAUT)], "coffee": [saucer, rim, _points(SPOON)], "rocket": [_points(ROCKET)]}


def _points(text: str) -> NDArray[np.int32]:
    return np.array([pair.split(",") for pair in text.split()], np.int32)


def painted(name: str, size: tuple[int, int], photo: Frame) -> Mask:
    """The mask of a photo's outlines, in another size (width, height)."""
    mask = np.zeros(photo.shape[:2], np.uint8)
    for outline in outlines()[name]:
        cv2.fillPoly(mask, [outline], 255)
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def strip(name: str) -> Frame:
    """Four frames beside each other; prints what they took."""
    photo = np.ascontiguousarray(getattr(data, name)())
    size = (round(photo.shape[1] * HEIGHT / photo.shape[0] / 2) * 2, HEIGHT)
    still = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    depth = estimate_depth(still, [painted(name, size, photo)])
    if depth is None:
        raise ValueError(f"nothing is painted in {name}")
    nearness = aligned(depth.nearness, still)
    shown = [still]
    for camera in (Camera(pan_x=0.12, orbit=True, parallax=0.5), Camera(zoom=1.3, parallax=0.5)):
        began = time.perf_counter()
        deep = ParallaxRenderer(camera, still, nearness, size, CLIP)
        ready = time.perf_counter() - began
        began = time.process_time()
        frames = [deep.render(deep.plate, index) for index in range(0, CLIP[0], 6)]
        each = (time.process_time() - began) / len(frames)
        shown.append(deep.render(deep.plate, CLIP[0] - 1))
        print(f"{name} {size[0]}x{size[1]}: {deep.num_layers} layers in {ready:.1f} s, {1000 * each:.0f} ms a frame")
    plain = CameraRenderer(CameraPath(Camera(zoom=1.3), size[0], size[1], CLIP[0], CLIP[1], CLIP[2]), still)
    shown.append(plain.render(plain.plate, CLIP[0] - 1))
    small = (round(size[0] * 300 / HEIGHT), 300)
    return np.hstack([np.asarray(cv2.resize(each, small, interpolation=cv2.INTER_AREA), np.uint8) for each in shown])


def main() -> None:
    """Write a strip for each photo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("docs/pictures"))
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    for name in outlines():
        Image.fromarray(strip(name)).save(folder / f"parallax-{name}.jpg", quality=88)


if __name__ == "__main__":
    main()
