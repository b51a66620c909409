"""One model in memory at a time."""

import multiprocessing
import weakref
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from pipeline.models.resident import Resident
from tests.conftest import TinyModels

MB = 1_000_000


def resident_bytes() -> int:
    return int(psutil.Process().memory_info().rss)


def test_the_same_model_is_loaded_once() -> None:
    resident, loads = Resident(), []

    def load() -> object:
        loads.append(1)
        return object()

    first = resident.acquire(("svd", "float16"), load)
    assert resident.acquire(("svd", "float16"), load) is first
    assert resident.acquire(("svd", "float32"), load) is not first
    assert len(loads) == 2


def test_the_model_in_memory_is_named() -> None:
    resident = Resident()
    names = [resident.name]
    for key in (("svd", 1), "ltx-video"):
        resident.acquire(key, object)
        names.append(resident.name)
    resident.release()
    names.append(resident.name)
    assert names == [None, "svd", "ltx-video", None]


def test_a_model_that_cannot_be_loaded_leaves_none() -> None:
    resident = Resident()
    resident.acquire("svd", object)

    def fail() -> object:
        raise OSError("no such file")

    with pytest.raises(OSError, match="no such file"):
        resident.acquire("i2vgen-xl", fail)
    assert resident.name is None


def load_pipeline(folder: Path, name: str) -> Any:
    from diffusers import DiffusionPipeline

    return DiffusionPipeline.from_pretrained(folder / name, local_files_only=True)


def test_switching_frees_every_network_of_the_old_model_before_the_new_one_is_loaded(tiny_models: TinyModels) -> None:
    resident = Resident()
    pipe = resident.acquire("svd", lambda: load_pipeline(tiny_models("svd"), "svd"))
    weights = [weakref.ref(each) for part in (pipe.unet, pipe.vae, pipe.image_encoder) for each in part.parameters()]
    assert len(weights) > 100
    del pipe
    alive: list[int] = []

    def load() -> Any:
        alive.append(sum(each() is not None for each in weights))
        return load_pipeline(tiny_models("i2vgen-xl"), "i2vgen-xl")

    resident.acquire("i2vgen-xl", load)
    assert alive == [0]


def test_switching_gives_the_memory_of_the_old_model_back_to_the_system() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as alone:  # other tests leave free memory, which would be used
        base, *rest = alone.apply(memory_while_models_change)
    one = 300 * MB
    assert all(full > base + 0.9 * one for full in rest[0::2][:3])
    assert all(empty < base + 0.1 * one for empty in rest[1::2])


def memory_while_models_change() -> list[int]:
    """What the process occupies in bytes before each of three models, of 300 MB, and with it; at last without any."""
    resident, seen = Resident(), []

    def load() -> dict[str, Any]:
        seen.append(resident_bytes())
        # Networks refer to themselves in circles, which only the garbage collector takes apart; small blocks are those
        # that the C library keeps.
        model: dict[str, Any] = {"large": [torch.ones(25 * MB) for _ in range(2)]}
        model["small"] = [torch.ones(5000) for _ in range(5000)]
        model["itself"] = model
        return model

    for name in ("svd", "i2vgen-xl", "wan"):
        resident.acquire(name, load)
        seen.append(resident_bytes())
    resident.release()
    seen.append(resident_bytes())
    return seen
