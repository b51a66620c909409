"""The benchmark of the GPU: it skips without one, and its parts work on the processor with small networks."""

import json
import time
from pathlib import Path

import pytest

from benchmarks import gpu
from benchmarks.full_size import Network
from pipeline.catalogue import Precision, get_card
from pipeline.engines import get_family
from pipeline.models.files import locate
from pipeline.models.load import LoadPlan, present_variant


def test_without_a_gpu_it_says_so_and_ends_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gpu, "usable_gpu", lambda: None)
    monkeypatch.setattr("sys.argv", ["gpu"])
    gpu.main()
    assert capsys.readouterr().out == "There is no GPU that PyTorch can use: nothing to measure.\n"


def test_every_measurement_is_made_and_written_as_it_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("SHORTAGES", 1), ("LIMITS", (24.0,)), ("STEPS", 2)):
        monkeypatch.setattr(gpu, name, value)
    bench, path = gpu.prepared(tmp_path, "cpu", time.monotonic() + 600), tmp_path / "result.json"
    results = gpu.measure(bench, [gpu.REHEARSED[0]], path)
    assert json.loads(path.read_text()) == json.loads(json.dumps(results))
    found = results["cases"]["i2vgen-xl 64x64x4"]
    assert found["forecast"]["status"] == "succeeded"
    assert set(found["forecast"]["phases"]) == {"load", "place", "condition", "sample", "decode"}
    assert found["step"]["ours"] > 0 < found["step"]["plain"]
    assert [each["status"] for each in found["ladder"].values()] == ["succeeded"]
    assert [each["status"] for each in found["recovery"]["runs"]] == ["succeeded"]
    assert found["recovery"]["memory_back"] is True


def test_nothing_new_is_begun_when_the_time_is_up(tmp_path: Path) -> None:
    bench = gpu.prepared(tmp_path, "cpu", time.monotonic() - 1)
    assert gpu.measure(bench, list(gpu.REHEARSED), tmp_path / "result.json")["cases"] == {}


def test_another_network_takes_the_place_of_the_tiny_one_and_loads(tmp_path: Path) -> None:
    bench = gpu.prepared(tmp_path, "cpu", time.monotonic() + 60)
    gpu.checkpoint(bench, "i2vgen-xl")
    card, folder = get_card("i2vgen-xl"), bench.models / "i2vgen-xl" / "vae"
    blocks = {"down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4}
    config = {**blocks, "block_out_channels": (8, 8, 16, 24), "norm_num_groups": 4, "latent_channels": 4}
    gpu.put(Network("diffusers", "AutoencoderKL", config), folder, card, "cpu")
    assert [each.name for each in folder.glob("*.safetensors")] == ["diffusion_pytorch_model.fp16.safetensors"]
    assert present_variant(folder.parent, "fp16") == "fp16"
    files = locate(card, bench.settings(gpu.REHEARSED[0]).runtime)
    pipe = get_family(card).load(files, LoadPlan("cpu", Precision.FLOAT32))
    assert pipe.vae.config.block_out_channels == [8, 8, 16, 24]
