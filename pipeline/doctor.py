"""What this machine has, what is missing, and what to do about it."""

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import psutil

from pipeline.catalogue import all_names, find_card, model_names
from pipeline.environment import gpu_name, package_version
from pipeline.memory.machine import nearest_folder
from pipeline.models.status import model_status
from pipeline.paths import PROJECT
from pipeline.settings import RuntimeSettings

MIN_FREE_GB = 1.0
"""Below this much free disk the doctor warns: a minute of 1080p takes about a tenth of it."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `missing` means that the embedded engine does not work without it."""

    subject: str
    level: Literal["good", "note", "missing"]
    message: str

    def as_dict(self) -> dict[str, str]:
        """The finding as JSON has it."""
        return asdict(self)


def examine(outputs: Path, runtime: RuntimeSettings) -> list[Finding]:
    """Look at everything a run needs. Changes nothing."""
    return [_python(), *_packages(), _encoder(), _gpu(), _memory(), _models(runtime), _folder(outputs), _disk(outputs)]


def report(findings: list[Finding]) -> str:
    """The findings as lines for people, and one line that sums them up."""
    marks = {"good": "ok     ", "note": "note   ", "missing": "MISSING"}
    lines = [f"{marks[finding.level]}  {finding.subject}: {finding.message}" for finding in findings]
    return "\n".join([*lines, verdict(findings)])


def verdict(findings: Sequence[Finding]) -> str:
    """One sentence that sums the findings up."""
    missing = sum(finding.level == "missing" for finding in findings)
    return f"{missing} of these must be mended." if missing else "Everything that the embedded engine needs is here."


def required_packages() -> dict[str, str]:
    """Names and exact versions from requirements.txt."""
    lines = (PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.partition("#")[0].split(";")[0].strip() for line in lines]
    return {name: pinned for name, _, pinned in (pin.partition("==") for pin in pins) if pinned}


def _python() -> Finding:
    return Finding("Python", "good", ".".join(map(str, sys.version_info[:3])))


def _packages() -> list[Finding]:
    required = required_packages()
    installed = {name: package_version(name) for name in required}
    findings = [
        Finding(name, "missing", "not installed: run `bash start_app.sh --setup-only`.")
        for name, found in installed.items()
        if found == "missing"
    ]
    findings += [
        Finding(name, "note", f"{found} is installed, {required[name]} is what was tested.")
        for name, found in installed.items()
        if found not in ("missing", required[name]) and found.partition("+")[0] != required[name]
    ]
    return findings or [Finding("packages", "good", f"all {len(required)} of requirements.txt, in the tested versions")]


def _encoder() -> Finding:
    try:
        import av

        av.codec.Codec("libx264", "w")
    except ImportError:
        return Finding("video encoder", "missing", "PyAV is not installed: run `bash start_app.sh --setup-only`.")
    except ValueError:
        return Finding("video encoder", "missing", "this build of PyAV has no libx264: reinstall it with pip.")
    return Finding("video encoder", "good", "H.264 through libx264")


def _gpu() -> Finding:
    name, driver = gpu_name()
    if not name:
        message = "no NVIDIA GPU: the embedded engine needs none, and models run on the processor, slowly."
        return Finding("GPU", "note", message)
    if "+cpu" in package_version("torch"):
        build = "https://pytorch.org/get-started/locally"
        return Finding("GPU", "note", f"{name}, but the PyTorch here is the build without GPU: see {build}.")
    return Finding("GPU", "good", f"{name}, driver {driver}")


def _models(runtime: RuntimeSettings) -> Finding:
    """Which models are ready, and which were not downloaded to the end."""
    found = [model_status(find_card(name), runtime) for name in all_names()]
    ready = [status.name for status in found if status.state == "ready"]
    partial = [status.name for status in found if status.state == "partial"]
    if partial:
        again = f"`python -m pipeline models download {partial[0]}`"
        return Finding("models", "note", f"not downloaded to the end: {', '.join(partial)}; {again} goes on.")
    if not ready:
        return Finding(
            "models", "note", "none yet, and the embedded engine needs none: `python -m pipeline models list`."
        )
    tested = next((name for name in ready if name in model_names()), None)
    hint = f"; `doctor --engine {tested}` tests one" if tested else ""
    return Finding("models", "good", f"{', '.join(ready)}{hint}")


def _memory() -> Finding:
    memory = psutil.virtual_memory()
    return Finding(
        "memory", "good", f"{memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB free, {os.cpu_count()} cores"
    )


def _folder(outputs: Path) -> Finding:
    nearest = nearest_folder(outputs)
    if nearest.is_dir() and os.access(nearest, os.W_OK):
        return Finding("outputs", "good", f"{outputs} can be written")
    return Finding("outputs", "missing", f"{outputs} cannot be written: choose another folder with --outputs.")


def _disk(outputs: Path) -> Finding:
    free = shutil.disk_usage(nearest_folder(outputs)).free / 1e9
    if free >= MIN_FREE_GB:
        return Finding("disk", "good", f"{free:.1f} GB free for outputs")
    return Finding("disk", "note", f"only {free:.2f} GB free for outputs: delete old videos or choose another folder.")
