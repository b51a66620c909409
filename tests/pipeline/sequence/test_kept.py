"""Parts on disk: without loss, whole or not at all."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.frames import Frame
from pipeline.sequence import KeptFilms


@pytest.mark.parametrize("size", [(48, 64), (33, 17), (2, 2)])
def test_a_film_is_read_back_without_loss(tmp_path: Path, size: tuple[int, int]) -> None:
    random = np.random.default_rng(1)
    film = [random.integers(0, 256, (*size, 3), np.uint8) for _ in range(5)]
    kept = KeptFilms(tmp_path)
    assert not kept.has("a", 5)
    kept.keep("a", film, Fraction(30000, 1001))
    assert kept.has("a", 5)
    assert not kept.has("a", 6)
    assert all(np.array_equal(mine, his) for mine, his in zip(film, kept.frames("a"), strict=True))
    assert [path.name for path in (tmp_path / "segments").iterdir()] == ["a.mkv"]


def test_a_film_that_breaks_off_is_not_there(tmp_path: Path) -> None:
    def broken() -> Iterator[Frame]:
        yield np.zeros((8, 8, 3), np.uint8)
        raise KeyboardInterrupt

    kept = KeptFilms(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        kept.keep("a", broken(), Fraction(8))
    assert not kept.has("a", 1)
    assert list((tmp_path / "segments").iterdir()) == []


def test_a_damaged_film_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    kept = KeptFilms(tmp_path)
    kept.keep("a", [np.zeros((8, 8, 3), np.uint8)] * 9, Fraction(8))
    path = tmp_path / kept.file("a")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert not kept.has("a", 9)
