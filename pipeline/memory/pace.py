"""How long a diffusion run takes, learned from the records of earlier runs on this machine."""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

from pipeline.catalogue import Phase, get_card, model_names
from pipeline.errors import InvalidRecord
from pipeline.memory.forecast import Work
from pipeline.records import PhaseRecord, RunRecord, RunStatus, read_record
from pipeline.settings import Settings

NEWEST = 200
"""Records that are looked at, by name: more would not be quick, and say little of this machine as it is now."""

ALIKE = 10
"""Runs that are learned from."""

FADING = 0.7
"""How much less each older run counts than the one after it."""

_BEFORE_SAMPLING = ("load", "place", "condition")
"""Phases, as records name them, that take the same time whatever the length of the video."""


@dataclass(frozen=True)
class _Run:
    """What one run has shown. Seconds of sampling and decoding are those of a candidate, for each unit of work."""

    kind: tuple[str, ...]
    work: float
    before: float
    sampling: float
    decoding: float


def expected_seconds(outputs: Path | None, settings: Settings, device: str) -> float | None:
    """Seconds that a run with resolved settings takes on "cuda" or "cpu", from loading to the last decoded frame.

    Earlier runs of the same model, device, precision and placement are scaled by steps, latent positions and passes
    of guidance; the newest and those nearest in size count most. None where there was no such run.
    """
    if outputs is None or settings.animate.engine not in model_names():
        return None
    wanted = _kind(settings, device)
    paths = sorted(outputs.glob("video_*.json"), reverse=True)[:NEWEST]
    known = (_learned(path, path.stat().st_mtime_ns) for path in paths if path.exists())
    alike = list(islice((run for run in known if run is not None and run.kind == wanted), ALIKE))
    if not alike:
        return None
    work, steps = _work(settings, device), settings.animate.num_inference_steps
    total = weights = 0.0
    for age, run in enumerate(alike):
        weight = FADING**age * math.exp(-abs(math.log(work / run.work)))
        each = (run.sampling * steps + run.decoding) * work
        total += weight * (run.before + each * settings.animate.candidates)
        weights += weight
    return total / weights


def _kind(settings: Settings, device: str) -> tuple[str, ...]:
    """Runs of one kind differ in speed by their work alone."""
    animate = settings.animate
    precision = Work.of(settings, get_card(animate.engine), device).precision
    return (animate.engine, device, precision, animate.quantization, settings.runtime.offload)


def _work(settings: Settings, device: str) -> float:
    """Latent positions that a step goes over, twice where there is guidance."""
    work = Work.of(settings, get_card(settings.animate.engine), device)
    return work.positions * work.latent_frames * (2 if settings.animate.guidance_scale > 1.0 else 1)


@lru_cache(maxsize=2 * NEWEST)
def _learned(path: Path, modified: int) -> _Run | None:  # noqa: ARG001 - a record that was written anew is read anew
    """What a record teaches; None for one of another engine, one that did not succeed, and one that cannot be read."""
    try:
        record = read_record(path)
    except InvalidRecord:
        return None
    used, model = record.used, record.model
    if record.status is not RunStatus.SUCCEEDED or used is None or model is None or model.device is None:
        return None
    if used.animate.engine not in model_names() or model.name != used.animate.engine:
        return None
    sampling, decoding = (_seconds(record, phase)[-used.animate.candidates :] for phase in (Phase.SAMPLE, Phase.DECODE))
    if not sampling:
        return None
    work = _work(used, model.device)
    return _Run(
        kind=_kind(used, model.device),
        work=work,
        before=sum(sum(_seconds(record, name)) for name in _BEFORE_SAMPLING),
        sampling=sum(sampling) / len(sampling) / used.animate.num_inference_steps / work,
        decoding=sum(decoding) / max(len(decoding), 1) / work,
    )


def _seconds(record: RunRecord, name: str) -> list[float]:
    """Seconds of each finished attempt at a phase, in order."""
    return [each.seconds for each in _phases(record) if each.name == name and each.outcome == "done"]


def _phases(record: RunRecord) -> list[PhaseRecord]:
    return [phase for stage in record.stages for phase in stage.phases]
