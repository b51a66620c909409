"""What is here of a model, told from folders as users have them."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.catalogue import get_card, get_helper, model_names
from pipeline.errors import ModelMissing
from pipeline.models.files import locate
from pipeline.models.layout import Source, gaps, read_index, select, sources
from pipeline.models.status import model_status, size
from tests.conftest import TinyModels
from tests.pipeline.models.published import NEEDED, TEXT, UNET, card, repository, runtime, weights, write

INDEX = {"_class_name": "WanImageToVideoPipeline", "transformer": ["diffusers", "WanTransformer3DModel"]}


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder of models that holds the whole repository under the model's name."""
    repository(tmp_path / "i2vgen-xl")
    return tmp_path


def sharded(folder: Path, variant: str = "") -> list[str]:
    """A transformer in three shards, with their list. Returns the names of the shards."""
    names = [f"diffusion_pytorch_model{variant}-0000{number}-of-00003.safetensors" for number in (1, 2, 3)]
    write(folder / "model_index.json", INDEX)
    write(folder / "transformer/config.json", {})
    for number, name in enumerate(names):
        weights(folder / "transformer" / name, 1000 + number)
    listing = f"diffusion_pytorch_model.safetensors.index{variant}.json"
    write(folder / "transformer" / listing, {"weight_map": dict(zip("abc", names, strict=True))})
    return names


def test_a_missing_model_is_named_with_command_size_and_licence(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing) as caught:
        locate(get_card("framepack-i2v-hy"), runtime(tmp_path))
    sentence = str(caught.value)
    assert f"`python -m pipeline models download framepack-i2v-hy --runtime.models_dir {tmp_path}`" in sentence
    assert "42.9 GB" in sentence
    assert "Tencent Hunyuan Community License" in sentence
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("name", ["i2vgen-xl", "ali-vilab--i2vgen-xl", "ali-vilab/i2vgen-xl"])
def test_a_model_is_found_under_each_of_its_names(tmp_path: Path, name: str) -> None:
    folder = repository(tmp_path / name)
    found = locate(card(), runtime(tmp_path))
    assert found.folder == folder
    assert found.revision is None
    assert model_status(card(), runtime(tmp_path)).folder == folder


def test_a_plain_copy_serves_where_the_card_asks_for_a_variant(models: Path) -> None:
    (models / "i2vgen-xl" / UNET).unlink()
    assert locate(card(), runtime(models)).folder == models / "i2vgen-xl"


@pytest.mark.parametrize(
    ("lost", "named"),
    [
        (TEXT, "text_encoder (weights)"),
        ("text_encoder/config.json", "text_encoder (config.json)"),
        ("scheduler/scheduler_config.json", "scheduler (scheduler_config.json)"),
        ("tokenizer/vocab.json", "tokenizer (tokenizer.json)"),
    ],
)
def test_a_model_that_lacks_something_is_only_partly_here(models: Path, lost: str, named: str) -> None:
    (models / "i2vgen-xl" / lost).unlink()
    assert model_status(card(), runtime(models)).state == "partial"
    with pytest.raises(ModelMissing) as caught:
        locate(card(), runtime(models))
    assert f"missing: {named}" in str(caught.value)
    assert "goes on from there" in str(caught.value)


def test_a_folder_in_another_layout_is_called_so(tmp_path: Path) -> None:
    weights(tmp_path / "i2vgen-xl/i2vgen_xl_00854500.safetensors")
    sentence = r"is not laid out as ali-vilab/i2vgen-xl is, for it holds no model_index\.json"
    with pytest.raises(ModelMissing, match=sentence):
        locate(card(), runtime(tmp_path))


@pytest.mark.parametrize("weights_too", [True, False])
def test_a_folder_laid_out_for_remote_code_is_called_so_and_the_right_one_named(
    tmp_path: Path, tiny_models: TinyModels, weights_too: bool
) -> None:
    folder = tmp_path / "florence-2-large"
    shutil.copytree(tiny_models("florence-2-large") / "florence-2-large", folder)
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "configuration_florence2.Florence2Config"}
    config["text_config"]["model_type"] = "florence2_language"  # as microsoft/Florence-2-large has it
    write(folder / "config.json", config)
    if not weights_too:
        (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelMissing) as caught:
        locate(get_helper("florence-2-large"), runtime(tmp_path))
    assert "laid out for remote code, which is never run: move it away" in str(caught.value)
    assert str(caught.value).endswith("gets it as florence-community/Florence-2-large has it.")


@pytest.mark.parametrize("content", ["[]", "{}", "not json", '{"text_config": {}}'])
def test_a_config_that_does_not_say_how_it_is_laid_out_is_left_to_the_loading(
    tmp_path: Path, tiny_models: TinyModels, content: str
) -> None:
    folder = tmp_path / "florence-2-base"
    shutil.copytree(tiny_models("florence-2-base") / "florence-2-base", folder)
    (folder / "config.json").write_text(content)
    expected = "partial" if content == "[]" else "ready"
    assert model_status(get_helper("florence-2-base"), runtime(tmp_path)).state == expected


@pytest.mark.parametrize("variant", ["", ".fp16"])
def test_each_shard_that_the_list_promises_is_asked_for(tmp_path: Path, variant: str) -> None:
    names = sharded(tmp_path, variant)
    source = Source("owner/name", "main", 1, variant.removeprefix(".") or None)
    assert gaps(source, tmp_path) == []
    (tmp_path / "transformer" / names[1]).unlink()
    assert gaps(source, tmp_path) == [f"transformer/{names[1]}"]
    next((tmp_path / "transformer").glob("*.index*")).write_text("{}")
    assert len(gaps(source, tmp_path)) == 1
    next((tmp_path / "transformer").glob("*.index*")).unlink()
    assert gaps(source, tmp_path) == ["transformer/the list of its shards"]


def test_shards_are_chosen_with_their_list_and_a_whole_file_instead_of_them(tmp_path: Path) -> None:
    names = [f"transformer/{name}" for name in sharded(tmp_path)]
    listing = "transformer/diffusion_pytorch_model.safetensors.index.json"
    source = Source("owner/name", "main", 1)
    small = ["model_index.json", "transformer/config.json"]
    assert select(source, {*names, listing, *small}, INDEX) == sorted([*names, listing, *small])
    whole = "transformer/diffusion_pytorch_model.safetensors"
    assert select(source, {*names, listing, *small, whole}, INDEX) == sorted([*small, whole])


def test_the_folder_of_a_part_is_looked_up_by_its_repository(tmp_path: Path) -> None:
    model = get_card("framepack-i2v-hy")
    main, transformer, redux = sources(model)
    assert main.replaced == {"transformer", "image_encoder", "feature_extractor"}
    assert (transformer.subfolders, redux.subfolders) == (("",), ("image_encoder", "feature_extractor"))
    write(tmp_path / "framepack-i2v-hy/model_index.json", {"transformer": ["diffusers", "X"]})
    write(tmp_path / "lllyasviel--FramePackI2V_HY/config.json", {})
    weights(tmp_path / "lllyasviel--FramePackI2V_HY/diffusion_pytorch_model.safetensors")
    write(tmp_path / "lllyasviel/flux_redux_bfl/image_encoder/config.json", {})
    weights(tmp_path / "lllyasviel/flux_redux_bfl/image_encoder/model.safetensors")
    assert "feature_extractor (weights)" in model_status(model, runtime(tmp_path)).message
    write(tmp_path / "lllyasviel/flux_redux_bfl/feature_extractor/preprocessor_config.json", {})
    found = locate(model, runtime(tmp_path))
    assert found.parts["transformer"] == tmp_path / "lllyasviel--FramePackI2V_HY"
    assert found.parts["image_encoder"] == found.parts["feature_extractor"] == tmp_path / "lllyasviel/flux_redux_bfl"


def test_a_tiny_checkpoint_is_ready(tiny_models: TinyModels) -> None:
    models = tiny_models("i2vgen-xl")
    status = model_status(get_card("i2vgen-xl"), runtime(models))
    assert (status.state, status.folder) == ("ready", models / "i2vgen-xl")
    assert 0 < status.bytes_present == status.bytes_total


def test_a_folder_that_a_person_copied_needs_no_notes(models: Path, tmp_path: Path) -> None:
    needed = tmp_path / "copied/i2vgen-xl"
    for name in NEEDED:
        (needed / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(models / "i2vgen-xl" / name, needed / name)
    status = model_status(card(), runtime(tmp_path / "copied"))
    assert status.state == "ready"
    assert status.bytes_present == sum((needed / name).stat().st_size for name in NEEDED)


@pytest.mark.parametrize("content", ["[]", "not json", "\udcff"])
def test_an_index_that_cannot_be_read_counts_as_missing(tmp_path: Path, content: str) -> None:
    (tmp_path / "model_index.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    assert read_index(tmp_path) is None
    assert gaps(Source("owner/name", "main", 1), tmp_path) == ["model_index.json"]


def test_an_index_cannot_point_outside_its_repository() -> None:
    index = {"..": ["diffusers", "UNet"], "a/b": ["diffusers", "UNet"], "/etc": ["diffusers", "UNet"]}
    names = ["../model.safetensors", "a/b/model.safetensors", "/etc/model.safetensors", "model_index.json"]
    assert select(Source("owner/name", "main", 1), names, index) == ["model_index.json"]


NAMES = st.sampled_from(
    [
        f"{folder}{stem}{variant}{shard}{ending}"
        for folder in ("transformer/", "unet/", "", "transformer/deeper/")
        for stem in ("diffusion_pytorch_model", "model", "pytorch_model", "other")
        for variant in ("", ".fp16", ".bf16", ".non_ema")
        for shard in ("", "-00001-of-00002", "-00002-of-00002")
        for ending in (".safetensors", ".bin", ".ckpt", ".py", ".msgpack", ".safetensors.index.json", ".mp4")
    ]
)


@given(names=st.sets(NAMES), variant=st.sampled_from([None, "fp16"]))
def test_nothing_but_safetensors_of_one_precision_is_ever_chosen(names: set[str], variant: str | None) -> None:
    chosen = select(Source("owner/name", "main", 1, variant), names, INDEX)
    large = [name for name in chosen if not name.endswith(".json")]
    assert set(chosen) <= names
    assert all(name.startswith("transformer/") and name.count("/") == 1 for name in chosen)
    assert all(name.endswith(".safetensors") for name in large)
    assert len({".fp16" in name for name in large}) <= 1
    assert not any(mark in name for name in large for mark in (".bf16", ".non_ema", "other", "pytorch_model.bin"))


@given(st.integers(0, 10**13))
def test_sizes_are_told_within_a_tenth_of_their_unit(count: int) -> None:
    number, unit = size(count).split()
    factor = {"kB": 1e3, "MB": 1e6, "GB": 1e9}[unit]
    assert abs(float(number) * factor - count) <= 0.0501 * factor


def test_every_card_has_a_status(tmp_path: Path) -> None:
    states = {model_status(get_card(name), runtime(tmp_path)).state for name in model_names()}
    assert states == {"missing"}
    assert json.dumps([get_card(name).total_bytes for name in model_names()])
