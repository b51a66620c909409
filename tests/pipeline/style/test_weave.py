"""Where textures lie while a film goes by."""

import cv2
import numpy as np
import pytest

from pipeline.frames import Frame
from pipeline.style import patterns
from pipeline.style.weave import PERIOD, Anchors, Texture
from tests.photos import ASTRONAUT, COFFEE, ROCKET, photo


def panned(frame: Frame, right: float, down: float) -> Frame:
    """What a camera sees that has gone that far over a photo: a part of 320 x 200."""
    matrix = np.array([[1, 0, -60 - right], [0, 1, -60 - down]])
    return np.asarray(cv2.warpAffine(frame, matrix, (320, 200), flags=cv2.INTER_CUBIC), np.uint8)


def inner(plane: Texture) -> Texture:
    return plane[40:-40, 40:-40]


TEXTURE = patterns.noise(5.0, 1)


def test_in_a_still_film_textures_stand_still() -> None:
    anchors, frame = Anchors(), photo(COFFEE)[:120, :180]
    laid = [anchors.follow(frame)[0].lay(TEXTURE) for _ in range(PERIOD + 3)]
    assert all(np.array_equal(laid[0], each) for each in laid[1:])


def test_a_pan_takes_its_textures_with_it_for_any_time() -> None:
    anchors = Anchors()
    for index in range(PERIOD + 12):
        weave, is_cut = anchors.follow(panned(photo(ASTRONAUT), 2.0 * index, 1.0 * index))
        assert is_cut == (index == 0)
    laid = weave.lay(TEXTURE)
    gone = 2 * (PERIOD + 11)
    places = np.ix_((np.arange(200) + gone // 2) % len(TEXTURE), (np.arange(320) + gone) % len(TEXTURE))
    assert np.corrcoef(inner(laid).ravel(), inner(TEXTURE[places]).ravel())[0, 1] > 0.9


def test_contrast_stays_while_one_anchor_fades_into_the_other() -> None:
    anchors = Anchors()
    frame = photo(COFFEE)[::2, ::2]
    deviations = []
    for index in range(PERIOD):
        zoom = 1 + 0.004 * index
        matrix = cv2.getRotationMatrix2D((150, 100), 0, zoom)
        weave, _ = anchors.follow(np.asarray(cv2.warpAffine(frame, matrix, (300, 200)), np.uint8))
        if index % 8 == 4:
            deviations.append(inner(weave.lay(TEXTURE)).std())
    assert min(deviations) > 0.8
    assert max(deviations) < 1.2


def test_a_cut_is_seen_and_textures_start_anew() -> None:
    anchors = Anchors()
    for index in range(4):
        anchors.follow(panned(photo(ASTRONAUT), 3.0 * index, 0.0))
    weave, is_cut = anchors.follow(panned(photo(ROCKET), 0.0, 0.0))
    assert is_cut
    assert np.array_equal(weave.lay(TEXTURE), TEXTURE[:200, :320])


@pytest.mark.parametrize("shape", [(16, 16), (17, 33), (90, 31)])
def test_any_size_has_its_textures(shape: tuple[int, int]) -> None:
    anchors = Anchors()
    frame = np.random.default_rng(1).integers(0, 255, (*shape, 3), dtype=np.uint8)
    anchors.follow(frame)
    weave, _ = anchors.follow(np.roll(frame, 1, axis=1))
    assert weave.lay(np.dstack([TEXTURE, TEXTURE])).shape == (*shape, 2)
    assert np.isfinite(weave.lay(TEXTURE)).all()
