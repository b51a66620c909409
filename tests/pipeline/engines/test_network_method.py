"""How frames are made by any network: in the best way that there is room for, from the file that the user put there."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.catalogue import HelperCard, get_helper
from pipeline.engines.film import load_film
from pipeline.engines.network_method import Kind, NetworkMethod
from pipeline.engines.rife import load_rife
from pipeline.engines.tiles import Window, faded, tiles
from pipeline.errors import InvalidInput, ModelMissing, OutOfMemory
from pipeline.frames import Frame
from pipeline.interpolation.method import Method
from pipeline.models.load import LoadPlan
from pipeline.models.resident import RESIDENT
from pipeline.settings import RuntimeSettings
from tests.conftest import TinyModels
from tests.photos import ASTRONAUT, photo

LOADERS = {"film": load_film, "rife": load_rife}


class Hungry:
    """Copies the first frame, and runs out of memory where a tile is larger than what it has room for."""

    def __init__(self, room: int) -> None:
        self.room = room

    def make(self, frame0: Tensor, _frame1: Tensor, times: Sequence[float], tile: int | None) -> Iterator[Tensor]:
        for _ in times:
            if (tile or max(frame0.shape)) > self.room:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
            yield frame0[0]


def hungry(room: int, said: list[str], runtime: RuntimeSettings) -> NetworkMethod:
    def load(_card: HelperCard, _path: Path, _plan: LoadPlan) -> Hungry:
        return Hungry(room)

    def pixels(height: int, width: int, tile: int | None) -> int:
        return height * width if tile is None else tile * tile

    return NetworkMethod(Kind(get_helper("rife"), Path(f"{room}.pkl"), load, pixels), runtime, said.append)


def frame(height: int, width: int) -> Frame:
    return np.random.default_rng(5).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("name", LOADERS)
def test_a_missing_file_says_what_to_put_where(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelMissing) as caught:
        LOADERS[name](RuntimeSettings(models_dir=tmp_path), pytest.fail)
    card = get_helper(name)
    message = str(caught.value)
    for told in (card.title, card.files[0], card.source, card.licence, str(tmp_path / name), "`flow`"):
        assert told in message
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("name", LOADERS)
def test_the_file_is_found_in_its_folder_and_directly_in_the_folder_of_models(
    tiny_models: TinyModels, tmp_path: Path, name: str
) -> None:
    folder = tiny_models(name)
    (file,) = (folder / name).iterdir()
    (tmp_path / file.name).symlink_to(file)
    start, end = frame(40, 60), frame(40, 60)[::-1]
    found = []
    for place in (folder, tmp_path):
        method: Method = LOADERS[name](RuntimeSettings(models_dir=place, keep_model=False), pytest.fail)
        assert method.name == name
        found.append(method.frames(start, end, [0.25, 0.5]))
        method.close()
    assert RESIDENT.model is None
    assert np.array_equal(found[0], found[1])
    assert [each.shape for each in found[0]] == [start.shape] * 2


def test_one_network_is_in_memory_at_a_time(tiny_models: TinyModels) -> None:
    runtime = RuntimeSettings(models_dir=tiny_models("film", "rife"), keep_model=True)
    for name in ("film", "rife", "film"):
        method = LOADERS[name](runtime, pytest.fail)
        method.frames(frame(8, 8), frame(8, 8), [0.5])
        assert RESIDENT.name == name
        method.close()
    assert RESIDENT.name == "film"
    RESIDENT.release()


def test_frames_that_do_not_go_together_and_times_outside_are_refused() -> None:
    method = hungry(10_000, [], RuntimeSettings())
    with pytest.raises(InvalidInput, match="must have the same size"):
        method.frames(frame(8, 8), frame(8, 9), [0.5])
    for time in (0.0, 1.0, -0.5):
        with pytest.raises(ValueError, match="strictly between 0 and 1"):
            method.frames(frame(8, 8), frame(8, 8), [time])
    assert method.frames(frame(8, 8), frame(8, 8), []) == []


def test_when_memory_runs_out_tiles_get_smaller_and_it_is_said_once() -> None:
    said: list[str] = []
    method = hungry(600, said, RuntimeSettings())
    wide = frame(4, 1500)
    for _ in range(2):
        made = method.frames(wide, wide, [0.25, 0.5])
        assert all(np.array_equal(each, wide) for each in made)
    method.close()
    assert said == [
        "RIFE 4.25 works on the processor in tiles of 1024 pixels: "
        "there is too little memory for it on the processor on whole frames.",
        "RIFE 4.25 works on the processor in tiles of 512 pixels: "
        "there is too little memory for it on the processor in tiles of 1024 pixels.",
    ]


def test_the_room_is_looked_at_before_anything_is_tried() -> None:
    said: list[str] = []
    method = hungry(10_000, said, RuntimeSettings(vram_limit_gb=1.0))
    method.frames(frame(700, 1100), frame(700, 1100), [0.5])
    method.close()
    assert said == [
        "RIFE 4.25 works on the processor in tiles of 512 pixels: "
        "there is too little memory for it on the processor on whole frames."
    ]


@pytest.mark.parametrize("limit", [None, 0.1])
def test_too_little_for_the_smallest_tiles_is_an_error_of_its_own(limit: float | None) -> None:
    method = hungry(0, [], RuntimeSettings(vram_limit_gb=limit))
    with pytest.raises(OutOfMemory, match=r"too little memory for RIFE 4.25 at 30 x 20 pixels; `flow`"):
        method.frames(frame(20, 30), frame(20, 30), [0.5])


def test_frames_that_are_no_numbers_are_an_error_and_not_a_black_frame(tmp_path: Path) -> None:
    class Broken:
        def make(self, frame0: Tensor, _: Tensor, times: Sequence[float], _tile: int | None) -> Iterator[Tensor]:
            return (frame0[0] * torch.nan for _ in times)

    kind = Kind(get_helper("film"), tmp_path / "film_net_fp16.pt", lambda *_: Broken(), lambda *_: 1)
    with pytest.raises(ModelMissing, match="makes frames that are no numbers"):
        NetworkMethod(kind, RuntimeSettings(), pytest.fail).frames(frame(8, 8), frame(8, 8), [0.5])


@pytest.mark.parametrize(("height", "width", "side"), [(10, 10, 3), (7, 20, 8), (5, 5, 9), (1, 1, None)])
def test_tiles_cover_each_pixel_once(height: int, width: int, side: int | None) -> None:
    seen = np.zeros((height, width), int)
    for tile in tiles(height, width, side):
        seen[tile.within(Window(0, 0, height, width))] += 1
    assert (seen == 1).all()


def test_parts_that_differ_fade_into_each_other_without_a_seam() -> None:
    whole = Window(0, 0, 200, 300)
    windows = [tile.grown(32, whole) for tile in tiles(200, 300, 100)]
    parts = [(each, torch.full((1, 1, *each.size), float(number % 2))) for number, each in enumerate(windows)]
    frame = faded(parts, 200, 300)[0, 0]
    assert frame.min() == 0
    assert frame.max() == 1
    assert frame.diff(dim=0).abs().max() < 0.06
    assert frame.diff(dim=1).abs().max() < 0.06


def test_a_frame_taken_apart_and_put_together_is_the_same() -> None:
    picture = torch.from_numpy(photo(ASTRONAUT)).permute(2, 0, 1)[None].float()
    windows = [tile.grown(40, Window(0, 0, 512, 512)) for tile in tiles(512, 512, 150)]
    assert torch.allclose(faded(((each, each.of(picture)) for each in windows), 512, 512), picture, atol=1e-3)
