"""A network at work: exact sizes, tiles without seams, and what happens where memory runs out."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.enhancement import Upscaler
from pipeline.enhancement.upscaler import SMALLEST_TILE
from pipeline.errors import Cancelled, OutOfMemory
from pipeline.frames import Frame
from pipeline.interpolation import enlarge
from pipeline.models.resident import RESIDENT
from pipeline.records import DowngradeRecord
from tests.photos import ASTRONAUT, CHELSEA, photo
from tests.tiny_models.super_resolution import build_compact, compact_state, rrdb_state


def nothing(_: object = None) -> None:
    return None


@pytest.fixture(autouse=True)
def _no_model() -> None:
    """No model of another test is in memory: freeing it would be the first rung."""
    RESIDENT.release()


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_compact(tmp_path_factory.mktemp("weights") / "tiny.pth")


@pytest.mark.parametrize("name", [ASTRONAUT, CHELSEA])
def test_tiled_and_untiled_results_are_the_same(weights: Path, name: str) -> None:
    frame = photo(name)
    size = 2 * frame.shape[1], 2 * frame.shape[0]
    whole, tiles = (Upscaler(weights, size, tile, nothing)(frame, nothing) for tile in (2048, 128))
    off = np.abs(whole.astype(int) - tiles)
    assert off.max() <= 1
    assert off.mean() < 0.01


def test_a_network_that_sees_further_leaves_no_seam_either(tmp_path: Path) -> None:
    torch.save(rrdb_state(), tmp_path / "large.pth")
    frame = photo(CHELSEA)[:160, :416]  # in which tiles of 128 overlap as little as they ever do
    size = 4 * frame.shape[1], 4 * frame.shape[0]
    whole, tiles = (Upscaler(tmp_path / "large.pth", size, tile, nothing)(frame, nothing) for tile in (2048, 128))
    off = np.abs(whole.astype(int) - tiles)
    assert off.max() <= 1
    assert off.mean() < 0.01


def test_half_precision_comes_out_nearly_the_same(weights: Path) -> None:
    frame = photo(CHELSEA)[:200, :200]
    upscaler = Upscaler(weights, (400, 400), 512, nothing)
    full = upscaler(frame, nothing)
    upscaler._network.half()  # what a GPU computes in; processors can do it slowly
    assert np.abs(full.astype(int) - upscaler(frame, nothing)).max() <= 2


def test_a_network_that_overflows_in_half_precision_goes_on_in_full(tmp_path: Path) -> None:
    state = compact_state()
    state["body.2.weight"] *= 3e5
    state["body.4.weight"] *= 1e-5
    torch.save({"params": state}, tmp_path / "steep.pth")
    frame, told = photo(CHELSEA)[:64, :64], list[DowngradeRecord]()
    upscaler = Upscaler(tmp_path / "steep.pth", (128, 128), 512, told.append)
    full = upscaler(frame, nothing)
    upscaler._network.half()
    assert np.abs(upscaler(frame, nothing).astype(int) - full).max() <= 2
    assert [record.rung for record in told] == ["full-precision"]


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 100), st.integers(1, 100))
@settings(max_examples=25)
def test_every_size_is_brought_to_every_size(
    weights: Path, width: int, height: int, to_width: int, to_height: int
) -> None:
    made = Upscaler(weights, (to_width, to_height), 512, nothing)(np.full((height, width, 3), 99, np.uint8), nothing)
    assert (made.shape, made.dtype) == ((to_height, to_width, 3), np.dtype(np.uint8))


def test_the_picture_is_the_one_given_larger(weights: Path) -> None:
    frame = photo(CHELSEA)
    made = Upscaler(weights, (frame.shape[1] * 3, frame.shape[0] * 3), 512, nothing)(frame, nothing)
    assert cv2.PSNR(made, enlarge(frame, frame.shape[1] * 3, frame.shape[0] * 3)) > 20.0


def starve(monkeypatch: pytest.MonkeyPatch, largest: int) -> None:
    """Let memory run out for pieces with a side longer than `largest`, as on a GPU."""
    whole: Callable[[Upscaler, Frame], Frame] = Upscaler._infer

    def infer(self: Upscaler, piece: Frame) -> Frame:
        if max(piece.shape[:2]) > largest:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return whole(self, piece)

    monkeypatch.setattr(Upscaler, "_infer", infer)


@pytest.mark.parametrize(("largest", "rungs"), [(512, 0), (256, 1), (200, 2), (128, 2)])
def test_tiles_are_halved_until_they_fit_and_stay_so(
    weights: Path, monkeypatch: pytest.MonkeyPatch, largest: int, rungs: int
) -> None:
    frame, told = photo(ASTRONAUT), list[DowngradeRecord]()
    upscaler = Upscaler(weights, (1024, 1024), 512, told.append)
    expected = upscaler(frame, nothing)
    starve(monkeypatch, largest)
    for _ in range(2):
        assert np.abs(upscaler(frame, nothing).astype(int) - expected).max() <= 1
    assert [record.rung for record in told] == ["smaller-tiles"] * rungs
    if told:
        assert told[-1].after == {"enhance.tile": 512 // 2**rungs}


def test_a_model_of_another_run_is_freed_first(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    RESIDENT.acquire("svd", object)
    told = list[DowngradeRecord]()
    starve(monkeypatch, 256)
    Upscaler(weights, (600, 600), 512, told.append)(photo(ASTRONAUT), nothing)
    assert RESIDENT.name is None
    assert [record.rung for record in told] == ["free-model", "smaller-tiles"]


def test_on_the_lowest_rung_it_does_without_the_model_and_says_so(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame, told = photo(CHELSEA), list[DowngradeRecord]()
    starve(monkeypatch, 8)
    upscaler = Upscaler(weights, (900, 600), 512, told.append, may_do_without=True)
    assert (upscaler(frame, nothing) == enlarge(frame, 900, 600)).all()
    assert told[-1].changes_picture
    assert "without a model because tiny.pth ran out of memory" in told[-1].message


@pytest.mark.parametrize("has_begun", [False, True])
def test_it_stops_where_it_may_not_and_never_changes_within_a_film(
    weights: Path, monkeypatch: pytest.MonkeyPatch, has_begun: bool
) -> None:
    upscaler = Upscaler(weights, (900, 600), 512, nothing, may_do_without=has_begun)
    if has_begun:
        upscaler(photo(CHELSEA), nothing)
    starve(monkeypatch, 8)
    with pytest.raises(OutOfMemory, match=rf"tiny.pth enlarged tiles of {SMALLEST_TILE} pixels.*Lanczos"):
        upscaler(photo(CHELSEA), nothing)


def test_it_can_be_stopped_between_tiles(weights: Path) -> None:
    asked = 0

    def check() -> None:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise Cancelled("The run was stopped.")

    with pytest.raises(Cancelled):
        Upscaler(weights, (1024, 1024), 128, nothing)(photo(ASTRONAUT), check)
    assert asked == 3
