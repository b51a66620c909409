"""Flowing regions: direction, speed, and a picture that neither pulses nor fades."""

import itertools

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.engines.motion.animator import RegionAnimator
from pipeline.frames import Frame, Mask
from pipeline.motion_plan import Region, RegionKind

SIZE = 200


def texture(seed: int = 0) -> Frame:
    rng = np.random.default_rng(seed)
    layers = [cv2.GaussianBlur(rng.standard_normal((SIZE, SIZE)), (0, 0), sigma) * sigma for sigma in (1.5, 3.0)]
    grey = np.clip(np.sum(layers, axis=0) * 60 + 120, 0, 255).astype(np.uint8)
    return np.dstack([grey, grey, grey])


def whole() -> Mask:
    return np.full((SIZE, SIZE), 255, np.uint8)


def frames(region: Region, count: int, every: int = 1, total: int = 400) -> list[Frame]:
    plate = texture()
    animator = RegionAnimator(plate, whole(), region, total, False, 4)
    result = []
    for index in range(0, count * every, every):
        canvas = plate.copy()
        animator.apply(canvas, index)
        result.append(canvas)
    return result


def motion(before: Frame, after: Frame) -> NDArray[np.float64]:
    """Median motion between two frames in pixels, x to the right and y upwards."""
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(before[..., 0], after[..., 0], None)  # type: ignore[call-overload]
    return np.asarray(np.median(flow.reshape(-1, 2), axis=0) * (1.0, -1.0), dtype=np.float64)


def mean_motion(region: Region, every: int = 1) -> NDArray[np.float64]:
    shown = frames(region, 9, every)
    steps = [motion(before, after) for before, after in itertools.pairwise(shown)]
    return np.asarray(np.mean(steps, axis=0) / every, dtype=np.float64)


@pytest.mark.parametrize("direction", range(0, 360, 45))
@pytest.mark.parametrize("kind", [RegionKind.DRIFT, RegionKind.CLOUDS, RegionKind.WATER, RegionKind.SMOKE])
def test_it_flows_where_it_is_told(kind: RegionKind, direction: int) -> None:
    x, y = mean_motion(Region(kind=kind, direction=direction), every=3)
    angle = np.degrees(np.arctan2(y, x))
    assert abs((angle - direction + 180.0) % 360.0 - 180.0) < 20.0


@pytest.mark.parametrize(
    ("kind", "direction"),
    [(RegionKind.CLOUDS, 0), (RegionKind.SMOKE, 90), (RegionKind.FIRE, 90), (RegionKind.DRIFT, 0)],
)
def test_without_a_direction_it_goes_where_its_kind_goes(kind: RegionKind, direction: int) -> None:
    x, y = mean_motion(Region(kind=kind))
    assert abs((np.degrees(np.arctan2(y, x)) - direction + 180.0) % 360.0 - 180.0) < 20.0


def test_twice_the_speed_covers_twice_the_distance() -> None:
    slow, fast = (np.hypot(*mean_motion(Region(kind=RegionKind.DRIFT, speed=speed), 2)) for speed in (1.0, 2.0))
    assert fast / slow == pytest.approx(2.0, rel=0.2)


def test_drift_has_the_speed_it_promises() -> None:
    """0.03 of the square root of the area in 30 frames."""
    assert mean_motion(Region(kind=RegionKind.DRIFT))[0] == pytest.approx(0.03 * SIZE / 30, rel=0.15)


@pytest.mark.parametrize("kind", [RegionKind.WATER, RegionKind.CLOUDS, RegionKind.SMOKE, RegionKind.DRIFT])
def test_light_and_contrast_do_not_pulse(kind: RegionKind) -> None:
    inner = np.s_[20:-20, 20:-20]
    shown = [frame[inner].astype(float) for frame in frames(Region(kind=kind), 40, every=7)]
    light = np.array([frame.mean() for frame in shown])
    contrast = np.array([frame.std() for frame in shown])
    assert np.ptp(light) < 3.0
    assert contrast.min() > 0.8 * contrast[0]
    assert contrast.max() < 1.2 * contrast[0]


def test_a_swirl_turns_both_ways() -> None:
    shown = frames(Region(kind=RegionKind.DRIFT, swirl=True, speed=2.0), 2, every=2)
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(shown[0][..., 0], shown[1][..., 0], None)  # type: ignore[call-overload]
    smooth = cv2.GaussianBlur(flow, (0, 0), 4)
    spin = np.gradient(smooth[..., 1], axis=1) - np.gradient(smooth[..., 0], axis=0)
    assert spin.max() > 0.01
    assert spin.min() < -0.01
    assert np.hypot(*smooth.reshape(-1, 2).mean(axis=0)) < 0.75 * np.hypot(smooth[..., 0], smooth[..., 1]).mean()


def test_still_things_beside_the_flow_do_not_smear_into_it() -> None:
    plate = texture()
    plate[:, : SIZE // 2] = (255, 0, 0)
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[:, SIZE // 2 :] = 255
    animator = RegionAnimator(plate, mask, Region(kind=RegionKind.DRIFT), 300, False, 0)
    for index in (20, 90, 200):
        canvas = plate.copy()
        animator.apply(canvas, index)
        red = canvas[:, SIZE // 2 + 3 :].astype(int)
        assert (red[..., 0] - red[..., 1] > 60).mean() < 0.002


def test_minutes_cost_no_more_than_seconds_and_stay_alive() -> None:
    plate = texture()
    animator = RegionAnimator(plate, whole(), Region(kind=RegionKind.WATER), 7200, False, 0)
    shown = []
    for index in (7000, 7001):
        canvas = plate.copy()
        animator.apply(canvas, index)
        shown.append(canvas)
    assert 0.2 < np.abs(shown[1].astype(int) - shown[0]).mean() < 12.0
