"""The tiny checkpoints: what the hub's repositories hold, whole, the same each time, and alive."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from pipeline.catalogue import all_names, find_card, get_card, model_names
from pipeline.models.status import model_status
from pipeline.settings import RuntimeSettings
from tests.conftest import TinyModels
from tests.tiny_models import BUILDERS, build, build_middle
from tests.tiny_models.__main__ import main

LOCAL: dict[str, Any] = {"dtype": torch.float32, "use_safetensors": True, "local_files_only": True}

NETWORKS = [
    (name, component)
    for name, components in {
        "i2vgen-xl": "image_encoder text_encoder unet vae",
        "svd": "image_encoder unet vae",
        "svd-xt": "image_encoder unet vae",
        "wan2.1-i2v-14b-480p": "image_encoder text_encoder transformer vae",
        "wan2.1-flf2v-14b-720p": "image_encoder text_encoder transformer vae",
        "wan2.1-vace-1.3b": "text_encoder transformer vae",
        "wan2.1-vace-14b": "text_encoder transformer vae",
        "wan2.2-i2v-a14b": "text_encoder transformer transformer_2 vae",
        "wan2.2-ti2v-5b": "text_encoder transformer vae",
        "ltx-video": "text_encoder transformer vae",
        "ltx-video-distilled": "text_encoder transformer vae",
        "cogvideox-5b-i2v": "text_encoder transformer vae",
        "framepack-i2v-hy": "text_encoder text_encoder_2 vae",
        "lllyasviel--flux_redux_bfl": "image_encoder",
    }.items()
    for component in components.split()
]


def library_class(folder: Path, component: str) -> Any:
    """The class that the model_index.json of a folder names for a component."""
    import diffusers
    import transformers

    index = json.loads((folder / "model_index.json").read_text())
    library, name = index[component]
    return getattr({"diffusers": diffusers, "transformers": transformers}[library], name)


def digests(folder: Path) -> dict[str, str]:
    """The digest of each file below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def names_in(path: Path) -> list[str]:
    with safe_open(path, "pt") as file:
        return list(file.keys())


def picture(width: int, height: int) -> Image.Image:
    """A picture of coarse coloured blocks."""
    blocks = np.random.default_rng(5).integers(0, 256, (6, 6, 3), np.uint8)
    return Image.fromarray(blocks).resize((width, height), Image.Resampling.BICUBIC)


def test_every_model_of_the_catalogue_has_one() -> None:
    assert set(model_names()) <= set(BUILDERS) <= set(all_names())
    assert {name for name, _ in NETWORKS} == {*model_names(), "lllyasviel--flux_redux_bfl"}


@pytest.mark.parametrize("name", BUILDERS)
def test_the_program_takes_each_for_a_whole_model(tiny_models: TinyModels, name: str) -> None:
    status = model_status(find_card(name), RuntimeSettings(models_dir=tiny_models(name)))
    assert status.state == "ready", status.message


@pytest.mark.parametrize(("name", "component"), NETWORKS)
def test_each_network_finds_all_its_weights_and_no_others(tiny_models: TinyModels, name: str, component: str) -> None:
    folder = tiny_models("framepack-i2v-hy" if name.startswith("lllyasviel") else name) / name
    kind = library_class(folder, component)
    network, found = kind.from_pretrained(folder, subfolder=component, output_loading_info=True, **LOCAL)
    assert not found["missing_keys"]
    assert not found["unexpected_keys"]
    assert all(torch.isfinite(parameter).all() for parameter in network.parameters())
    assert all(parameter.any() for parameter in network.parameters() if parameter.ndim > 1)


@pytest.mark.parametrize("name", BUILDERS)
def test_the_same_name_gives_the_same_bytes(tiny_models: TinyModels, tmp_path: Path, name: str) -> None:
    torch.manual_seed(1234)  # what happened before must not matter
    assert digests(build(tmp_path, name)) == digests(tiny_models(name) / name)


def test_i2vgen_xl_has_the_files_of_its_repository(tiny_models: TinyModels) -> None:
    assert set(digests(tiny_models("i2vgen-xl") / "i2vgen-xl")) == {
        "model_index.json",
        "feature_extractor/preprocessor_config.json",
        "image_encoder/config.json",
        "image_encoder/model.fp16.safetensors",
        "image_encoder/model.safetensors",
        "scheduler/scheduler_config.json",
        "text_encoder/config.json",
        "text_encoder/model.fp16.safetensors",
        "text_encoder/model.safetensors",
        "tokenizer/merges.txt",
        "tokenizer/special_tokens_map.json",
        "tokenizer/tokenizer_config.json",
        "tokenizer/vocab.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "unet/diffusion_pytorch_model.safetensors",
        "vae/config.json",
        "vae/diffusion_pytorch_model.fp16.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
    }


def test_weights_have_the_names_of_the_published_files(tiny_models: TinyModels) -> None:
    i2vgen = tiny_models("i2vgen-xl") / "i2vgen-xl"
    assert all(name.startswith("text_model.") for name in names_in(i2vgen / "text_encoder" / "model.safetensors"))
    vision = names_in(i2vgen / "image_encoder" / "model.fp16.safetensors")
    assert {name.split(".")[0] for name in vision} == {"vision_model", "visual_projection"}
    wan = tiny_models("wan2.2-ti2v-5b") / "wan2.2-ti2v-5b" / "text_encoder"
    index = json.loads((wan / "model.safetensors.index.json").read_text())
    assert "shared.weight" in index["weight_map"]
    assert "encoder.embed_tokens.weight" not in index["weight_map"]


def test_the_variant_holds_half_precision(tiny_models: TinyModels) -> None:
    folder = tiny_models("svd") / "svd" / "unet"
    for ending, dtype in (("safetensors", torch.float32), ("fp16.safetensors", torch.float16)):
        with safe_open(folder / f"diffusion_pytorch_model.{ending}", "pt") as file:
            assert {file.get_tensor(name).dtype for name in file.keys()} == {dtype}  # noqa: SIM118


def test_shards_are_as_many_as_published_and_hold_what_their_index_says(tiny_models: TinyModels) -> None:
    folder = tiny_models("wan2.1-i2v-14b-480p") / "wan2.1-i2v-14b-480p" / "transformer"
    index = json.loads((folder / "diffusion_pytorch_model.safetensors.index.json").read_text())
    shards = sorted(folder.glob("*.safetensors"))
    assert [shard.name for shard in shards] == [
        f"diffusion_pytorch_model-{number:05}-of-00014.safetensors" for number in range(1, 15)
    ]
    assert {name: shard.name for shard in shards for name in names_in(shard)} == index["weight_map"]


def test_framepacks_parts_lie_where_its_card_looks_for_them(tiny_models: TinyModels) -> None:
    folder = tiny_models("framepack-i2v-hy")
    for part in get_card("framepack-i2v-hy").parts:
        assert any((folder / part.repository.replace("/", "--") / part.subfolder).iterdir())


def test_tokenizers_tell_words_apart(tiny_models: TinyModels) -> None:
    from diffusers.pipelines.hunyuan_video.pipeline_hunyuan_video_framepack import DEFAULT_PROMPT_TEMPLATE
    from transformers import AutoTokenizer, CLIPTokenizer, T5Tokenizer

    clip = CLIPTokenizer.from_pretrained(tiny_models("i2vgen-xl") / "i2vgen-xl" / "tokenizer")
    assert clip.decode(clip("a white Cat 猫").input_ids, skip_special_tokens=True).startswith("a white cat")
    slow = T5Tokenizer.from_pretrained(tiny_models("ltx-video") / "ltx-video" / "tokenizer")
    fast = T5Tokenizer.from_pretrained(tiny_models("wan2.2-ti2v-5b") / "wan2.2-ti2v-5b" / "tokenizer")
    assert slow("the camera moves").input_ids == fast("the camera moves").input_ids
    assert slow.unk_token_id not in slow("Waves, 3 of them!").input_ids
    llama = AutoTokenizer.from_pretrained(tiny_models("framepack-i2v-hy") / "framepack-i2v-hy" / "tokenizer")
    before = str(DEFAULT_PROMPT_TEMPLATE["template"]).partition("{}")[0]
    assert len(llama(before).input_ids) == DEFAULT_PROMPT_TEMPLATE["crop_start"]


def pipeline_of(folder: Path, name: str) -> tuple[Any, dict[str, Any]]:
    """The plain diffusers pipeline of a model, and what it is called with beside the image."""
    import diffusers
    import transformers

    parts: dict[str, Any] = {}
    arguments: dict[str, Any] = {"num_frames": get_card(name).rules.min_frames, "width": 64, "height": 64}
    prompts: dict[str, Any] = {"prompt": "waves in the wind", "negative_prompt": "a cat"}
    match get_card(name).family:
        case "i2vgen_xl":
            kind: Any = diffusers.I2VGenXLPipeline
            prompts["clip_skip"] = None  # its default fails with transformers of today
        case "svd":
            kind, prompts = diffusers.StableVideoDiffusionPipeline, {}
        case "wan":
            kind = diffusers.WanImageToVideoPipeline
            if get_card(name).can.last_image:
                arguments["last_image"] = picture(64, 64)
        case "wan_vace":
            kind = diffusers.WanVACEPipeline
        case "ltx":
            kind = diffusers.LTXConditionPipeline if "distilled" in name else diffusers.LTXImageToVideoPipeline
        case "cogvideox":
            kind = diffusers.CogVideoXImageToVideoPipeline
            arguments |= {"width": 720, "height": 480}  # the only size that its positions fit
        case "framepack":
            kind = diffusers.HunyuanVideoFramepackPipeline
            siglip = folder / "lllyasviel--flux_redux_bfl"
            transformer = diffusers.HunyuanVideoFramepackTransformer3DModel
            parts = {
                "transformer": transformer.from_pretrained(folder / "lllyasviel--FramePackI2V_HY", **LOCAL),
                "image_encoder": transformers.SiglipVisionModel.from_pretrained(siglip / "image_encoder", **LOCAL),
                "feature_extractor": transformers.SiglipImageProcessorPil.from_pretrained(siglip / "feature_extractor"),
                "tokenizer": transformers.AutoTokenizer.from_pretrained(folder / name / "tokenizer"),
            }
    return kind.from_pretrained(folder / name, **LOCAL, **parts), arguments | prompts


@pytest.mark.parametrize("name", model_names())
def test_the_plain_pipeline_makes_moving_frames_of_it_that_the_seed_decides(tiny_models: TinyModels, name: str) -> None:
    pipe, arguments = pipeline_of(tiny_models(name), name)
    pipe.set_progress_bar_config(disable=True)
    image = picture(arguments["width"], arguments["height"])
    made = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)  # I2VGen-XL draws from the global state too
        generator = torch.Generator().manual_seed(seed)
        call = {"num_inference_steps": 2, "output_type": "np"} | arguments
        shown = {"reference_images": image} if "vace" in name else {"image": image}
        made.append(pipe(**shown, generator=generator, **call).frames[0])
        if name == "cogvideox-5b-i2v":
            break  # slow for its size; the others show what holds for it too
    frames = made[0]
    assert frames.shape[1:] == (image.height, image.width, 3)
    assert np.isfinite(frames).all()
    assert (frames.std(axis=(1, 2, 3)) > 0.02).all()
    assert (np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3)) > 0.001).all()
    assert ((frames > 0.0) & (frames < 1.0)).mean() > 0.9
    if len(made) == 3:
        assert np.array_equal(made[0], made[1])
        assert not np.array_equal(made[0], made[2])


def test_the_command_builds_what_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["tiny_models", str(tmp_path), "svd", "ltx-video"])
    main()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ltx-video", "svd"]
    assert capsys.readouterr().out.count(" MB in ") == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["i2vgenxl"], "There is no tiny checkpoint 'i2vgenxl': did you mean 'i2vgen-xl'?"),
        (["--size", "middle", "svd"], "There is no middle checkpoint 'svd': choose from i2vgen-xl."),
        (["svd", "ltx-video"], "is there already: name another folder, or remove it."),
    ],
)
def test_the_command_says_in_a_sentence_what_is_wrong_and_builds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    (tmp_path / "ltx-video").mkdir()
    monkeypatch.setattr("sys.argv", ["tiny_models", str(tmp_path), *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    assert str(end.value).endswith(sentence)
    assert [path.name for path in tmp_path.iterdir()] == ["ltx-video"]


def test_what_is_there_already_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "svd").mkdir()
    with pytest.raises(FileExistsError):
        build(tmp_path, "svd")
    assert not any((tmp_path / "svd").iterdir())


def test_the_middle_size_is_an_i2vgen_xl_of_its_fp16_variant(tmp_path: Path) -> None:
    from diffusers import I2VGenXLPipeline

    folder = build_middle(tmp_path)
    pipe = I2VGenXLPipeline.from_pretrained(folder, variant="fp16", **LOCAL)
    assert 5e6 < sum(parameter.numel() for parameter in pipe.unet.parameters()) < 20e6
    assert pipe.unet.config.cross_attention_dim == pipe.text_encoder.config.hidden_size
