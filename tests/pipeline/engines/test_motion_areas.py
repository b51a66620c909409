"""Automatic regions: found in scenes made for it, refused where there is none."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.engines.motion.areas import FoundArea, find_area
from pipeline.frames import Frame
from pipeline.motion_plan import RegionKind
from tests.photos import ASTRONAUT, CHELSEA, COFFEE, ROCKET, photo

HEIGHT, WIDTH = 300, 480
HORIZON = 130

Values = NDArray[np.float64]


def noise(rng: np.random.Generator, size: float, stretch: float = 1.0) -> Values:
    field = cv2.GaussianBlur(rng.standard_normal((HEIGHT, WIDTH)), (0, 0), size * stretch, sigmaY=size)
    return np.asarray(field / field.std(), dtype=np.float64)


def gradient(top: tuple[int, int, int], bottom: tuple[int, int, int], start: int, end: int) -> Values:
    share = np.clip((np.arange(HEIGHT) - start) / (end - start), 0, 1)[:, None, None]
    colours = np.array(top) * (1 - share) + np.array(bottom) * share
    return np.asarray(np.repeat(colours, WIDTH, axis=1), dtype=np.float64)


def finished(picture: Values) -> Frame:
    grain = np.random.default_rng(9).normal(0, 1.5, picture.shape)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def cloudy_sky(rng: np.random.Generator) -> Values:
    clouds = np.clip(noise(rng, 18, 2) * 0.6, 0, 1)[..., None]
    clear = gradient((70, 120, 200), (170, 200, 230), 0, HORIZON)
    return np.asarray(clear * (1 - clouds) + 245 * clouds, dtype=np.float64)


def sea(rng: np.random.Generator, top: tuple[int, int, int], bottom: tuple[int, int, int]) -> Values:
    waves = sum(noise(rng, 0.8 * k, 6) * 5 for k in (1, 2, 3))
    return np.asarray(gradient(top, bottom, HORIZON, HEIGHT) + np.asarray(waves)[..., None], dtype=np.float64)


def seascape(seed: int = 0) -> Frame:
    rng = np.random.default_rng(seed)
    picture = cloudy_sky(rng)
    picture[HORIZON:] = sea(rng, (70, 110, 150), (25, 80, 110))[HORIZON:]
    return finished(picture)


def sunset(seed: int = 0) -> Frame:
    rng = np.random.default_rng(seed)
    picture = gradient((100, 80, 130), (250, 165, 85), 0, HORIZON)
    picture += np.clip(noise(rng, 10, 4), 0, 2)[..., None] * (35, 15, 8)
    picture[HORIZON:] = sea(rng, (225, 140, 80), (70, 50, 75))[HORIZON:]
    return finished(picture)


def foliage(rng: np.random.Generator, colour: tuple[int, int, int]) -> Values:
    light = np.clip(1.0 + 0.35 * noise(rng, 1.0) + 0.2 * noise(rng, 4), 0.15, 2.0)
    return np.array(colour) * light[..., None]


def tree_on_a_lawn(colour: tuple[int, int, int], seed: int = 0) -> tuple[Frame, NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    picture = cloudy_sky(rng)
    picture[220:] = gradient((120, 150, 70), (90, 120, 50), 220, HEIGHT)[220:] + noise(rng, 1)[220:, :, None] * 4
    picture[130:235, 225:250] = (70, 50, 40)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    crown = ((x - 240) / 130.0) ** 2 + ((y - 95) / 75.0) ** 2 + 0.15 * noise(rng, 8) < 1
    picture[crown] = foliage(rng, colour)[crown]
    return finished(picture), crown


def hills() -> NDArray[np.bool_]:
    return np.asarray(np.arange(HEIGHT)[:, None] > 225 + 18 * np.sin(np.arange(WIDTH) / 50)[None, :])


def night(seed: int = 0) -> Frame:
    rng = np.random.default_rng(seed)
    picture = gradient((8, 12, 30), (40, 45, 80), 0, HEIGHT)
    picture += np.clip(noise(rng, 25) * 0.6, 0, 1)[..., None] * (32, 36, 52)
    light = np.zeros((HEIGHT, WIDTH))
    light[rng.integers(0, 200, 90), rng.integers(0, WIDTH, 90)] = rng.uniform(300, 1500, 90)
    picture += cv2.GaussianBlur(light, (0, 0), 0.9)[..., None]
    picture[hills()] = (7, 8, 10)
    return finished(picture)


def overlap(found: FoundArea, truth: NDArray[np.bool_]) -> float:
    """Intersection over union."""
    assert found.mask is not None, found.reason
    area = found.mask > 127
    return float((area & truth).sum() / (area | truth).sum())


def rows(start: int, end: int) -> NDArray[np.bool_]:
    area = np.zeros((HEIGHT, WIDTH), dtype=bool)
    area[start:end] = True
    return area


@pytest.mark.parametrize("scene", [seascape, sunset])
@pytest.mark.parametrize("seed", [0, 3])
def test_sea_and_sky_are_told_apart(scene: Callable[[int], Frame], seed: int) -> None:
    picture = scene(seed)
    assert overlap(find_area(picture, RegionKind.WATER), rows(HORIZON, HEIGHT)) > 0.85
    assert overlap(find_area(picture, RegionKind.CLOUDS), rows(0, HORIZON)) > 0.85


@pytest.mark.parametrize("colour", [(90, 130, 50), (190, 120, 40), (150, 70, 30)])
@pytest.mark.parametrize("kind", [RegionKind.LEAVES, RegionKind.FALLING_LEAVES])
def test_the_crown_of_a_tree_is_found(kind: RegionKind, colour: tuple[int, int, int]) -> None:
    picture, crown = tree_on_a_lawn(colour)
    assert overlap(find_area(picture, kind), crown) > 0.6


def test_a_night_sky_has_stars_and_clouds_down_to_the_hills() -> None:
    picture = night()
    for kind in (RegionKind.STARS, RegionKind.CLOUDS):
        assert overlap(find_area(picture, kind), ~hills()) > 0.85


def test_flames_are_found_in_the_dark() -> None:
    rng = np.random.default_rng(0)
    picture = np.full((HEIGHT, WIDTH, 3), 14.0)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    heat = np.clip(1.3 - np.hypot((x - 240) / 60, (y - 200) / 90) + 0.18 * noise(rng, 6, 0.6), 0, 1)
    picture += heat[..., None] * (241, 0, 0) + np.clip(heat * 1.6 - 0.5, 0, 1)[..., None] * (0, 225, 0)
    picture += np.clip(heat * 2.5 - 1.5, 0, 1)[..., None] * (0, 0, 160)
    assert overlap(find_area(finished(picture), RegionKind.FIRE), heat > 0.25) > 0.5


def test_grass_is_found_below() -> None:
    picture, _ = tree_on_a_lawn((90, 130, 50))
    found = find_area(picture, RegionKind.GRASS)
    assert found.mask is not None
    assert (found.mask[240:] > 127).mean() > 0.8
    assert (found.mask[:60] > 0).mean() < 0.2


@pytest.mark.parametrize("name", [ASTRONAUT, CHELSEA, COFFEE])
@pytest.mark.parametrize(
    "kind", [RegionKind.WATER, RegionKind.LEAVES, RegionKind.FALLING_LEAVES, RegionKind.GRASS, RegionKind.STARS]
)
def test_faces_cats_and_cups_are_left_alone(kind: RegionKind, name: str) -> None:
    found = find_area(photo(name), kind)
    assert found.mask is None
    assert "paint over" in found.reason


@pytest.mark.parametrize("name", [CHELSEA, COFFEE])
def test_a_blurred_background_is_no_sky(name: str) -> None:
    assert find_area(photo(name), RegionKind.CLOUDS).mask is None


def test_the_evening_sky_behind_a_rocket_is_found() -> None:
    found = find_area(photo(ROCKET), RegionKind.CLOUDS)
    assert found.mask is None or (found.mask[:200] > 127).mean() > 0.7
    assert find_area(photo(ROCKET), RegionKind.WATER).mask is None


@pytest.mark.parametrize("kind", [RegionKind.HAIR, RegionKind.SMOKE, RegionKind.DRIFT])
def test_what_has_no_look_of_its_own_asks_for_the_brush(kind: RegionKind) -> None:
    found = find_area(seascape(), kind)
    assert found.mask is None
    assert found.reason.endswith("with the brush.")
    assert found.reason.count(".") == 1


def test_a_clear_sky_says_that_there_are_no_clouds() -> None:
    picture = gradient((60, 110, 200), (170, 200, 235), 0, 200)
    picture[200:] = gradient((110, 95, 60), (90, 75, 45), 200, HEIGHT)[200:]
    found = find_area(finished(picture), RegionKind.CLOUDS)
    assert found.mask is None
    assert "clear" in found.reason


def test_masks_have_the_size_of_the_plate() -> None:
    large = cv2.resize(seascape(), (1440, 900), interpolation=cv2.INTER_CUBIC)
    found = find_area(np.asarray(large, dtype=np.uint8), RegionKind.WATER)
    assert found.mask is not None
    assert found.mask.shape == (900, 1440)
    assert found.mask.dtype == np.uint8


@pytest.mark.parametrize("kind", list(RegionKind))
def test_flat_and_noisy_pictures_are_refused(kind: RegionKind) -> None:
    rng = np.random.default_rng(0)
    for picture in (np.full((80, 120, 3), 128, np.uint8), rng.integers(0, 256, (80, 120, 3)).astype(np.uint8)):
        assert find_area(picture, kind).mask is None


@given(
    size=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    kind=st.sampled_from(list(RegionKind)),
    level=st.integers(0, 255),
)
@settings(max_examples=15, deadline=None)
def test_any_size_gives_an_answer(size: tuple[int, int], kind: RegionKind, level: int) -> None:
    for picture in (cv2.resize(seascape(), size[::-1]), np.full((*size, 3), level, np.uint8)):
        found = find_area(np.asarray(picture, dtype=np.uint8), kind)
        assert 0.0 <= found.confidence <= 1.0
        assert found.mask is None or found.mask.shape == size
        assert found.reason.endswith(".")
