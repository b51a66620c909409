"""How long several runs take one after another, learned from the records of earlier runs on this machine."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from statistics import median

from pipeline.catalogue import model_names
from pipeline.errors import ImageToVideoError, InvalidRecord
from pipeline.lengths import film_length
from pipeline.memory.machine import read_machine
from pipeline.memory.pace import expected_seconds
from pipeline.records import RunStatus, read_record
from pipeline.settings import Settings

ASKED = 9
"""Runs that are looked at, spread over all of them: more would not be quick, and say little else."""

NEWEST = 60
"""Records of the embedded engine's runs that are learned from, by name."""


def expected_total(outputs: Path, wanted: Sequence[Settings]) -> float | None:
    """Seconds that runs with resolved settings take together; None where there was no run like one of them."""
    step = -(-len(wanted) // ASKED)
    looked_at = wanted[::step]
    seconds = [_expected(outputs, settings) for settings in looked_at]
    known = [each for each in seconds if each is not None]
    return sum(known) / len(known) * len(wanted) if known and len(known) == len(seconds) else None


def _expected(outputs: Path, settings: Settings) -> float | None:
    if settings.animate.engine in model_names():
        try:
            return expected_seconds(outputs, settings, read_machine(settings.runtime, outputs).device)
        except ImageToVideoError:  # a device that is not there: the run itself will say so
            return None
    paths = sorted(outputs.glob("video_*.json"), reverse=True)[:NEWEST]
    known = (_pace(path, path.stat().st_mtime_ns) for path in paths if path.exists())
    paces = [each for each in known if each is not None]
    return median(paces) * _pixels(settings) if paces else None


def _pixels(settings: Settings) -> float:
    return float((settings.prepare.width or 0) * (settings.prepare.height or 0) * film_length(settings))


@lru_cache(maxsize=4 * NEWEST)
def _pace(path: Path, modified: int) -> float | None:  # noqa: ARG001 - a record that was written anew is read anew
    """Seconds for each pixel of each frame that a run of the embedded engine took; None for any other record."""
    try:
        record = read_record(path)
    except InvalidRecord:
        return None
    used = record.used
    if record.job != "animate" or record.status is not RunStatus.SUCCEEDED or used is None:
        return None
    if record.model is not None or record.started_at is None or record.finished_at is None:
        return None
    if any(stage.cache_hit for stage in record.stages) or not _pixels(used):
        return None
    return (record.finished_at - record.started_at).total_seconds() / _pixels(used)
