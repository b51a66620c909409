import pytest
import torch

from pipeline.engines.diffusion.seeding import seeded


def draw(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    with seeded(seed, "cpu") as generator:
        return torch.randn(4, generator=generator), torch.randn(4)


def test_a_seed_decides_both_sources_of_noise() -> None:
    first, again, other = draw(3), draw(3), draw(4)
    for index in (0, 1):
        assert torch.equal(first[index], again[index])
        assert not torch.equal(first[index], other[index])


def test_nobody_elses_randomness_is_touched() -> None:
    torch.manual_seed(11)
    expected = torch.randn(4)
    torch.manual_seed(11)
    draw(5)
    assert torch.equal(torch.randn(4), expected)


def test_randomness_is_given_back_after_an_error() -> None:
    torch.manual_seed(11)
    before = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="size"), seeded(5, "cpu"):
        torch.randn(4).reshape(3)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_largest_seed_is_taken() -> None:
    assert draw(2**32 - 1)[0].shape == (4,)
