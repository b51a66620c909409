"""The ways to hold a helper, and what each needs."""

import pytest

from pipeline.catalogue import HelperCard, Precision, Role, get_helper, helper_names
from pipeline.choices import Quantization
from pipeline.memory import fitting
from pipeline.memory.fitting import Setup, Wish, has_room, setups
from pipeline.memory.machine import Machine
from pipeline.settings import RuntimeSettings

GB = 10**9

LINEAR = {"phi-4": 13_631_488_000, "phi-4-mini": 3_221_225_472, "florence-2-base": 99_680_256}
"""Parameters of the linear layers, from the published configurations."""

AS_IT_FITS = Wish()

SMALL = (Quantization.INT8, Quantization.NF4)


def machine(gpu: float, ram: float) -> Machine:
    """A machine with this many GB free."""
    return Machine("cuda" if gpu else "cpu", int(gpu * GB), int(gpu * GB), int(ram * GB), int(ram * GB), 10**12)


@pytest.fixture
def card() -> HelperCard:
    return get_helper("florence-2-large")


def published(name: str, device: str, wish: Wish = AS_IT_FITS) -> tuple[Setup, ...]:
    """The ways to hold a model that is as published."""
    return setups(get_helper(name), device, linear=LINEAR[name], wish=wish)


def kinds(found: tuple[Setup, ...]) -> list[tuple[str, Precision, Quantization]]:
    return [(each.device, each.precision, each.quantization) for each in found]


def test_the_gpu_comes_first_then_full_and_half_precision_on_the_processor(card: HelperCard) -> None:
    assert kinds(setups(card, "cuda")) == [
        ("cuda", card.precision, Quantization.NONE),
        ("cpu", Precision.FLOAT32, Quantization.NONE),
        ("cpu", Precision.BFLOAT16, Quantization.NONE),
    ]
    assert [each.where for each in setups(card, "cpu")] == ["on the processor", "on the processor in half precision"]


def test_where_layers_can_be_quantized_small_weights_come_after_whole_ones_on_each_device() -> None:
    assert kinds(published("florence-2-base", "cuda")) == [
        ("cuda", Precision.FLOAT16, Quantization.NONE),
        ("cuda", Precision.FLOAT16, Quantization.INT8),
        ("cuda", Precision.FLOAT16, Quantization.NF4),
        ("cpu", Precision.FLOAT32, Quantization.NONE),
        ("cpu", Precision.BFLOAT16, Quantization.NONE),
        ("cpu", Precision.BFLOAT16, Quantization.INT8),
        ("cpu", Precision.BFLOAT16, Quantization.NF4),
    ]
    assert [each.where for each in published("phi-4-mini", "cpu")] == [
        "on the processor",
        "on the processor in half precision",
        "on the processor with INT8 weights",
        "on the processor with NF4 weights",
    ]


@pytest.mark.parametrize("quantization", SMALL)
def test_a_quantization_that_is_asked_for_is_all_there_is(card: HelperCard, quantization: Quantization) -> None:
    wish = Wish(quantization)
    expected = [("cuda", quantization), ("cpu", quantization)]
    assert [(each.device, each.quantization) for each in published("phi-4", "cuda", wish)] == expected
    assert [(each.device, each.quantization) for each in setups(card, "cuda", wish=wish)] == expected


def test_half_precision_that_is_asked_for_comes_first_on_the_processor() -> None:
    whole, half = published("phi-4", "cuda"), published("phi-4", "cuda", Wish(half_precision=True))
    assert half == tuple(each for each in whole if each.precision is not Precision.FLOAT32)
    both = Wish(Quantization.INT8, half_precision=True)
    assert published("phi-4", "cpu", both) == published("phi-4", "cpu", Wish(Quantization.INT8))


@pytest.mark.parametrize("name", [name for role in Role for name in helper_names(role)])
def test_each_holds_at_least_the_weights(name: str) -> None:
    card = get_helper(name)
    gpu, full, half = setups(card, "cuda", 512 * 512)
    assert gpu.gpu_bytes > 2 * card.parameters
    assert full.ram_bytes > 4 * card.parameters
    assert full.ram_bytes > half.ram_bytes > 2 * card.parameters
    assert full.gpu_bytes == half.gpu_bytes == 0


@pytest.mark.parametrize("name", LINEAR)
def test_every_way_on_a_device_needs_less_than_the_one_before_it(name: str) -> None:
    found = published(name, "cuda")
    on_gpu = [each.gpu_bytes for each in found if each.device == "cuda"]
    in_main = [each.ram_bytes for each in found if each.device == "cpu"]
    assert on_gpu == sorted(on_gpu, reverse=True)
    assert in_main == sorted(in_main, reverse=True)


@pytest.mark.parametrize(("name", "whole", "nf4"), [("phi-4", 40, 12), ("phi-4-mini", 12, 6)])
def test_the_cards_of_the_summaries_are_large_enough(name: str, whole: float, nf4: float) -> None:
    by_weights = {each.quantization: each.gpu_bytes for each in published(name, "cuda") if each.device == "cuda"}
    assert by_weights[Quantization.NONE] < 0.97 * whole * 1024**3
    assert by_weights[Quantization.NF4] < 0.97 * nf4 * 1024**3
    assert f"{whole} GB" in get_helper(name).summary
    assert f"{nf4} GB" in get_helper(name).summary


@pytest.mark.parametrize(("gpu", "ram", "expected"), [(24, 32, 3), (2, 32, 2), (0, 32, 2), (0, 4, 1), (0, 1, 0)])
def test_there_is_room_where_there_is_enough_of_both_memories(
    card: HelperCard, monkeypatch: pytest.MonkeyPatch, gpu: float, ram: float, expected: int
) -> None:
    def room(device: str, machine: Machine, _: RuntimeSettings) -> tuple[int, int]:
        """What this process holds already would count as free."""
        return (machine.gpu_free if device == "cuda" else 0), machine.ram_available

    monkeypatch.setattr(fitting, "room", room)
    here = machine(gpu, ram)
    found = [each for each in setups(card, here.device) if has_room(each, here, RuntimeSettings())]
    assert len(found) == expected
    assert found == list(setups(card, here.device))[len(setups(card, here.device)) - expected :]


def test_a_larger_picture_needs_more_where_the_card_counts_it() -> None:
    card = get_helper("sd-1.5")
    small, large = (setups(card, "cpu", pixels)[0].ram_bytes for pixels in (256 * 256, 1024 * 1024))
    assert large >= small
