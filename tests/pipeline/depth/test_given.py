"""Depth maps of the user's own."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.depth import read_depth
from pipeline.errors import InvalidImage
from pipeline.settings import PrepareSettings

SIZE = (64, 48)
"""Width and height of the image that the maps are for."""


def ramp(kind: type[np.unsignedinteger], width: int = 64, height: int = 48) -> NDArray[np.unsignedinteger]:
    return np.tile(np.linspace(0, np.iinfo(kind).max, width).astype(kind), (height, 1))


def saved(folder: Path, values: NDArray[np.integer], name: str = "depth.png") -> Path:
    assert cv2.imwrite(str(folder / name), values)
    return folder / name


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(64, 48), (128, 96), (32, 24)])
def test_brighter_is_nearer_at_any_depth_and_size(
    tmp_path: Path, kind: type[np.unsignedinteger], size: tuple[int, int]
) -> None:
    found = read_depth(saved(tmp_path, ramp(kind, *size)), SIZE, PrepareSettings(), inverted=False)
    assert found.shape == (size[1], size[0])
    assert found[0, 0] == 0.0
    assert found[0, -1] == 1.0
    assert (np.diff(found[0]) >= 0).all()


def test_16_bits_are_all_kept(tmp_path: Path) -> None:
    values = np.tile(np.arange(1000, 1064, dtype=np.uint16), (48, 1))
    found = read_depth(saved(tmp_path, values), SIZE, PrepareSettings(), inverted=False)
    assert len(np.unique(found)) == 64


def test_inverted_turns_it_round(tmp_path: Path) -> None:
    path = saved(tmp_path, ramp(np.uint8))
    straight, turned = (read_depth(path, SIZE, PrepareSettings(), inverted=each) for each in (False, True))
    np.testing.assert_allclose(straight + turned, 1.0)


def test_grey_saved_as_colour_will_do(tmp_path: Path) -> None:
    found = read_depth(saved(tmp_path, np.dstack([ramp(np.uint8)] * 3)), SIZE, PrepareSettings(), inverted=False)
    assert found[0, -1] == 1.0


def coloured(folder: Path) -> Path:
    grey = ramp(np.uint8)
    return saved(folder, np.dstack([grey, grey[:, ::-1], grey]))


def broken(folder: Path) -> Path:
    path = saved(folder, ramp(np.uint16))
    path.write_bytes(path.read_bytes()[:200])
    return path


def text(folder: Path) -> Path:
    path = folder / "depth.png"
    path.write_text("near")
    return path


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (coloured, "is in colour: save it as grey"),
        (broken, "depth.png"),
        (text, "depth.png"),
        (lambda folder: saved(folder, ramp(np.uint8, 48, 64)), "must show the whole image"),
        (lambda folder: folder / "nothing.png", "nothing.png"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path: Path, made: Callable[[Path], Path], says: str) -> None:
    with pytest.raises(InvalidImage, match=says) as caught:
        read_depth(made(tmp_path), SIZE, PrepareSettings(), inverted=False)
    assert "\n" not in str(caught.value)
