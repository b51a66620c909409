from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from pipeline.engines.diffusion.forward import compiled, wrapped_forward
from pipeline.engines.diffusion.guidance import two_passes
from pipeline.engines.i2vgen_xl import I2VGenXL
from pipeline.engines.svd import StableVideoDiffusion
from tests.conftest import TinyModels
from tests.networks import untouched
from tests.pipeline.engines.video_runs import load


class LargestTensor(TorchDispatchMode):
    """Finds the largest tensor that is made while it is active, in elements."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor):
            self.elements = max(self.elements, result.numel())
        return result


class Echo(torch.nn.Module):
    """Gives back what it is called with, and remembers the batches."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def forward(self, sample: torch.Tensor, *rest: Any, **named: Any) -> tuple[Any, ...]:
        self.batches.append(len(sample))
        return (sample, *rest, *named.values())


@pytest.fixture(scope="module")
def i2vgen_unet(tiny_models: TinyModels) -> Any:
    return load(I2VGenXL, tiny_models("i2vgen-xl"), "i2vgen-xl", 5).pipe.unet


def i2vgen_inputs(batch: int) -> tuple[tuple[Any, ...], dict[str, Any]]:
    make = torch.Generator().manual_seed(3)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(batch, *shape, generator=make)

    named = {
        "encoder_hidden_states": normal(7, 32),
        "fps": torch.full((batch,), 16),
        "image_latents": normal(4, 5, 8, 8),
        "image_embeddings": normal(1, 32),
        "cross_attention_kwargs": None,
        "return_dict": False,
    }
    return (normal(4, 5, 8, 8), torch.tensor(601)), named


def svd_inputs() -> tuple[tuple[Any, ...], dict[str, Any]]:
    make = torch.Generator().manual_seed(3)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(2, *shape, generator=make, dtype=torch.float64)

    named = {"encoder_hidden_states": normal(1, 32), "added_time_ids": normal(3), "return_dict": False}
    return (normal(5, 8, 8, 8), torch.tensor(1.5)), named


def run(unet: Any, inputs: tuple[tuple[Any, ...], dict[str, Any]]) -> tuple[torch.Tensor, int]:
    with torch.no_grad(), LargestTensor() as largest:
        result: torch.Tensor = unet(*inputs[0], **inputs[1])[0]
    return result, largest.elements


def test_two_passes_of_i2vgen_xl_give_the_same_with_half_the_activations(i2vgen_unet: Any) -> None:
    expected, whole = run(i2vgen_unet, i2vgen_inputs(2))
    with untouched(i2vgen_unet), two_passes(i2vgen_unet):
        actual, half = run(i2vgen_unet, i2vgen_inputs(2))
    assert (actual - expected).abs().max() < 3e-6
    assert half * 2 == whole


def test_two_passes_of_svd_give_the_same_with_half_the_activations(tiny_models: TinyModels) -> None:
    # In float64: rounding to float32 grows to 2e-4 in this network of random weights.
    unet = load(StableVideoDiffusion, tiny_models("svd"), "svd", 5).pipe.unet.double()
    expected, whole = run(unet, svd_inputs())
    with untouched(unet), two_passes(unet):
        actual, half = run(unet, svd_inputs())
    assert (actual - expected).abs().max() < 1e-11
    assert half * 2 == whole


def test_a_batch_of_one_passes_through(i2vgen_unet: Any) -> None:
    expected, _ = run(i2vgen_unet, i2vgen_inputs(1))
    with two_passes(i2vgen_unet):
        actual, _ = run(i2vgen_unet, i2vgen_inputs(1))
    assert torch.equal(actual, expected)


@given(
    batch=st.integers(1, 4),
    shapes=st.lists(st.lists(st.integers(1, 3), max_size=3), max_size=4),
    by_name=st.booleans(),
)
def test_arguments_arrive_whole_and_in_order(batch: int, shapes: list[list[int]], by_name: bool) -> None:
    echo = Echo()
    tensors = [torch.arange(batch * torch.Size(shape).numel()).reshape(batch, *shape) for shape in [[3], *shapes]]
    names = ["sample", *(f"argument_{index}" for index in range(len(shapes)))]
    with two_passes(echo):
        result = echo(**dict(zip(names, tensors, strict=True))) if by_name else echo(*tensors)
    assert echo.batches == ([1, 1] if batch == 2 else [batch])
    assert all(torch.equal(actual, expected) for actual, expected in zip(result, tensors, strict=True))


def test_what_has_no_batch_goes_to_both_passes() -> None:
    seen: list[Any] = []

    class Listening(torch.nn.Module):
        def forward(self, hidden_states: torch.Tensor, **named: Any) -> tuple[torch.Tensor]:
            seen.append((len(hidden_states), named["timestep"], named["rotary"], named["scale"]))
            return (hidden_states,)

    module, step, rotary = Listening(), torch.tensor(5), (torch.zeros(2, 3), torch.zeros(2, 3))
    with two_passes(module):
        module(hidden_states=torch.zeros(2, 4), timestep=step, rotary=rotary, scale=2.0)
    assert seen == [(1, step, rotary, 2.0)] * 2


def test_the_module_is_as_before_after_an_error() -> None:
    echo = Echo()
    with untouched(echo), pytest.raises(RuntimeError, match="no memory"), two_passes(echo):
        raise RuntimeError("no memory")


def test_hooks_of_an_offloaded_model_run_in_every_pass() -> None:
    from accelerate.hooks import ModelHook, add_hook_to_module, remove_hook_from_module

    before: list[int] = []

    class Counting(ModelHook):  # type: ignore[misc]
        def pre_forward(self, _: Any, *args: Any, **kwargs: Any) -> Any:
            before.append(len(args[0]))
            return args, kwargs

    echo = Echo()
    add_hook_to_module(echo, Counting())
    with untouched(echo), two_passes(echo):
        echo(torch.zeros(2, 1))
    assert before == [1, 1]
    remove_hook_from_module(echo)
    echo(torch.zeros(2, 1))
    assert before == [1, 1]


def test_hooks_that_a_pipeline_puts_anew_stay() -> None:
    from accelerate.hooks import ModelHook, add_hook_to_module, remove_hook_from_module

    echo = Echo()
    add_hook_to_module(echo, ModelHook())
    with two_passes(echo):
        remove_hook_from_module(echo)
        add_hook_to_module(echo, ModelHook())
        renewed = echo.forward
    assert echo.forward is renewed
    echo(torch.zeros(2, 1))
    assert echo.batches == [2]


def test_a_compiled_module_gives_the_same_is_undone_and_found_again() -> None:
    class Squashed(torch.nn.Linear):
        def forward(self, sample: torch.Tensor) -> tuple[torch.Tensor]:  # type: ignore[override]
            return (torch.tanh(super().forward(sample)),)

    compilations: list[int] = []

    def backend(graph: Any, _: Any) -> Any:
        compilations.append(1)
        return graph.forward

    module, inputs = Squashed(3, 3), torch.randn(2, 3)
    expected = module(inputs)[0]
    for _ in range(2):
        with untouched(module), compiled(module, backend=backend), two_passes(module):
            assert torch.allclose(module(inputs)[0], expected, atol=1e-6)
    assert compilations == [1]
    assert torch.equal(module(inputs)[0], expected)


def test_wrappers_are_undone_in_order() -> None:
    echo = Echo()
    with untouched(echo), wrapped_forward(echo, lambda inner: lambda x: (*inner(x), "outer")):
        with wrapped_forward(echo, lambda inner: lambda x: (*inner(x), "inner")):
            assert echo(torch.zeros(1))[1:] == ("outer", "inner")
        assert echo(torch.zeros(1))[1:] == ("outer",)
    assert len(echo(torch.zeros(1))) == 1
