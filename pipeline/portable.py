"""What of a run travels with its video, as text in the file's comment: enough to make the video again elsewhere.

It holds what decides the video and nothing else: no names or paths of files, no dates, nothing of the machine. So the
same settings and inputs give the same file, bit for bit, and a video that is passed on tells no more than how it was
made.
"""

import json
from pathlib import Path, PureWindowsPath
from typing import Any

from pydantic import BaseModel

from pipeline.options import options, with_value
from pipeline.records import SCHEMA_VERSION, InputRole, RunRecord
from pipeline.settings import RuntimeSettings, Settings

PROGRAM = "Image-to-Video"
VERSION = "0.1.0"
"""Of the program, as in pyproject.toml."""


class PortableInput(BaseModel):
    """An input by its content; `sha256` is the digest of the file."""

    role: InputRole
    sha256: str | None


class PortableModel(BaseModel):
    """The weights that made the frames."""

    name: str
    repository: str
    revision: str | None


class PortableRun(BaseModel):
    """What a video says of how it was made. `settings` are those that `portable` leaves, nested by section."""

    program: str = PROGRAM
    program_version: str = VERSION
    schema_version: int = SCHEMA_VERSION
    job: str
    settings: dict[str, Any]
    inputs: list[PortableInput]
    model: PortableModel | None


def portable_text(record: RunRecord, seed: int | None = None) -> str:
    """The text that the video of a run carries: JSON in ASCII, the same for the same settings and inputs.

    `seed` is that of a candidate: by itself, it is the best of one. Raises ValueError when the settings of the run are
    not resolved yet.
    """
    settings = record.used
    if settings is None:
        raise ValueError("the settings are not resolved yet")
    if seed is not None:
        settings = with_value(with_value(settings, "seed", seed), "animate.candidates", 1)
    model = record.model
    run = PortableRun(
        job=record.job,
        settings=portable(settings).model_dump(mode="json", exclude={"runtime"}),
        inputs=[PortableInput(role=each.role, sha256=each.sha256) for each in record.inputs],
        model=PortableModel(name=model.name, repository=model.repository, revision=model.revision) if model else None,
    )
    return json.dumps(run.model_dump(mode="json"), separators=(",", ":"), allow_nan=False)


def portable(settings: Settings) -> Settings:
    """Settings without what belongs to one machine: its files, and all of `runtime`.

    Weights of an upscaler keep their file's name, by which they are found in the models folder.
    """
    for option in options():
        if option.kind is Path:
            settings = with_value(settings, option.name, () if option.many else None)
    weights = PureWindowsPath(settings.enhance.model).name  # it knows slashes of both kinds
    return with_value(settings, "enhance.model", weights).model_copy(update={"runtime": RuntimeSettings()})
