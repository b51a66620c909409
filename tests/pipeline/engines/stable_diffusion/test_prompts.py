from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.catalogue import Precision, get_helper
from pipeline.engines.stable_diffusion.models import Models, load
from pipeline.engines.stable_diffusion.prompts import Embedding, as_arguments, between, encode, turned, unprompted
from pipeline.engines.stable_diffusion.schedule import Words
from pipeline.engines.stable_diffusion.setup import Setup
from pipeline.models.files import ModelFiles
from tests.conftest import TinyModels

SHARES = st.floats(0.0, 1.0)
SEEDS = st.integers(0, 10**6)


def states(seed: int) -> torch.Tensor:
    """Tokens of different lengths, as XL's encoders give them."""
    make = torch.Generator().manual_seed(seed)
    return torch.randn(1, 7, 12, generator=make) * torch.tensor([300.0, 1, 1, 5, 5, 5, 30])[:, None]


def silent(_: str) -> None:
    """For what is said and not looked at."""


@given(SEEDS, SEEDS)
def test_the_way_begins_at_one_and_ends_at_the_other(one: int, other: int) -> None:
    first, second = states(one), states(other)
    assert torch.allclose(turned(first, second, 0.0), first, rtol=1e-5)
    assert torch.allclose(turned(first, second, 1.0), second, rtol=1e-5)


@given(SEEDS, SEEDS, SHARES)
def test_lengths_go_over_evenly_and_are_never_short_in_the_middle(one: int, other: int, share: float) -> None:
    first, second = states(one), states(other)
    expected = torch.lerp(first.norm(dim=-1), second.norm(dim=-1), share)
    assert torch.allclose(turned(first, second, share).norm(dim=-1), expected, rtol=1e-3)


@given(SEEDS, SEEDS, SHARES)
def test_the_way_back_is_the_same_way(one: int, other: int, share: float) -> None:
    there, back = turned(states(one), states(other), share), turned(states(other), states(one), 1.0 - share)
    assert torch.allclose(there, back, rtol=1e-4, atol=1e-4)


@given(SEEDS, SHARES)
def test_what_both_share_stays_as_it_is(seed: int, share: float) -> None:
    assert torch.allclose(turned(states(seed), states(seed), share), states(seed), rtol=1e-6)


@pytest.mark.parametrize("factor", [-1.0, 2.0])
def test_opposite_and_parallel_vectors_are_no_trouble(factor: float) -> None:
    made = turned(states(1), factor * states(1), 0.5)
    assert torch.allclose(made, (1 + factor) / 2 * states(1), rtol=1e-4)


def test_directions_turn_at_an_even_pace() -> None:
    first, second = torch.tensor([[[2.0, 0.0]]]), torch.tensor([[[0.0, 2.0]]])
    made = turned(first, second, 1 / 3)[0, 0]
    assert torch.atan2(made[1], made[0]).item() == pytest.approx(torch.pi / 6, abs=1e-6)


@pytest.fixture(scope="module", params=["sd-1.5", "sdxl"])
def pipe(tiny_models: TinyModels, request: pytest.FixtureRequest) -> Any:
    card = get_helper(request.param)
    models = Models(card, ModelFiles(card, tiny_models(card.name) / card.name))
    return load(models, Setup("cpu", Precision.FLOAT32, 64, 64, 64, guided=True))


def test_embeddings_are_those_of_the_pipeline(pipe: Any) -> None:
    found = encode(pipe, ["a cat", "a dog", "a cat"], silent)
    assert list(found) == ["a cat", "a dog"]
    with torch.no_grad():
        bare = (
            pipe.encode_prompt("a cat", None, "cpu", 1, True, "a dog")
            if found["a cat"].pooled is not None
            else (pipe.encode_prompt("a cat", "cpu", 1, True, "a dog"))
        )
    made = as_arguments(found["a cat"], found["a dog"])
    names = ["prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds"]
    assert set(made) == set(names[: len(bare)])
    assert all(torch.equal(made[name], each) for name, each in zip(names, bare, strict=False))


def test_what_lies_between_has_the_shape_of_both(pipe: Any) -> None:
    found = encode(pipe, ["a cat", "a dog"], silent)
    middle = between(Words("a cat", "a dog", 0.5), found)
    for name in ("states", "pooled"):
        ends, made = [getattr(found[text], name) for text in ("a cat", "a dog")], getattr(middle, name)
        if made is not None:
            assert made.shape == ends[0].shape
            assert not any(torch.allclose(made, end, atol=1e-3) for end in ends)
    assert between(Words("a cat", "a dog", 0.0), found) is found["a cat"]


def test_an_empty_negative_prompt_is_what_the_model_was_trained_with(pipe: Any) -> None:
    found = encode(pipe, ["", "blurry"], silent)
    assert unprompted(pipe, "blurry", found) is found["blurry"]
    empty = unprompted(pipe, "", found)
    assert isinstance(empty, Embedding)
    zeros = bool(getattr(pipe.config, "force_zeros_for_empty_prompt", False))
    assert zeros is (empty.pooled is not None)
    assert (not empty.states.any()) is zeros


def test_a_prompt_that_is_too_long_is_said_to_be_cut(pipe: Any) -> None:
    said: list[str] = []
    short, long = "x" * 75, "x" * 75 + " and a cat"
    found = encode(pipe, [short], said.append)
    assert said == []
    found |= encode(pipe, [long], said.append)
    assert said == ["The model reads 75 tokens of a prompt at most; it does not see 'and a cat'."]
    assert found[long].states.shape == found[short].states.shape
