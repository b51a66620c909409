"""Runs of the families whose autoencoder is one of videos, on tiny checkpoints: what their tests share."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from pipeline.catalogue import Precision, get_card
from pipeline.engines.diffusion.casting import cast
from pipeline.engines.diffusion.family import Family, Request, Tensors
from pipeline.engines.diffusion.stepping import stepping
from pipeline.frames import Frame
from pipeline.models.files import ModelFiles
from pipeline.models.load import LoadPlan
from pipeline.settings import make_settings

PROMPT = "the cat walks slowly"


def picture(width: int, height: int, seed: int = 0) -> Frame:
    """A smooth picture of its own for each seed."""
    down, across = np.mgrid[0:height, 0:width]
    shift = 40 * seed
    channels = [across * 255 / width + shift, down * 255 / height + shift, (across + down) * 2 + shift]
    return np.stack(channels, axis=-1).astype(np.uint8)


@dataclass(frozen=True)
class Run:
    """A loaded model and what is to be made with it."""

    family: Family
    pipe: Any
    request: Request

    def asking(self, changes: dict[str, Any] | None = None, **fields: Any) -> "Run":
        """The same with other settings, nested by section, or other fields of the request."""
        animate = {"num_inference_steps": 2, **(changes or {}).get("animate", {}), "engine": self.family.card.name}
        settings = make_settings({"prompt": PROMPT, **(changes or {}), "animate": animate})
        return replace(self, request=replace(self.request, settings=settings, **fields))

    def latents(self) -> Tensors:
        """What sampling makes, arranged as the engine does it."""
        conditions = self.family.condition(self.pipe, self.request)
        with self.family.arrange(self.pipe, self.request):
            return self.family.sample(self.pipe, self.request, conditions)

    def decode(self, latents: Tensors) -> list[Frame]:
        """The frames of latents."""
        return list(self.family.decode(self.pipe, latents, self.request))

    def bare(self) -> list[Frame]:
        """The frames of the plain call, with the same arrangement."""
        with self.family.arrange(self.pipe, self.request):
            return self.family.bare(self.pipe, self.request)

    def steps(self) -> list[Frame | None]:
        """The glimpse after each step of sampling."""
        seen: list[Frame | None] = []
        conditions = self.family.condition(self.pipe, self.request)
        with (
            self.family.arrange(self.pipe, self.request),
            stepping(self.pipe, lambda _, latents: seen.append(self.family.glimpse(latents, self.request))),
        ):
            self.family.sample(self.pipe, self.request, conditions)
        return seen


def load(
    family: type[Family],
    models_dir: Path,
    name: str,
    num_frames: int,
    size: tuple[int, int] = (96, 64),
    precision: Precision = Precision.FLOAT32,
) -> Run:
    """Load a tiny checkpoint, with the parts of other repositories beside it, and ask for a short run of two steps."""
    card = get_card(name)
    parts = {part.component: models_dir / part.repository.replace("/", "--") for part in card.parts}
    adapter = family(card)
    pipe = adapter.load(ModelFiles(card, models_dir / name, parts), LoadPlan("cpu", precision))
    request = Request(picture(*size), make_settings({}), seed=7, num_frames=num_frames, device="cpu")
    return Run(adapter, pipe, request).asking()


def check_phases_equal_the_plain_call(run: Run) -> None:
    """Our phases, one after the other, give the frames of the plain call, bit for bit."""
    latents = run.latents()
    frames, bare = run.decode(latents), run.bare()
    assert len(frames) == len(bare) == run.request.num_frames
    assert {frame.shape for frame in frames} == {(run.request.height, run.request.width, 3)}
    assert {frame.dtype for frame in frames} == {np.dtype(np.uint8)}
    assert all(map(np.array_equal, frames, bare))
    assert np.std(frames[0]) > 1.0
    assert all(map(np.array_equal, run.decode(latents), frames))


def check_near_the_plain_call(run: Run) -> None:
    """In half precision our frames are those of the plain call but for the last bit, which we round from float32."""
    assert run.pipe.transformer.dtype in (torch.bfloat16, torch.float16)
    frames, bare = (np.stack(each).astype(int) for each in (run.decode(run.latents()), run.bare()))
    assert np.abs(frames - bare).max() <= 1
    assert np.std(frames) > 1.0


def check_decoding_in_another_precision(run: Run) -> None:
    """The autoencoder decodes the same latents in another number format than the rest has: nearly the same frames."""
    latents, own = run.latents(), run.pipe.vae.dtype
    usual = np.stack(run.decode(latents)).astype(int)
    with cast(run.pipe.vae, Precision.FLOAT32 if own == torch.bfloat16 else Precision.BFLOAT16):
        assert run.pipe.vae.dtype != own
        other = np.stack(run.decode(latents)).astype(int)
    assert 0.0 < np.abs(usual - other).mean() < 3.0


def check_the_seed_decides(run: Run) -> None:
    """The same seed gives the same latents, another one others; nobody else's random numbers are touched."""
    torch.manual_seed(99)
    before = torch.get_rng_state()
    first = run.latents()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(5)
    again, other = run.latents(), run.asking(seed=8).latents()
    assert first.keys() == again.keys()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.allclose(first["latents"], other["latents"], atol=1e-2)


def check_two_passes_are_one(run: Run, guidance: float) -> None:
    """Guidance in two passes gives the latents of one pass but for rounding, and halves the batch of the denoiser."""
    latents, batches = {}, {}
    for passes in (1, 2):
        asked = run.asking({"animate": {"guidance_scale": guidance}, "runtime": {"guidance_passes": passes}})
        with seen_batches(asked.pipe.transformer) as seen:
            latents[passes] = asked.latents()["latents"]
        batches[passes] = set(seen)
    assert batches == {1: {2}, 2: {1}}
    assert float((latents[1] - latents[2]).abs().max()) < 1e-4
    assert "forward" not in vars(run.pipe.transformer)


@contextmanager
def seen_batches(transformer: Any) -> Iterator[list[int]]:
    """Note the batch that the transformer's first block is called with."""
    seen: list[int] = []

    def note(_: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        seen.append(len(arguments[0] if arguments else named["hidden_states"]))

    handle = transformer.transformer_blocks[0].register_forward_pre_hook(note, with_kwargs=True)
    try:
        yield seen
    finally:
        handle.remove()


def check_tiles_come_near(run: Run) -> None:
    """Decoding in tiles gives other frames, but far nearer than another seed does, and is switched off afterwards."""
    latents = run.latents()
    other = np.stack(run.decode(run.asking(seed=8).latents())).astype(float)
    whole = np.stack(run.decode(latents)).astype(float)
    tiled = np.stack(run.asking({"animate": {"vae_tiling": True}}).decode(latents)).astype(float)
    assert 0.0 < np.abs(whole - tiled).mean() < 0.25 * np.abs(whole - other).mean()
    assert not run.pipe.vae.use_tiling
    assert np.array_equal(np.stack(run.decode(latents)), whole)


def check_encoding_in_tiles(run: Run) -> None:
    """Encoding in tiles gives other latents, but nearer than another seed does, and is switched off afterwards.

    With decoding in tiles as well it is the plain call in tiles, bit for bit.
    """
    whole, other = run.latents()["latents"], run.asking(seed=8).latents()["latents"]
    tiled = run.asking({"animate": {"encode_tiling": True}}).latents()["latents"]
    assert 0.0 < float((whole - tiled).abs().mean()) < 0.25 * float((whole - other).abs().mean())
    assert not run.pipe.vae.use_tiling
    assert torch.equal(run.latents()["latents"], whole)
    check_phases_equal_the_plain_call(run.asking({"animate": {"encode_tiling": True, "vae_tiling": True}}))


def write_lora(folder: Path, transformer: torch.nn.Module, layers: str, rank: int = 2) -> Path:
    """A LoRA of random weights for the transformer's linear layers whose names end with `layers`."""
    generator = torch.Generator().manual_seed(3)
    tensors: dict[str, torch.Tensor] = {}
    for name, layer in transformer.named_modules():
        if name.endswith(layers) and isinstance(layer, torch.nn.Linear):
            down = torch.randn(rank, layer.in_features, generator=generator)
            up = torch.randn(layer.out_features, rank, generator=generator)
            tensors |= {f"transformer.{name}.lora_A.weight": down, f"transformer.{name}.lora_B.weight": up}
    path = folder / "style.safetensors"
    save_file(tensors, path)
    return path


def check_lora(run: Run, path: Path) -> None:
    """A LoRA changes what is made, the more the stronger, not at all at strength 0, and is gone afterwards."""
    plain = run.latents()["latents"]
    made = {
        scale: run.asking({"animate": {"lora": path, "lora_scale": scale}}).latents()["latents"]
        for scale in (0.0, 0.5, 1.0)
    }
    far = {scale: float((latents - plain).abs().mean()) for scale, latents in made.items()}
    assert far[0.0] < 1e-6
    assert 1e-4 < far[0.5] < far[1.0]
    assert torch.equal(run.latents()["latents"], plain)
