"""What a run runs on, for its record and for the doctor."""

import os
import platform
import shutil
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from pipeline.paths import PROJECT
from pipeline.records import Environment

PIXEL_PACKAGES = ("numpy", "opencv-contrib-python", "pillow", "pillow_heif", "av", "imageio")
"""Libraries whose version can change pixels of the embedded engine."""

DIFFUSION_PACKAGES = ("torch", "diffusers", "transformers", "accelerate", "bitsandbytes", "peft")
"""Libraries whose version can change pixels of a diffusion engine."""


@cache
def environment() -> Environment:
    """Describe this machine. Read once: it does not change while the program runs."""
    gpu, driver = gpu_name()
    return Environment(
        packages={name: package_version(name) for name in PIXEL_PACKAGES},
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        cpu_count=os.cpu_count() or 0,
        gpu=gpu,
        driver=driver,
        git_commit=_git_commit(),
    )


def diffusion_packages() -> dict[str, str]:
    """Versions of the libraries that diffusion engines are made of."""
    return {name: package_version(name) for name in DIFFUSION_PACKAGES}


@cache
def package_version(name: str) -> str:
    """Version of an installed package; "missing" when it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def gpu_name() -> tuple[str | None, str | None]:
    """Name and driver version of the first NVIDIA GPU, as nvidia-smi says; None where there is none."""
    line = _first_line(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"])
    name, _, driver = (line or "").partition(",")
    return (name.strip() or None), (driver.strip() or None)


def _git_commit() -> str | None:
    return _first_line(["git", "-C", str(PROJECT), "rev-parse", "HEAD"]) if (PROJECT / ".git").exists() else None


def _first_line(command: list[str]) -> str | None:
    """First line that a command prints; None when it is not there, fails, or takes longer than 5 s."""
    program = shutil.which(command[0])
    if program is None:
        return None
    try:
        done = subprocess.run([program, *command[1:]], capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    lines = done.stdout.strip().splitlines()
    return lines[0] if lines else None
