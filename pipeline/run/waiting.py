"""Runs that wait in a queue: their inputs are kept from the beginning, so that they outlive uploads and the program."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import InvalidRecord
from pipeline.options import with_value
from pipeline.records import RunRecord
from pipeline.resolve import draw_seed
from pipeline.run.inputs import input_records, keep_copies, with_kept
from pipeline.run.runner import outputs_error
from pipeline.settings import Settings


def keep(record: RunRecord, images: Sequence[Path], outputs: Path) -> None:
    """Keep the inputs of a run that has to wait; its record then names the kept masks. It is not written here.

    Raises OutputFailed when the disk is full.
    """
    try:
        masks = keep_copies(images, record.requested, record.inputs, outputs)
    except OSError as error:
        raise outputs_error(error, outputs) from error
    record.requested = with_value(record.requested, "prepare.masks", masks)


def revise(record: RunRecord, images: Sequence[Path], settings: Settings, outputs: Path) -> RunRecord:
    """The record of a waiting run that is to be made from other images or with other settings, and is not written yet.

    Raises OutputFailed when the disk is full.
    """
    changes = {
        "job": record.job if record.job == "plan" else "animate" if len(images) == 1 else "transition",
        "seed": draw_seed(settings).seed,
        "requested": settings,
        "inputs": input_records(images, settings),
    }
    revised = record.model_copy(update=changes)
    keep(revised, images, outputs)
    names = {entry.sha256: entry.name for entry in record.inputs}
    for entry in revised.inputs:
        if entry.sha256 is not None:  # a kept copy goes by its digest, which is no name for people
            entry.name = names.get(entry.sha256, entry.name)
    return revised


def restore(record: RunRecord, outputs: Path) -> tuple[Path, ...]:
    """The images of a run whose program is gone; its record then names the kept copies of all else that was copied.

    Raises InvalidRecord when one of them is no longer there.
    """
    for entry in record.inputs:
        if entry.path is None or not (outputs / entry.path).is_file():
            raise InvalidRecord(f"The run cannot be made any more: its input {entry.name} is gone.")
    images, record.requested = with_kept(record.requested, record.inputs, outputs)
    return images
