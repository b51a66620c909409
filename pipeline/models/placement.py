"""Puts a pipeline's weights where the settings want them: on the device, or waiting in main memory until needed."""

from collections.abc import Iterator
from typing import Any

from pipeline.choices import Offload, Quantization
from pipeline.heap import empty_gpu_cache
from pipeline.settings import Settings

DENOISERS = ("unet", "transformer", "transformer_2")
"""Components that are called at every step: most of the weights, and those that float8 is for."""

_GROUP_HOOKS = ("group_offloading", "layer_execution_tracker", "lazy_prefetch_group_offloading")
"""Names under which diffusers registers the hooks of group offload; its own `remove_all_hooks` leaves them."""


def place(pipe: Any, settings: Settings, device: str) -> None:
    """Place a loaded pipeline on "cuda" or "cpu" as `runtime.offload` and `animate.quantization` say; see `put`."""
    put(pipe, device, settings.runtime.offload, settings.animate.quantization)


def put(pipe: Any, device: str, offload: Offload, quantization: Quantization) -> None:
    """Put a loaded pipeline on "cuda" or "cpu".

    What was placed before is undone first. float8 keeps the denoiser's weights in 8 bits and computes in the precision
    they were loaded in; it cannot be undone, so a pipeline that is wanted without it must be loaded again. On "cpu"
    everything is in main memory as it is, and offload has nothing to do.
    """
    unplace(pipe)
    if quantization is Quantization.FLOAT8:
        _store_as_float8(pipe)
    if device == "cpu":
        return
    if offload is Offload.MODEL:
        pipe.enable_model_cpu_offload(device=device)
    elif offload is Offload.GROUP:
        _offload_by_layer(pipe, device)
    else:
        pipe.to(device)


def unplace(pipe: Any) -> None:
    """Take all hooks of offload off a pipeline and bring its weights back to main memory."""
    from diffusers.hooks.hooks import HookRegistry

    pipe.remove_all_hooks()
    for component in _networks(pipe):
        registry = HookRegistry.check_if_exists_or_initialize(component)
        for name in _GROUP_HOOKS:
            registry.remove_hook(name, recurse=True)
    pipe.to("cpu", silence_dtype_warnings=True)
    empty_gpu_cache()


def _networks(pipe: Any) -> Iterator[Any]:
    import torch

    return (each for each in pipe.components.values() if isinstance(each, torch.nn.Module))


def _store_as_float8(pipe: Any) -> None:
    import torch

    for name in DENOISERS:
        denoiser = pipe.components.get(name)
        if denoiser is not None and not _is_float8(denoiser):
            denoiser.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=denoiser.dtype)


def _is_float8(network: Any) -> bool:
    import torch

    return any(weights.dtype is torch.float8_e4m3fn for weights in network.parameters())


def _offload_by_layer(pipe: Any, device: str) -> None:
    """Keep single layers on the device, each only while it works.

    The denoiser runs through its layers in the same order at every step, so a stream fetches the next one meanwhile;
    the others are called a few times only. Weights are pinned as they are fetched: pinned beforehand they would take
    up to twice their size in main memory, because that allocator rounds up to powers of two.
    """
    import torch
    from diffusers.hooks.group_offloading import apply_group_offloading

    has_streams = torch.device(device).type == "cuda"
    denoisers = [pipe.components.get(name) for name in DENOISERS]
    for component in _networks(pipe):
        streamed = has_streams and any(component is each for each in denoisers)
        apply_group_offloading(
            component,
            onload_device=device,
            offload_type="leaf_level",
            use_stream=streamed,
            low_cpu_mem_usage=streamed,
        )
