from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from pipeline.engines.diffusion.lora import loaded_lora
from pipeline.errors import InvalidSetting


def ignore(_: str) -> None:
    """For what is said and not looked at."""


def transformer(layers: int = 2, head: int = 12) -> Any:
    import diffusers

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network: Any = diffusers.WanTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=head,
            in_channels=36,
            text_dim=32,
            ffn_dim=32,
            num_layers=layers,
            rope_max_seq_len=32,
        )
    return network.eval()


@pytest.fixture
def pipe() -> Any:
    import diffusers

    return diffusers.WanImageToVideoPipeline(
        tokenizer=None,
        text_encoder=None,
        vae=None,
        scheduler=diffusers.UniPCMultistepScheduler(),
        transformer=transformer(),
    )


def predict(pipe: Any) -> torch.Tensor:
    make = torch.Generator().manual_seed(1)
    with torch.no_grad():
        result: torch.Tensor = pipe.transformer(
            torch.randn(1, 36, 2, 4, 4, generator=make),
            torch.tensor([5]),
            torch.randn(1, 7, 32, generator=make),
            return_dict=False,
        )[0]
    return result


def write_lora(path: Path, network: Any, prefix: str = "transformer.", rank: int = 2) -> Path:
    """A LoRA on the queries of a transformer, in the layout of PEFT."""
    make = torch.Generator().manual_seed(2)
    tensors = {}
    for name, module in network.named_modules():
        if name.endswith("attn1.to_q"):
            tensors[f"{prefix}{name}.lora_A.weight"] = torch.randn(rank, module.in_features, generator=make)
            tensors[f"{prefix}{name}.lora_B.weight"] = torch.randn(module.out_features, rank, generator=make)
    save_file(tensors, path)
    return path


def merged(pipe: Any, path: Path, scale: float) -> torch.Tensor:
    """What the transformer predicts with the LoRA's products added to its weights."""
    from safetensors.torch import load_file

    tensors = load_file(path)
    other = transformer()
    for name, module in other.named_modules():
        if f"transformer.{name}.lora_A.weight" in tensors:
            down, up = (tensors[f"transformer.{name}.lora_{side}.weight"] for side in "AB")
            module.weight.data += scale * up @ down
    original, pipe.transformer = pipe.transformer, other
    try:
        return predict(pipe)
    finally:
        pipe.transformer = original


@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0])
def test_a_lora_acts_with_its_strength_and_leaves_nothing_behind(pipe: Any, tmp_path: Path, scale: float) -> None:
    path = write_lora(tmp_path / "lora.safetensors", pipe.transformer)
    before, names = predict(pipe), pipe.transformer.state_dict().keys()
    with loaded_lora(pipe, path, scale, ignore):
        assert torch.allclose(predict(pipe), merged(pipe, path, scale), atol=1e-5)
        assert torch.equal(predict(pipe), before) is (scale == 0.0)
    assert torch.equal(predict(pipe), before)
    assert pipe.transformer.state_dict().keys() == names
    assert pipe.get_list_adapters() == {}


def test_a_lora_is_gone_after_an_error_and_can_be_laid_over_again(pipe: Any, tmp_path: Path) -> None:
    path = write_lora(tmp_path / "lora.safetensors", pipe.transformer)
    before = predict(pipe)
    with pytest.raises(RuntimeError, match="no memory"), loaded_lora(pipe, path, 1.0, ignore):
        raise RuntimeError("no memory")
    assert torch.equal(predict(pipe), before)
    with loaded_lora(pipe, path, 1.0, ignore):
        assert not torch.equal(predict(pipe), before)


def other_width(path: Path) -> None:
    write_lora(path, transformer(head=24))


def other_network(path: Path) -> None:
    write_lora(path, transformer(), prefix="unet.")


def other_layers(path: Path) -> None:
    save_file({f"transformer.other.lora_{side}.weight": torch.zeros(4, 4) for side in "AB"}, path)


def kohya_unet(path: Path) -> None:
    stem = "lora_unet_down_blocks_0_attentions_0_proj_in"
    save_file({f"{stem}.lora_{side}.weight": torch.zeros(4, 4) for side in ("down", "up")}, path)


def unknown_layout(path: Path) -> None:
    save_file({f"diffusion_model.blocks.0.other.lora_{side}.weight": torch.zeros(4, 4) for side in "AB"}, path)


@pytest.mark.parametrize("write", [other_width, other_network, other_layers, kohya_unet, unknown_layout])
def test_a_lora_of_another_model_is_one_clear_sentence(pipe: Any, tmp_path: Path, write: Any) -> None:
    write(path := tmp_path / "lora.safetensors")
    before = predict(pipe)
    with pytest.raises(InvalidSetting) as caught, loaded_lora(pipe, path, 1.0, ignore):
        pytest.fail("this file does not fit")
    assert str(caught.value) == "animate.lora: lora.safetensors was made for another model than the one chosen."
    assert torch.equal(predict(pipe), before)
    assert pipe.get_list_adapters() == {}


def no_lora(path: Path) -> None:
    save_file({"weight": torch.zeros(2)}, path)


def text(path: Path) -> None:
    path.write_text("not at all")


@pytest.mark.parametrize(
    ("name", "write", "said"),
    [
        ("lora.safetensors", no_lora, "lora.safetensors holds no LoRA, none of its tensors is named as one."),
        ("lora.safetensors", text, "lora.safetensors cannot be read as .safetensors file."),
        ("lora.safetensors", Path.touch, "lora.safetensors cannot be read as .safetensors file."),
        ("lora.safetensors", Path.mkdir, "lora.safetensors cannot be read as .safetensors file."),
        ("lora.pt", Path.touch, "lora.pt is not a .safetensors file, the only kind that is read."),
    ],
)
def test_a_file_that_holds_no_lora_is_one_clear_sentence(
    pipe: Any, tmp_path: Path, name: str, write: Any, said: str
) -> None:
    write(tmp_path / name)
    with pytest.raises(InvalidSetting) as caught, loaded_lora(pipe, tmp_path / name, 1.0, ignore):
        pytest.fail("this file holds no LoRA")
    assert str(caught.value) == f"animate.lora: {said}"


def test_a_missing_file_is_one_clear_sentence(pipe: Any, tmp_path: Path) -> None:
    path = tmp_path / "gone.safetensors"
    with pytest.raises(InvalidSetting) as caught, loaded_lora(pipe, path, 1.0, ignore):
        pytest.fail("there is no file")
    assert str(caught.value) == f"animate.lora: there is no file {path}."


def test_a_lora_that_fits_in_part_is_used_and_said(pipe: Any, tmp_path: Path) -> None:
    path = write_lora(tmp_path / "lora.safetensors", transformer(layers=4))
    before = predict(pipe)
    said: list[str] = []
    with loaded_lora(pipe, path, 1.0, said.append):
        assert not torch.equal(predict(pipe), before)
    assert said == ["Only 2 of the 4 layers of lora.safetensors exist in the model."]


def test_a_shortage_while_loading_is_not_taken_for_a_wrong_file(
    pipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_lora(tmp_path / "lora.safetensors", pipe.transformer)

    def run_out(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(pipe.transformer, "load_lora_adapter", run_out)
    with pytest.raises(torch.OutOfMemoryError), loaded_lora(pipe, path, 1.0, ignore):
        pytest.fail("there is no memory")
