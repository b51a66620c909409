"""The size of the networks that are on the disk."""

from pathlib import Path

import pytest
import torch

from pipeline.catalogue import ModelCard, Phase, get_card, get_helper, model_names
from pipeline.memory.forecast import forecast
from pipeline.models.weights import measured_card, measured_helper
from pipeline.settings import RuntimeSettings, make_settings
from tests.conftest import TinyModels


def parameters(card: ModelCard) -> dict[str, int]:
    return {part.name: part.parameters for part in card.memory.components}


def test_the_parameters_are_those_of_the_loaded_networks(tiny_models: TinyModels) -> None:
    from diffusers import DiffusionPipeline

    folder = tiny_models("i2vgen-xl")
    card = measured_card(get_card("i2vgen-xl"), RuntimeSettings(models_dir=folder))
    pipe = DiffusionPipeline.from_pretrained(folder / "i2vgen-xl", local_files_only=True)
    networks = {name: each for name, each in pipe.components.items() if isinstance(each, torch.nn.Module)}
    assert parameters(card) == {
        name: sum(weights.numel() for weights in each.parameters()) for name, each in networks.items()
    }


@pytest.mark.parametrize("name", model_names())
def test_every_component_of_every_model_is_found(tiny_models: TinyModels, name: str) -> None:
    card = get_card(name)
    here = measured_card(card, RuntimeSettings(models_dir=tiny_models(name)))
    assert all(0 < count < parameters(card)[part] / 100 for part, count in parameters(here).items())
    settings = make_settings({"animate": {"engine": name, "num_frames": 9}, "prepare": {"width": 64, "height": 64}})
    load = forecast(settings, here, "cpu").phases[0]
    assert (load.phase, load.ram_bytes < 10**9) == (Phase.LOAD, True)
    for before, after in zip(card.memory.components, here.memory.components, strict=True):
        assert (before.largest_layer is None) == (after.largest_layer is None)
        assert after.largest_layer is None or after.largest_layer <= after.parameters


def test_without_files_the_card_stays_as_it_is(tmp_path: Path) -> None:
    assert measured_card(get_card("svd"), RuntimeSettings(models_dir=tmp_path)) == get_card("svd")


def test_a_file_that_cannot_be_read_counts_for_nothing(tiny_models: TinyModels, tmp_path: Path) -> None:
    card = get_card("svd")
    (tmp_path / "svd" / "vae").mkdir(parents=True)
    index = (tiny_models("svd") / "svd" / "model_index.json").read_bytes()
    (tmp_path / "svd" / "model_index.json").write_bytes(index)
    (tmp_path / "svd" / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(b"no weights")
    assert measured_card(card, RuntimeSettings(models_dir=tmp_path)) == card


def test_a_helpers_parameters_are_those_of_its_networks_and_of_the_largest_one(tiny_models: TinyModels) -> None:
    from diffusers import ControlNetModel, StableDiffusionPipeline

    folder = tiny_models("sd-1.5", "canny-sd-1.5")
    card = measured_helper(get_helper("sd-1.5"), RuntimeSettings(models_dir=folder))
    pipe = StableDiffusionPipeline.from_pretrained(
        folder / "sd-1.5", local_files_only=True, safety_checker=None, requires_safety_checker=False
    )
    counts = [sum(p.numel() for p in each.parameters()) for each in (pipe.unet, pipe.vae, pipe.text_encoder)]
    assert (card.parameters, card.resident) == (sum(counts), max(counts))
    control = measured_helper(get_helper("canny-sd-1.5"), RuntimeSettings(models_dir=folder))
    network = ControlNetModel.from_pretrained(folder / "canny-sd-1.5", local_files_only=True)
    assert control.parameters == control.resident == sum(p.numel() for p in network.parameters())


def test_without_files_a_helpers_card_stays_as_it_is(tmp_path: Path) -> None:
    assert measured_helper(get_helper("sdxl"), RuntimeSettings(models_dir=tmp_path)) == get_helper("sdxl")
