"""What is painted is what the plain pipelines of diffusers make of the same picture, embeddings and seed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pipeline.catalogue import FamilyName, Precision, get_helper
from pipeline.choices import Quantization, Scheduler
from pipeline.control.edges import canny
from pipeline.engines.diffusion.images import to_pil
from pipeline.engines.stable_diffusion.models import Models, arranged, load
from pipeline.engines.stable_diffusion.painter import Brush, Task, preview
from pipeline.engines.stable_diffusion.prompts import Embedding, as_arguments, between, encode, unprompted
from pipeline.engines.stable_diffusion.schedule import Words
from pipeline.engines.stable_diffusion.setup import Setup
from pipeline.errors import ModelMissing
from pipeline.frames import Frame
from pipeline.interpolation import enlarge
from pipeline.models.files import ModelFiles
from pipeline.models.placement import put
from pipeline.transition_settings import KeyframesSettings
from tests.conftest import TinyModels
from tests.photos import photo

MORPH = enlarge(photo("astronaut"), 96, 64)
TASK = Task(0, 0.5, Words("a cat", "a dog", 0.25), seed=7, morph=MORPH)
SETUP = Setup("cpu", Precision.FLOAT32, 96, 64, 64, guided=True)
NAMES = ["sd-1.5", "sdxl"]


def silent(*_: Any) -> None:
    """For what is told and not looked at."""


@dataclass(frozen=True)
class Painter:
    """A loaded pipeline, and what it is asked for."""

    pipe: Any
    asked: KeyframesSettings
    setup: Setup = SETUP

    def asking(self, **changes: Any) -> "Painter":
        return replace(self, asked=self.asked.model_copy(update=changes))

    def held(self, **changes: Any) -> "Painter":
        return replace(self, setup=replace(self.setup, **changes))

    def embeddings(self) -> tuple[Embedding, Embedding | None]:
        texts = [TASK.words.first, TASK.words.second, self.asked.negative_prompt]
        found = encode(self.pipe, texts, silent)
        guided = self.asked.guidance_scale > 1.0
        return between(TASK.words, found), unprompted(self.pipe, self.asked.negative_prompt, found) if guided else None

    def latents(self, task: Task = TASK, on_step: Callable[[int, int, Any], None] = silent) -> torch.Tensor:
        with arranged(self.pipe, self.asked, self.setup, silent):
            return Brush(self.pipe, self.asked, self.setup).sample(task, *self.embeddings(), on_step)

    def paint(self, task: Task = TASK) -> Frame:
        with arranged(self.pipe, self.asked, self.setup, silent):
            brush = Brush(self.pipe, self.asked, self.setup)
            made = brush.decode(brush.sample(task, *self.embeddings(), silent))
        assert made is not None
        return made

    def bare(self, total: int, task: Task = TASK) -> NDArray[np.uint8]:
        """The plain call: `total` steps, of which it runs the last part."""
        control = {}
        if "controlnet" in self.pipe.components:
            control = {"control_image": to_pil(canny(task.morph)), "controlnet_conditioning_scale": 0.6}
        with arranged(self.pipe, self.asked, self.setup, silent):
            made = self.pipe(
                image=to_pil(task.morph),
                strength=task.strength,
                num_inference_steps=total,
                guidance_scale=self.asked.guidance_scale,
                generator=torch.Generator().manual_seed(task.seed),
                **as_arguments(*self.embeddings()),
                **control,
            )
        return np.asarray(made.images[0])


Make = Callable[..., Painter]


@pytest.fixture(scope="module")
def painter(tiny_models: TinyModels) -> Make:
    loaded: dict[Any, Any] = {}

    def make(name: str, control: str | None = None, setup: Setup = SETUP) -> Painter:
        if (name, control, setup) not in loaded:
            pipe = load(models(tiny_models, name, control), setup)
            put(pipe, setup.device, setup.offload, setup.quantization)
            loaded[name, control, setup] = pipe
        asked = KeyframesSettings(num_inference_steps=6, guidance_scale=5.0)
        return Painter(loaded[name, control, setup], asked, setup)

    return make


def models(tiny_models: TinyModels, name: str, control: str | None = None) -> Models:
    def files(name: str) -> ModelFiles:
        return ModelFiles(get_helper(name), tiny_models(name) / name)

    if control is None:
        return Models(get_helper(name), files(name))
    return Models(get_helper(name), files(name), get_helper(control), files(control))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "changes", [{}, {"guidance_scale": 1.0}, {"scheduler": Scheduler.EULER}, {"negative_prompt": ""}]
)
def test_a_painting_is_the_plain_calls_bit_for_bit(painter: Make, name: str, changes: dict[str, Any]) -> None:
    asked = painter(name).asking(**changes)
    assert np.array_equal(asked.paint(), asked.bare(total=12))


@pytest.mark.parametrize(("name", "control"), [("sd-1.5", "canny-sd-1.5"), ("sdxl", "canny-sdxl")])
def test_with_a_controlnet_too(painter: Make, name: str, control: str) -> None:
    held = painter(name, control)
    assert np.array_equal(held.paint(), held.bare(total=12))
    assert not np.array_equal(held.paint(), held.asking(control_scale=2.0).paint())
    assert not np.array_equal(held.paint(), painter(name).paint())


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_decides_and_nobody_elses_random_numbers_are_touched(painter: Make, name: str) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = painter(name).latents()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    assert torch.equal(painter(name).latents(), first)
    assert not torch.allclose(painter(name).latents(replace(TASK, seed=8)), first, atol=1e-2)


@pytest.mark.parametrize("name", NAMES)
def test_words_and_strength_count(painter: Make, name: str) -> None:
    first = painter(name).latents()
    weak = painter(name).latents(replace(TASK, strength=0.1))
    clear = painter(name).latents(replace(TASK, strength=0.02))
    assert float((weak - clear).abs().mean()) < float((first - clear).abs().mean())
    guided = painter(name).asking(guidance_scale=30.0)
    other = guided.asking(negative_prompt="waves roll in")
    assert not torch.allclose(guided.latents(), other.latents(), atol=1e-5)


@pytest.mark.parametrize(("name", "extra"), [("sd-1.5", 1), ("sdxl", 0)])
def test_every_step_is_told(painter: Make, name: str, extra: int) -> None:
    """PNDM of Stable Diffusion 1.5 runs one step more than it counts."""
    seen: list[tuple[int, int]] = []
    shapes = set()

    def listen(done: int, steps: int, latents: torch.Tensor) -> None:
        seen.append((done, steps))
        shapes.add(tuple(preview(latents, FamilyName.STABLE_DIFFUSION_XL).shape))
        shapes.add(tuple(preview(latents, FamilyName.STABLE_DIFFUSION).shape))

    painter(name).latents(on_step=listen)
    count = TASK.steps(painter(name).asked) + extra
    assert seen == [(done, count) for done in range(1, count + 1)]
    assert shapes == {(8, 12, 3)}


@pytest.mark.parametrize(("name", "control"), [("sd-1.5", "canny-sd-1.5"), ("sdxl", "canny-sdxl"), ("sdxl", None)])
def test_guidance_in_two_passes_changes_rounding_alone(painter: Make, name: str, control: str | None) -> None:
    whole = painter(name, control)
    seen: list[int] = []
    handles = [
        network.conv_in.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
        for network in (whole.pipe.unet, whole.pipe.components.get("controlnet"))
        if network is not None
    ]
    made = whole.latents()
    assert set(seen) == {2}
    seen.clear()
    split = whole.held(guidance_passes=2).latents()
    assert set(seen) == {1}
    for handle in handles:
        handle.remove()
    assert float((made - split).abs().max()) < 1e-4
    assert "forward" not in vars(whole.pipe.unet)


def test_tiles_come_near_the_whole(painter: Make) -> None:
    large = enlarge(photo("coffee"), 640, 576)
    whole = painter("sd-1.5").held(width=640, height=576)
    task = replace(TASK, morph=large, strength=0.05)
    tiled = whole.held(tiled=True)
    made, pieces = whole.paint(task).astype(float), tiled.paint(task).astype(float)
    assert 0.0 < np.abs(made - pieces).mean() < 3.0
    assert not whole.pipe.vae.use_tiling


@pytest.mark.parametrize("name", NAMES)
def test_in_bfloat16_it_is_nearly_the_same(painter: Make, name: str) -> None:
    half = painter(name, setup=replace(SETUP, precision=Precision.BFLOAT16))
    assert half.pipe.unet.dtype is torch.bfloat16
    assert np.abs(half.paint().astype(int) - painter(name).paint()).mean() < 4.0


def test_xls_autoencoder_works_in_float32_where_it_would_overflow(painter: Make) -> None:
    half = painter("sdxl", setup=replace(SETUP, precision=Precision.FLOAT16))
    brush, seen = Brush(half.pipe, half.asked, half.setup), []
    handle = half.pipe.vae.decoder.register_forward_pre_hook(lambda _, given: seen.append(given[0].dtype))
    brush.decode(painter("sdxl").latents())
    handle.remove()
    assert seen == [torch.float32]
    assert half.pipe.vae.dtype is torch.float16


def test_float8_weights_paint_nearly_the_same(painter: Make) -> None:
    small = painter("sd-1.5", setup=replace(SETUP, quantization=Quantization.FLOAT8))
    assert any(weights.dtype is torch.float8_e4m3fn for weights in small.pipe.unet.parameters())
    assert np.abs(small.paint().astype(int) - painter("sd-1.5").paint()).mean() < 4.0


@pytest.mark.parametrize("name", NAMES)
def test_numbers_that_are_none_are_no_picture(painter: Make, name: str) -> None:
    made = painter(name)
    latents = torch.full((1, 4, 8, 12), float("nan"))
    assert Brush(made.pipe, made.asked, made.setup).decode(latents) is None


@pytest.mark.parametrize("name", [*NAMES, "canny-sd-1.5"])
def test_a_plain_copy_without_the_variant_is_loaded_as_well(tiny_models: TinyModels, tmp_path: Path, name: str) -> None:
    source = tiny_models(name) / name
    for path in source.rglob("*"):
        if path.is_file() and ".fp16." not in path.name:
            (tmp_path / path.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path.relative_to(source)).write_bytes(path.read_bytes())
    card = get_helper(name)
    files = ModelFiles(card, tmp_path)
    if name in NAMES:
        assert load(Models(card, files), SETUP).unet.dtype is torch.float32
    else:
        painter = models(tiny_models, "sd-1.5")
        assert load(replace(painter, control_card=card, control_files=files), SETUP).controlnet.dtype is torch.float32


def test_the_size_that_a_model_was_trained_for_stands_in_its_files(tiny_models: TinyModels, tmp_path: Path) -> None:
    whole = models(tiny_models, "sdxl")
    assert whole.native == 64
    with pytest.raises(ModelMissing, match=r"sdxl in .* are incomplete or damaged"):
        replace(whole, files=ModelFiles(whole.card, tmp_path)).native  # noqa: B018 - it is read from the disk


@pytest.mark.parametrize("name", [*NAMES, "canny-sd-1.5", "canny-sdxl"])
def test_each_network_of_the_checkpoints_finds_all_its_weights(tiny_models: TinyModels, name: str) -> None:
    import diffusers
    import transformers

    folder = tiny_models(name) / name
    kinds: dict[str, Any] = {"": diffusers.ControlNetModel}
    if name in NAMES:
        kinds = {"unet": diffusers.UNet2DConditionModel, "vae": diffusers.AutoencoderKL}
        kinds["text_encoder"] = transformers.CLIPTextModel
    if name == "sdxl":
        kinds["text_encoder_2"] = transformers.CLIPTextModelWithProjection
    for part, kind in kinds.items():
        network, found = kind.from_pretrained(folder / part, local_files_only=True, output_loading_info=True)
        assert not found["missing_keys"]
        assert not found["unexpected_keys"]
        assert all(torch.isfinite(weights).all() for weights in network.parameters())
