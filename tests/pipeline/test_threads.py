"""Libraries compute with as many threads as the user says, for as long as a run lasts."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest
import torch

from pipeline.catalogue import get_helper
from pipeline.engines.held import work_held
from pipeline.memory.fitting import Wish
from pipeline.memory.limit import within_limits
from pipeline.memory.machine import read_machine
from pipeline.models.resident import RESIDENT
from pipeline.paths import PROJECT
from pipeline.settings import RuntimeSettings
from pipeline.threads import limited_threads
from tests.conftest import TinyModels


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    """Begin with a number that none of the tests asks for."""
    before = cv2.getNumThreads(), torch.get_num_threads()
    cv2.setNumThreads(2)
    torch.set_num_threads(2)
    yield
    cv2.setNumThreads(before[0])
    torch.set_num_threads(before[1])


def numbers() -> tuple[int, int]:
    return cv2.getNumThreads(), torch.get_num_threads()


def test_both_libraries_take_the_number_and_give_it_back() -> None:
    with limited_threads(3):
        assert numbers() == (3, 3)
        with limited_threads(1):
            assert numbers() == (1, 1)
        assert numbers() == (3, 3)
    assert numbers() == (2, 2)


def test_an_error_gives_it_back_as_well() -> None:
    with pytest.raises(KeyError), limited_threads(3):
        raise KeyError
    assert numbers() == (2, 2)


def test_0_leaves_it_to_them() -> None:
    with limited_threads(0):
        assert numbers() == (2, 2)


def test_threads_that_begin_meanwhile_take_the_number_too() -> None:
    found: list[tuple[int, int]] = []
    with limited_threads(3):
        worker = threading.Thread(target=lambda: found.append(numbers()))
        worker.start()
        worker.join()
    assert found == [(3, 3)]


def test_nothing_is_loaded_for_it() -> None:
    script = (
        "import sys; from pipeline.threads import limited_threads\n"
        "with limited_threads(3): print({'cv2', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_networks_work_with_the_number_that_the_settings_name(tiny_models: TinyModels) -> None:
    runtime = RuntimeSettings(threads=3)
    with within_limits(read_machine(runtime, Path()), runtime):
        assert numbers() == (3, 3)
    name, found = "florence-2-base", []
    here = runtime.model_copy(update={"models_dir": tiny_models(name)})

    def load(*_: Any) -> str:
        found.append(numbers())
        return "model"

    work_held(get_helper(name), Wish(), here, load, lambda _: found.append(numbers()), lambda _: None)
    RESIDENT.release()
    assert found == [(3, 3), (3, 3)]
    assert numbers() == (2, 2)
