"""A repository as the hub has them: what a model needs of it, and much that it does not need."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from pipeline.catalogue import ModelCard, Part, get_card
from pipeline.settings import RuntimeSettings

REPOSITORY = "ali-vilab/i2vgen-xl"
"""The name that the card of I2VGen-XL has for it."""

UNET = "unet/diffusion_pytorch_model.fp16.safetensors"
TEXT = "text_encoder/model.safetensors"
NEEDED = {
    "model_index.json",
    "scheduler/scheduler_config.json",
    "tokenizer/merges.txt",
    "tokenizer/vocab.json",
    "text_encoder/config.json",
    TEXT,
    "unet/config.json",
    UNET,
}
LARGE = 3_000_000
"""Bytes of data in the file of the unet."""


def card(**changes: object) -> ModelCard:
    """The card of that repository, with changes."""
    return get_card("i2vgen-xl").model_copy(update={"download_bytes": LARGE + 100_000, **changes})


def runtime(folder: Path | None, **changes: object) -> RuntimeSettings:
    """Settings with a folder of models, or with the shared cache."""
    return RuntimeSettings.model_validate({"models_dir": folder, **changes})


def weights(path: Path, size: int = 4_000) -> None:
    """A real safetensors file of random bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"weight": np.random.default_rng(size).integers(0, 255, size, dtype=np.uint8)}, str(path))


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def repository(folder: Path) -> Path:
    """Write the whole repository to a folder: the unet in both precisions, the text encoder in one."""
    index = {
        "_class_name": "I2VGenXLPipeline",
        "_diffusers_version": "0.26.0",
        "scheduler": ["diffusers", "DDIMScheduler"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "unet": ["diffusers", "I2VGenXLUNet"],
        "safety_checker": [None, None],
        "boundary_ratio": 0.9,
    }
    write(folder / "model_index.json", index)
    write(folder / "scheduler/scheduler_config.json", {"_class_name": "DDIMScheduler"})
    write(folder / "tokenizer/vocab.json", {"a": 0})
    write(folder / "tokenizer/merges.txt", "#version: 0.2\n")
    for component in ("text_encoder", "unet"):
        write(folder / component / "config.json", {"name": component})
    weights(folder / TEXT, 50_000)
    weights(folder / UNET, LARGE)
    weights(folder / "unet/diffusion_pytorch_model.safetensors", 2 * LARGE)
    weights(folder / "whole_model.safetensors", 5_000)
    weights(folder / "doc/model.safetensors", 5_000)
    for name in ("unet/diffusion_pytorch_model.fp16.bin", "text_encoder/pytorch_model.bin", "old.ckpt", "model.pt"):
        (folder / name).write_bytes(b"pickle" * 100)
    write(folder / "unet/unet.py", "raise SystemExit")
    write(folder / "README.md", "# Small")
    (folder / "demo.mp4").write_bytes(b"video" * 100)
    return folder


def part() -> Part:
    """A component from a repository of its own, at its top."""
    return Part(component="unet", repository="someone/other-unet", download_bytes=LARGE, licence="MIT")
