"""Painted key frames on disk, by all that decides them: what was painted once is found again."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipeline.engines.stable_diffusion.models import Models
from pipeline.engines.stable_diffusion.painter import Order
from pipeline.engines.stable_diffusion.schedule import total_steps
from pipeline.engines.stable_diffusion.setup import Setup
from pipeline.environment import diffusion_packages, package_version
from pipeline.frames import Frame, PictureKey
from pipeline.models.identity import digest, identity
from pipeline.paths import written_whole
from pipeline.transition_settings import KeyframesSettings

FOLDER = "keyframes"
"""Folder below the outputs."""

VERSION = 1
"""Of how key frames are painted: raised when the same request gives another picture."""

PIXEL_PACKAGES = ("numpy", "opencv-contrib-python", "pillow")
"""Libraries that change pixels beside those of diffusion."""


class Gallery:
    """The painted key frames of all runs, below one outputs folder."""

    def __init__(self, outputs: Path) -> None:
        self._outputs = outputs

    def file(self, key: str) -> str:
        """Where the frame of a key lies or would lie, relative to the outputs folder."""
        return f"{FOLDER}/{key}.png"

    def has(self, key: str) -> bool:
        """Whether there is a frame of a key, without a look at it."""
        return (self._outputs / self.file(key)).is_file()

    def find(self, key: str, width: int, height: int) -> Frame | None:
        """The frame of a key; None where there is none that is whole and has this size."""
        try:
            with Image.open(self._outputs / self.file(key)) as image:
                frame = np.array(image)
        except (OSError, SyntaxError, ValueError):  # Pillow's errors for files that are missing, cut off or altered
            return None
        return frame if frame.shape == (height, width, 3) and frame.dtype == np.uint8 else None

    def keep(self, key: str, frame: Frame) -> None:
        """Write a frame as PNG: readers find all of it or none. Raises OSError."""
        path = self._outputs / self.file(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as partial:
            Image.fromarray(frame).save(partial, format="PNG")


def shared_part(models: Models, asked: KeyframesSettings) -> dict[str, Any]:
    """What decides all key frames of a run: weights, libraries and settings. Reads the LoRA file."""
    included = {"guidance_scale", "negative_prompt", "scheduler"}
    shown = {} if models.adapter is None else {"adapter": models.adapter.decides}
    return {
        **shown,
        "version": VERSION,
        "model": identity(models.files),
        "control": None if models.control_files is None else [identity(models.control_files), asked.control_scale],
        "lora": None if asked.lora is None else [digest(asked.lora), asked.lora_scale],
        "packages": {**diffusion_packages(), **{name: package_version(name) for name in PIXEL_PACKAGES}},
        "settings": asked.model_dump(mode="json", include=included),
    }


def key_of(order: Order, morph: PictureKey, asked: KeyframesSettings, setup: Setup, shared: Mapping[str, Any]) -> str:
    """The digest of all that decides a key frame's pixels. `morph` is `pixel_digest` of what it is painted over.

    Of the prompts only those that it lies between: others may change. Where weights wait, and in how many passes and
    tiles the networks work, is left out, for it changes no pixel or less than can be seen.
    """
    words = order.words
    decides = {
        **shared,
        "size": [setup.width, setup.height],
        "precision": setup.precision,
        "quantization": setup.quantization,
        "strength": order.strength,
        "steps": total_steps(order.strength, asked.num_inference_steps),
        "words": [words.first, words.second, words.share] if words.share else [words.first],
        "seed": order.seed,
        "morph": morph,
    }
    text = json.dumps(decides, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
