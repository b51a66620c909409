"""Memory that a network allocates in one call, measured on the meta device: shapes are computed, values are not.

A dispatch mode sees every operation and follows the storages of its results until they are freed. Weights are known to
it beforehand, so they do not count. Attention is replaced by its empty result, since the kernels in use on a GPU keep
no matrix of scores. What an operation needs inside itself (workspaces of convolutions) is not seen.
"""

import contextlib
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

from benchmarks.full_size import NETWORKS, Network, build
from pipeline.catalogue import get_card

Tensor = torch.Tensor

_NONE = Network("", "")


class LiveStorages(TorchDispatchMode):
    """Counts the bytes of storages that are alive, apart from those of the networks given.

    `peak` is the largest sum so far.
    """

    def __init__(self, *networks: torch.nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live = self.peak = 0
        self._known: set[int] = set()
        for network in networks:
            for each in (*network.parameters(), *network.buffers()):
                self._known.add(each.untyped_storage()._cdata)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the operation, then count what it has made."""
        result = func(*args, **(kwargs or {}))
        for each in tree_iter(result):
            if isinstance(each, Tensor) and each.device.type == "meta":
                self._count(each.untyped_storage())
        return result

    def _count(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._known:
            return
        self._known.add(key)
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.live -= size


@dataclass(frozen=True)
class Clip:
    """Size in pixels and number of frames of what is made."""

    width: int
    height: int
    frames: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}x{self.frames}"


def sample_bytes(name: str, clip: Clip, *, chunked: bool = False) -> int:
    """Peak activations in bytes of one call of a model's denoiser, in the card's precision, its inputs included.

    Guidance runs in one pass where the model does so. `chunked`: with runtime.chunk_feed_forward.
    """
    card = get_card(name)
    component = "unet" if "unet" in NETWORKS[name] else "transformer"
    network = _network(name, component)
    stride = card.memory.latent_stride
    batch = 2 if card.memory.guidance_doubles_batch else 1
    shape = (batch, latent_frames(name, clip.frames), clip.height // stride, clip.width // stride)
    with _chunked(network, chunked), _measured(network) as meter:
        _CALLS[card.family](network, shape, _dtype(name, component))
    return meter.peak


def latent_frames(name: str, frames: int) -> int:
    """Frames of a model's latents for so many frames of the video."""
    each = get_card(name).memory.latent_frames
    return frames if each == 1 else (frames - 1) // each + 1


def decode_bytes(name: str, clip: Clip, *, tiled: bool = False) -> int:
    """Peak activations in bytes of decoding so many frames at once, whole or in tiles."""
    card = get_card(name)
    network = _network(name, "vae")
    stride = card.memory.latent_stride
    size = (clip.height // stride, clip.width // stride)
    dtype = _dtype(name, "vae")
    if tiled:
        network.enable_tiling()
    try:
        with _measured(network) as meter:
            if card.memory.latent_frames == 1:
                latents = _empty(dtype, clip.frames, network.config.latent_channels, *size)
                extra = {"num_frames": clip.frames} if card.family == "svd" else {}
                network.decode(latents, return_dict=False, **extra)
            else:
                channels = getattr(network.config, "z_dim", None) or network.config.latent_channels
                latents = _empty(dtype, 1, channels, latent_frames(name, clip.frames), *size)
                timestep = (_empty(dtype, 1),) if getattr(network.config, "timestep_conditioning", False) else ()
                network.decode(latents, *timestep, return_dict=False)
    finally:
        if tiled:
            network.disable_tiling()
    return meter.peak


def encode_bytes(name: str, clip: Clip, *, tiled: bool = False) -> int:
    """Peak activations in bytes of encoding what sampling starts from, whole or in tiles: a picture, or a film."""
    memory = get_card(name).memory
    dtype = getattr(torch, memory.encode_precision.value) if memory.encode_precision else _dtype(name, "vae")
    network = build(NETWORKS[name]["vae"], dtype)
    frames = (clip.frames if encodes_a_film(name) else 1,) if memory.latent_frames > 1 else ()
    if tiled:
        network.enable_tiling()
    with _measured(network) as meter:
        beside = _masked_films(dtype, clip) if masks_a_film(name) else []
        network.encode(_empty(dtype, 1, 3, *frames, clip.height, clip.width))
        del beside
    return meter.peak


def encodes_a_film(name: str) -> bool:
    """Whether a model starts from a film that is grey but for its ends, as Wan 14B does, not from a picture alone."""
    transformer = NETWORKS[name].get("transformer")
    return transformer is not None and (transformer.config.get("in_channels") == 36 or masks_a_film(name))


def masks_a_film(name: str) -> bool:
    """Whether a model starts from two films, that of what a mask keeps and that of what it frees, as VACE does."""
    return "vace_layers" in NETWORKS[name].get("transformer", _NONE).config


def _masked_films(dtype: torch.dtype, clip: Clip) -> list[Tensor]:
    """What the pipeline holds while it encodes one of them: the film itself, the other one, and the mask twice."""
    return [_empty(dtype, 1, channels, clip.frames, clip.height, clip.width) for channels in (3, 3, 1, 1)]


@contextlib.contextmanager
def _chunked(unet: Any, wanted: bool) -> Iterator[None]:
    """The layers at the input of I2VGen-XL one frame at a time, as the adapter has them with that setting."""
    blocks = unet.transformer_in.transformer_blocks if wanted else ()
    for block in blocks:
        block.set_chunk_feed_forward(chunk_size=1, dim=1)
    try:
        yield
    finally:
        for block in blocks:
            block.set_chunk_feed_forward(chunk_size=None, dim=0)


@contextlib.contextmanager
def _measured(network: torch.nn.Module) -> Iterator[LiveStorages]:
    original = torch.nn.functional.scaled_dot_product_attention
    meter = LiveStorages(network)
    torch.nn.functional.scaled_dot_product_attention = _no_attention
    try:
        with torch.no_grad(), meter:
            yield meter
    finally:
        torch.nn.functional.scaled_dot_product_attention = original


def _no_attention(query: Tensor, key: Tensor, value: Tensor, *_: object, **__: object) -> Tensor:  # noqa: ARG001
    return query.new_empty(*query.shape[:-1], value.shape[-1])


@cache
def _network(name: str, component: str) -> Any:
    return build(NETWORKS[name][component], _dtype(name, component))


def _dtype(name: str, component: str) -> torch.dtype:
    card = get_card(name)
    own = next(part.precision for part in card.memory.components if part.name == component)
    return getattr(torch, (own or card.precision).value)  # type: ignore[no-any-return]


def _empty(dtype: torch.dtype, *shape: int) -> Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")


Shape = tuple[int, int, int, int]
"""Batch, latent frames, latent height, latent width."""


def _call_i2vgen_xl(unet: Any, shape: Shape, dtype: torch.dtype) -> None:
    batch, frames, height, width = shape
    latents = _empty(dtype, batch, 4, frames, height, width)
    unet(
        latents,
        _empty(torch.int64, batch),
        fps=_empty(torch.int64, batch),
        image_latents=_empty(dtype, *latents.shape),
        image_embeddings=_empty(dtype, batch, 1024),
        encoder_hidden_states=_empty(dtype, batch, 77, 1024),
        return_dict=False,
    )


def _call_svd(unet: Any, shape: Shape, dtype: torch.dtype) -> None:
    batch, frames, height, width = shape
    unet(
        _empty(dtype, batch, frames, 8, height, width),
        _empty(torch.int64, batch),
        _empty(dtype, batch, 1, 1024),
        _empty(dtype, batch, 3),
        return_dict=False,
    )


def _call_wan(transformer: Any, shape: Shape, dtype: torch.dtype) -> None:
    batch, frames, height, width = shape
    config = transformer.config
    images = 2 if config.pos_embed_seq_len else 1
    by_token = config.in_channels == 48
    transformer(
        _empty(dtype, batch, config.in_channels, frames, height, width),
        _empty(torch.int64, batch, frames * height * width // 4) if by_token else _empty(torch.int64, batch),
        _empty(dtype, batch, 512, 4096),
        _empty(dtype, batch * images, 257, 1280) if config.image_dim else None,
        return_dict=False,
    )


def _call_wan_vace(transformer: Any, shape: Shape, dtype: torch.dtype) -> None:
    """A film with the reference that a driven one has before it."""
    batch, frames, height, width = shape
    config, grid = transformer.config, (frames + 1, height, width)
    transformer(
        _empty(dtype, batch, config.in_channels, *grid),
        _empty(torch.int64, batch),
        _empty(dtype, batch, 512, 4096),
        control_hidden_states=_empty(dtype, batch, config.vace_in_channels, *grid),
        control_hidden_states_scale=torch.ones(len(config.vace_layers)),
        return_dict=False,
    )


def _call_ltx(transformer: Any, shape: Shape, dtype: torch.dtype) -> None:
    batch, frames, height, width = shape
    count = frames * height * width
    transformer(
        _empty(dtype, batch, count, 128),
        _empty(dtype, batch, 128, 4096),
        _empty(torch.int64, batch, count),
        _empty(torch.bool, batch, 128),
        video_coords=_empty(torch.float32, batch, 3, count),
        return_dict=False,
    )


def _call_cogvideox(transformer: Any, shape: Shape, dtype: torch.dtype) -> None:
    batch, frames, height, width = shape
    count = frames * height * width // 4
    transformer(
        _empty(dtype, batch, frames, 32, height, width),
        _empty(dtype, batch, 226, 4096),
        _empty(torch.int64, batch),
        image_rotary_emb=(_empty(torch.float32, count, 64), _empty(torch.float32, count, 64)),
        return_dict=False,
    )


class _Refined(torch.nn.Module):
    """Stands for the refiner of the text, whose mask cannot be read on the meta device; its share is below 0.1%."""

    def forward(self, states: Tensor, *_: object) -> Tensor:
        """The text's states in the width of the transformer."""
        return _empty(states.dtype, states.shape[0], states.shape[1], 3072)


def _call_framepack(transformer: Any, shape: Shape, dtype: torch.dtype) -> None:
    """One window of nine latent frames with the history that is packed beside it, whatever the length of the video."""
    batch, _, height, width = shape
    transformer.context_embedder = _Refined()

    def frames(count: int) -> Tensor:
        return _empty(dtype, batch, 16, count, height, width)

    transformer(
        frames(9),
        _empty(torch.int64, batch),
        _empty(dtype, batch, 256, 4096),
        torch.ones(batch, 256, dtype=torch.int64),
        _empty(dtype, batch, 768),
        _empty(dtype, batch, 729, 1152),
        torch.arange(9),
        guidance=_empty(dtype, batch),
        latents_clean=frames(2),
        indices_latents_clean=torch.arange(2),
        latents_history_2x=frames(2),
        indices_latents_history_2x=torch.arange(2),
        latents_history_4x=frames(16),
        indices_latents_history_4x=torch.arange(16),
        return_dict=False,
    )


_CALLS = {
    "i2vgen_xl": _call_i2vgen_xl,
    "svd": _call_svd,
    "wan": _call_wan,
    "wan_vace": _call_wan_vace,
    "ltx": _call_ltx,
    "cogvideox": _call_cogvideox,
    "framepack": _call_framepack,
}
