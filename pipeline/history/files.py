"""Which files belong to a run. A name that comes from outside, or from a record, never leads out of the outputs."""

import re
from pathlib import Path

from pipeline.errors import InvalidInput

_RUN_ID = re.compile(r"video_[0-9A-Za-z_-]{1,100}")


def is_run_id(name: str) -> bool:
    """Whether a name may be a run's."""
    return _RUN_ID.fullmatch(name) is not None


def checked(run_id: str) -> str:
    """A run's id as it was given. Raises InvalidInput when it is none."""
    if not is_run_id(run_id):
        raise InvalidInput(f"{run_id[:80]!r} is not the name of a run: such a name reads video_20260131_235959.")
    return run_id


def files_of(outputs: Path, run_id: str) -> list[Path]:
    """Video, candidates, pictures and record of a run that are there, in order, the record last.

    Names of another run of the same second go on with a digit (video_20260131_235959_2), those of a run's own files
    with a letter (video_20260131_235959_candidate_1.mp4).
    """
    own = re.compile(re.escape(checked(run_id)) + r"(?!.*\.json$)(\.|_[a-z]).*")
    record = outputs / f"{run_id}.json"
    found = sorted(path for path in outputs.glob(f"{run_id}*") if own.fullmatch(path.name) and path.is_file())
    return [*found, record] if record.is_file() else found


def below(outputs: Path, relative: str | None) -> Path | None:
    """The file of a relative path that a record names; None where it is not there or not below the outputs."""
    if not relative:
        return None
    try:
        path = (outputs / relative).resolve()
        return path if path.is_relative_to(outputs.resolve()) and path.is_file() else None
    except (OSError, ValueError):  # a name that is too long, a NUL
        return None
