"""The files that a run reads: which there are, and what the record keeps of them.

Images, masks, depth maps and pictures of styles are copied below the outputs, so that a run can be repeated when the
user's own are gone. Videos and weights are large and stay where they are; their digest tells whether they are the same.
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from pipeline.control import open_driving
from pipeline.errors import InvalidImage, InvalidSetting, is_disk_full
from pipeline.images import probe
from pipeline.models.identity import digest
from pipeline.options import with_value
from pipeline.records import PICTURES, InputRecord, InputRole, keep_input
from pipeline.settings import Settings
from pipeline.transition_settings import KEYFRAMES
from pipeline.without_effect import ignored, ignored_in_transition

Say = Callable[[str], None]


@dataclass(frozen=True)
class FileSetting:
    """A setting that names a file: `role` is what the record calls it, `name` the setting's full name."""

    role: InputRole
    name: str
    is_copied: bool


FILE_SETTINGS = (
    FileSetting("depth", "animate.motion.depth", is_copied=True),
    FileSetting("style", "style.image", is_copied=True),
    FileSetting("driving_video", "animate.control.video", is_copied=False),
    FileSetting("lora", "animate.lora", is_copied=False),
    FileSetting("lora", "keyframes.lora", is_copied=False),
)
"""Beside prepare.masks, which are several."""


def files_named(settings: Settings, images: int) -> list[tuple[FileSetting, Path]]:
    """The files that settings name and that have an effect on a job of so many images."""
    try:
        reasons = ignored_in_transition(settings) if images > 1 else ignored(settings)
    except InvalidSetting:  # of an engine that does not exist, which the run will say
        return []
    named = ((each, attrgetter(each.name)(settings)) for each in FILE_SETTINGS if each.name not in reasons)
    paints = settings.style.is_painted or (images > 1 and settings.transition.engine == KEYFRAMES)
    return [(each, path) for each, path in named if path is not None and (paints or each.name != "keyframes.lora")]


def input_records(images: Sequence[Path], settings: Settings) -> list[InputRecord]:
    """What a record says of its inputs before any is looked at: the images first, then masks, then other files."""
    pictures = [InputRecord(role=_role(number, len(images)), name=image.name) for number, image in enumerate(images)]
    masks = [InputRecord(role="mask", name=mask.name) for mask in settings.prepare.masks]
    files = files_named(settings, len(images))
    return [*pictures, *masks, *(InputRecord(role=each.role, name=path.name) for each, path in files)]


def _role(number: int, count: int) -> InputRole:
    if number == 0:
        return "image"
    return "last_image" if number == count - 1 else "middle_image"


def keep_inputs(
    images: Sequence[Path], asked: Settings, entries: Sequence[InputRecord], outputs: Path, say: Say
) -> Settings:
    """Look at every input, keep it, and complete its entry of the record.

    Returns the settings with the masks that are kept, and with full paths of the other files. Raises InvalidImage for
    images and masks that are none or cannot be read, InvalidInput for other files, and OSError when the disk is full.
    """
    left = iter(entries)
    limits = asked.prepare
    for path in images:
        entry, info = next(left), probe(path, limits.max_megapixels, limits.max_file_mb)
        entry.width, entry.height = info.width, info.height
        say(f"Image {entry.name}: {info.width} x {info.height} pixels, {info.format}")
        entry.path, entry.sha256 = _copied(path, outputs)
    masks = []
    for path in limits.masks:
        entry = next(left)
        probe(path, limits.max_megapixels, limits.max_file_mb)
        entry.path, entry.sha256 = _copied(path, outputs)
        masks.append(Path(entry.path))
    settings = with_value(asked, "prepare.masks", tuple(masks))
    for each, path in files_named(asked, len(images)):
        _keep(each, path, asked, next(left), outputs)
        settings = with_value(settings, each.name, path.expanduser().absolute())
    return settings


def keep_copies(
    images: Sequence[Path], asked: Settings, entries: Sequence[InputRecord], outputs: Path
) -> tuple[Path, ...]:
    """Copy the inputs of a run that has to wait, and complete their entries as far as that needs no look inside.

    Returns the masks, kept ones where that is possible. A file that cannot be read stays as it is: the run will say so.
    Raises OSError when the disk is full.
    """
    left = iter(entries)
    for path in images:
        _keep_copy(path, next(left), outputs)
    masks = tuple(_keep_copy(path, next(left), outputs) for path in asked.prepare.masks)
    for each, path in files_named(asked, len(images)):
        entry = next(left)
        if each.is_copied:
            _keep_copy(path.expanduser(), entry, outputs)
        else:
            entry.path = str(path.expanduser().absolute())
    return masks


def _keep_copy(path: Path, entry: InputRecord, outputs: Path) -> Path:
    with contextlib.suppress(InvalidImage):
        entry.path, entry.sha256 = _copied(path, outputs)
        return (outputs / entry.path).absolute()
    return path


def with_kept(settings: Settings, entries: Sequence[InputRecord], outputs: Path) -> tuple[tuple[Path, ...], Settings]:
    """The kept pictures of a run, and settings with its kept masks, depth map and picture of a style.

    Files that are not copied stay what the settings say.
    """
    kept = [(entry.role, outputs / (entry.path or "")) for entry in entries]
    images = tuple(path for role, path in kept if role in PICTURES)
    settings = with_value(settings, "prepare.masks", tuple(path for role, path in kept if role == "mask"))
    for each in filter(lambda each: each.is_copied, FILE_SETTINGS):
        for role, path in kept:
            settings = with_value(settings, each.name, path) if role == each.role else settings
    return images, settings


def _copied(path: Path, outputs: Path) -> tuple[str, str]:
    try:
        return keep_input(path, outputs)
    except OSError as error:
        if is_disk_full(error):
            raise
        raise InvalidImage(f"{path.name} cannot be read: {error.strerror or error}.") from error


def _keep(each: FileSetting, path: Path, asked: Settings, entry: InputRecord, outputs: Path) -> None:
    """Complete the entry of a file that a setting names. A driving video must be one, and pictures must be pictures."""
    path = path.expanduser()
    if each.role == "driving_video":
        found = open_driving(path, asked.prepare)
        entry.width, entry.height = found.width, found.height
    elif each.is_copied:
        info = probe(path, asked.prepare.max_megapixels, asked.prepare.max_file_mb)
        entry.width, entry.height = info.width, info.height
    if each.is_copied:
        entry.path, entry.sha256 = _copied(path, outputs)
    else:
        entry.path, entry.sha256 = str(path.absolute()), _digest(path, each.name)


def _digest(path: Path, setting: str) -> str:
    try:
        return digest(path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InvalidSetting(f"{setting}: {path} cannot be read ({reason}): give the path of another file.") from error
