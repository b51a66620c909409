"""Latents and frames on disk."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.engines.diffusion.store import load_latents, save_latents, store_frames
from tests.disks import small_disk


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_latents_come_back_as_they_were(tmp_path: Path, dtype: torch.dtype) -> None:
    latents = {"latents": torch.randn(1, 4, 3, 8, 8).to(dtype).transpose(1, 2), "section_1": torch.zeros(2)}
    save_latents(latents, tmp_path / "latents.safetensors")
    back = load_latents(tmp_path / "latents.safetensors")
    assert back.keys() == latents.keys()
    assert all(torch.equal(back[name], latents[name]) for name in latents)


@given(count=st.integers(1, 5), width=st.integers(1, 40), height=st.integers(1, 40))
def test_frames_come_back_as_they_were_any_number_of_times(
    tmp_path_factory: pytest.TempPathFactory, count: int, width: int, height: int
) -> None:
    frames = np.random.default_rng(count).integers(0, 256, (count, height, width, 3), np.uint8)
    told: list[int] = []
    stored = store_frames(iter(frames), tmp_path_factory.mktemp("frames") / "frames.rgb", told.append)
    assert (stored.count, stored.width, stored.height) == (count, width, height)
    assert told == list(range(1, count + 1))
    for _ in range(2):
        assert np.array_equal(np.stack(list(stored)), frames)


def test_a_full_disk_is_an_error_and_no_signal(tmp_path: Path) -> None:
    with small_disk(tmp_path, 1024) as disk, pytest.raises(OSError, match="No space"):
        store_frames((np.zeros((512, 512, 3), np.uint8) for _ in range(8)), disk / "frames.rgb", lambda _: None)
