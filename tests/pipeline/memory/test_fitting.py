"""Where a helper of the transition has room."""

import pytest

from pipeline.catalogue import HelperCard, Precision, Role, get_helper, helper_names
from pipeline.memory import fitting as fitting_module
from pipeline.memory.fitting import fitting, setups
from pipeline.memory.machine import Machine
from pipeline.settings import RuntimeSettings

GB = 10**9


@pytest.fixture(autouse=True)
def nothing_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process holds already would count as free."""

    def room(device: str, machine: Machine, _: RuntimeSettings) -> tuple[int, int]:
        return (machine.gpu_free if device == "cuda" else 0), machine.ram_available

    monkeypatch.setattr(fitting_module, "room", room)


def machine(gpu: float, ram: float) -> Machine:
    """A machine with this many GB free."""
    return Machine("cuda" if gpu else "cpu", int(gpu * GB), int(gpu * GB), int(ram * GB), int(ram * GB), 10**12)


@pytest.fixture
def card() -> HelperCard:
    return get_helper("florence-2-large")


def where(card: HelperCard, gpu: float, ram: float) -> list[str]:
    return [setup.where for setup in fitting(card, machine(gpu, ram), RuntimeSettings())]


def test_the_gpu_comes_first_then_full_and_half_precision_on_the_processor(card: HelperCard) -> None:
    assert [(each.device, each.precision) for each in setups(card, "cuda")] == [
        ("cuda", card.precision),
        ("cpu", Precision.FLOAT32),
        ("cpu", Precision.BFLOAT16),
    ]
    assert [each.where for each in setups(card, "cpu")] == ["on the processor", "on the processor in half precision"]


@pytest.mark.parametrize("name", [name for role in Role for name in helper_names(role)])
def test_each_holds_at_least_the_weights(name: str) -> None:
    card = get_helper(name)
    gpu, full, half = setups(card, "cuda", 512 * 512)
    assert gpu.gpu_bytes > 2 * card.parameters
    assert full.ram_bytes > 4 * card.parameters
    assert full.ram_bytes > half.ram_bytes > 2 * card.parameters
    assert full.gpu_bytes == half.gpu_bytes == 0


def test_only_ways_with_room_are_offered(card: HelperCard) -> None:
    assert where(card, 24, 32) == ["on the GPU", "on the processor", "on the processor in half precision"]
    assert where(card, 2, 32) == ["on the processor", "on the processor in half precision"]
    assert where(card, 0, 32) == ["on the processor", "on the processor in half precision"]
    assert where(card, 0, 4) == ["on the processor in half precision"]
    assert where(card, 0, 1) == []


def test_a_larger_picture_needs_more_where_the_card_counts_it() -> None:
    card = get_helper("sd-1.5")
    small, large = (setups(card, "cpu", pixels)[0].ram_bytes for pixels in (256 * 256, 1024 * 1024))
    assert large >= small
