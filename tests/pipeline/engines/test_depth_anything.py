"""Depth Anything V2 with small networks of the published shapes."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.choices import Device
from pipeline.engines.depth_anything import predicted_depth, working_size
from pipeline.errors import InvalidSetting, ModelMissing
from pipeline.settings import RuntimeSettings
from tests import tiny_models
from tests.photos import COFFEE, photo

SMALL, BASE = "depth-anything-v2-small", "depth-anything-v2-base"


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> RuntimeSettings:
    folder = tmp_path_factory.mktemp("models")
    for name in (SMALL, BASE):
        tiny_models.build(folder, name)
    return RuntimeSettings(models_dir=folder, device=Device.CPU, offline=True, keep_model=False)


def unsaid(message: str) -> None:
    raise AssertionError(message)


@pytest.mark.parametrize(("wanted", "taken"), [("auto", BASE), (SMALL, SMALL)])
def test_it_says_which_model_saw_the_depth(runtime: RuntimeSettings, wanted: str, taken: str) -> None:
    image = photo(COFFEE)[:140, :210]
    depth = predicted_depth(image, wanted, runtime, unsaid)
    assert depth is not None
    assert depth.way.method == taken
    assert "Depth Anything V2" in depth.way.reason
    assert not depth.is_guessed
    assert not depth.is_flat
    assert (depth.nearness.min(), depth.nearness.max()) == (0.0, 1.0)
    again = predicted_depth(image, wanted, runtime, unsaid)
    assert again is not None
    np.testing.assert_array_equal(depth.nearness, again.nearness)


def test_without_a_model_there_is_none(tmp_path: Path, runtime: RuntimeSettings) -> None:
    image = photo(COFFEE)[:64, :64]
    assert predicted_depth(image, "none", runtime, unsaid) is None
    bare = RuntimeSettings(models_dir=tmp_path, offline=True)
    assert predicted_depth(image, "auto", bare, unsaid) is None
    with pytest.raises(ModelMissing, match=f"models download {SMALL}"):
        predicted_depth(image, SMALL, bare, unsaid)
    with pytest.raises(InvalidSetting, match="There is no model"):
        predicted_depth(image, "depth-anything-v9", bare, unsaid)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    folder = tiny_models.build(tmp_path, SMALL)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelMissing, match=SMALL):
        predicted_depth(photo(COFFEE)[:64, :64], SMALL, RuntimeSettings(models_dir=tmp_path, offline=True), unsaid)


@pytest.mark.parametrize(
    ("size", "works"),
    [((1280, 720), (924, 518)), ((720, 1280), (518, 924)), ((64, 64), (518, 518)), ((4000, 500), (1554, 518))],
)
def test_it_works_at_the_published_size(size: tuple[int, int], works: tuple[int, int]) -> None:
    assert working_size(*size) == works
