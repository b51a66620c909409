"""What is loaded at start, and what on first use. import-linter sees only who imports whom, not when."""

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent

DIFFUSION = {"torch", "diffusers", "transformers", "accelerate", "bitsandbytes"}


def loaded_by(module: str) -> set[str]:
    """Names of the top-level packages that importing a module loads, in a fresh interpreter."""
    script = f"import {module}, sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("module", "kept_out"),
    [
        ("pipeline.__main__", DIFFUSION | {"gradio", "cv2", "av", "PIL", "numpy"}),
        ("pipeline.run", DIFFUSION | {"gradio"}),
        ("app.launch", DIFFUSION | {"gradio", "cv2", "av", "PIL", "numpy"}),
        ("app.ui", DIFFUSION | {"cv2", "av"}),
    ],
)
def test_heavy_packages_wait_for_their_first_use(module: str, kept_out: set[str]) -> None:
    assert loaded_by(module) & kept_out == set()
