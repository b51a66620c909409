"""From a file that a run has left, a video, its poster or its record, back to the settings and the images.

Such a file may come from anywhere: from another machine, a newer version, or somebody who means harm. It is bounded,
every value is checked, and no file that it names is opened: inputs are looked for by their digest among those that are
kept here.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, get_args

from PIL import Image
from pydantic import ValidationError

from pipeline.catalogue import Role, helper_names
from pipeline.engines import EMBEDDED, engine_names, get_engine
from pipeline.errors import InvalidInput, InvalidRecord
from pipeline.named_settings import known_options
from pipeline.options import Option, nest, with_value
from pipeline.portable import PROGRAM, portable
from pipeline.records import INPUTS, PICTURES, SCHEMA_VERSION, InputRole
from pipeline.run.inputs import FILE_SETTINGS
from pipeline.settings import Settings, passage_engines, preset_names
from pipeline.style_settings import style_names
from pipeline.transition_settings import AUTO, NONE
from pipeline.video import read_comment

LARGEST_RECORD = 8_000_000
"""Bytes of a record that is read; that of a long run takes less than one million."""

MOST_NAMED, MOST_NOTES = 6, 12
"""Settings that one sentence names, and sentences about settings."""

JOBS = ("animate", "transition", "plan")

CALLED = {
    "image": "The photo",
    "middle_image": "A photo on the way",
    "last_image": "The last photo",
    "mask": "A painted area",
    "depth": "The depth map",
    "style": "The picture of the style",
    "driving_video": "The driving video",
    "lora": "The LoRA file",
}

ROLES: dict[str, InputRole] = {role: role for role in get_args(InputRole)}

_PICTURE = (b"\xff\xd8", b"\x89PNG")
"""What a JPEG and a PNG begin with."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Description:
    """What a file says of a run, as it says it: nothing of `settings` is checked yet.

    `inputs` are pairs of role and digest; `is_newer` where a newer version of the program has written the file.
    """

    name: str
    job: str
    settings: Mapping[str, Any]
    inputs: tuple[tuple[InputRole, str], ...]
    is_newer: bool


@dataclass(frozen=True)
class Provenance:
    """How a file was made, as far as this version can do the same; `notes`, a sentence each, say what it cannot.

    `settings` has the defaults of `runtime`, and kept files where it names files. `images` are the kept copies, None
    where one is not here. `plan_is_read` says that the motion plan is what the prompt is read as.
    """

    name: str
    job: str
    settings: Settings
    images: tuple[Path | None, ...]
    notes: tuple[str, ...]
    plan_is_read: bool


def read_provenance(path: Path, folders: Sequence[Path]) -> Provenance:
    """Read a video, a poster or a record, and look for its inputs in the `inputs` of outputs folders.

    Raises InvalidRecord, one sentence, when the file tells nothing of a run of this program.
    """
    told = describe(path)
    understood, notes = _understood(told.settings)
    settings = portable(understood)
    files = _kept({digest for _, digest in told.inputs}, folders)
    notes += _missing(told, files)
    if told.is_newer:
        notes.insert(0, f"{path.name} comes from a newer version: what this version knows of it is restored.")
    masks = [files[digest] for role, digest in told.inputs if role == "mask"]
    is_read = plan_is_read(settings, len(masks))
    if None not in masks:  # areas belong to regions by their order alone
        settings = with_value(settings, "prepare.masks", tuple(masks))
    for each in FILE_SETTINGS:
        for role, digest in told.inputs:
            if role == each.role and each.is_copied:
                settings = with_value(settings, each.name, files[digest])
    images = tuple(files[digest] for role, digest in told.inputs if role in PICTURES)
    return Provenance(path.name, told.job, settings, images, tuple(notes), is_read)


# --- what the file says -----------------------------------------------------------------------------------------------


def describe(path: Path) -> Description:
    """Read what a video, a poster or a record says of its run. Raises InvalidRecord."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
        if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            return _described(path.name, _record_text(path))
        return _described(path.name, _poster_text(path) if head.startswith(_PICTURE) else read_comment(path))
    except InvalidRecord:
        raise
    except InvalidInput:
        _refuse(path.name)
    except (OSError, ValueError) as error:
        raise InvalidRecord(f"{path.name} cannot be read: choose another file.") from error


def _refuse(name: str) -> NoReturn:
    raise InvalidRecord(
        f"{name} carries no settings of this program: choose a video, a poster or a record that it has made. Some "
        "programs and sites take the settings out when they convert a video."
    )


def _record_text(path: Path) -> str:
    if path.stat().st_size > LARGEST_RECORD:
        raise InvalidRecord(f"{path.name} is too large for a record: {LARGEST_RECORD // 1_000_000} MB are read.")
    return path.read_text(encoding="utf-8-sig")


def _poster_text(path: Path) -> str:
    try:
        with Image.open(path, formats=("JPEG", "PNG")) as picture:
            comment = picture.info.get("comment", b"")
    except Exception as error:  # decoders raise more than a dozen types on damaged files
        raise InvalidRecord(f"{path.name} is damaged or incomplete: choose another file.") from error
    return comment.decode("ascii", "replace") if isinstance(comment, bytes) else str(comment)


def _described(name: str, text: str) -> Description:
    """Read the JSON of a record, or of what travels with a video."""
    try:
        found = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        _refuse(name)
    found = found if isinstance(found, dict) else {}
    settings = found.get("requested" if "run_id" in found else "settings")
    if not isinstance(settings, dict) or not ("run_id" in found or found.get("program") == PROGRAM):
        _refuse(name)
    if "run_id" in found:  # a record keeps the seed that was drawn beside what was asked for
        settings = {**settings, "seed": found.get("seed", -1)}
    job, version = found.get("job", "animate"), found.get("schema_version", 1)
    if job not in JOBS:
        raise InvalidRecord(f"{name} comes from a job that this version does not have.")
    is_newer = isinstance(version, int) and version > SCHEMA_VERSION
    return Description(name, job, settings, tuple(_inputs(found.get("inputs"))), is_newer)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _inputs(found: object) -> Iterator[tuple[InputRole, str]]:
    """Role and digest of each input; a digest that is none is that of no file."""
    for each in found if isinstance(found, list) else ():
        role, digest = (each.get("role", "image"), each.get("sha256")) if isinstance(each, dict) else (None, None)
        if isinstance(role, str) and role in ROLES:
            yield ROLES[role], digest if isinstance(digest, str) and _SHA256.fullmatch(digest) else ""


# --- settings ---------------------------------------------------------------------------------------------------------


def _understood(found: Mapping[str, Any]) -> tuple[Settings, list[str]]:
    """The settings that this version can take over, and a sentence for each that it cannot."""
    known = known_options()
    found = dict(_flat(found, "", known))
    unknown = [name[:80] for name in found if name not in known]
    values = {name: value for name, value in found.items() if name in known and known[name].kind is not Path}
    notes = [f"This version has no setting {_some(unknown)}: what it said is left out."] if unknown else []
    for name in _unknown_names(values):
        notes.append(f"{name}: this version has no '{str(values[name])[:80]}'; the default is used.")
        del values[name]
    settings, wrong = _valid(values)
    notes += wrong
    left = len(notes) - MOST_NOTES
    return settings, notes if left <= 0 else [*notes[:MOST_NOTES], f"{left} more settings are left at their defaults."]


def _flat(values: Mapping[str, Any], prefix: str, known: Mapping[str, Option]) -> Iterator[tuple[str, Any]]:
    """Settings by full name. Only sections that there are are entered, so the depth is bounded."""
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and name not in known and any(each.startswith(f"{name}.") for each in known):
            yield from _flat(value, f"{name}.", known)
        elif not name.startswith("runtime."):
            yield name, value


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:MOST_NAMED])
    return f"{shown} and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else shown


def _unknown_names(values: Mapping[str, Any]) -> list[str]:
    """Settings that name an engine, a model, a preset or a style which this version does not have."""
    offered: dict[str, Iterable[str]] = {
        "preset": preset_names(),
        "animate.engine": engine_names(),
        "transition.engine": passage_engines(),
        "style.name": ("", *style_names()),
    }
    for name, option in known_options().items():
        if option.role is not None:
            offered[name] = (AUTO, NONE, *helper_names(Role(option.role)))
    return [name for name, names in offered.items() if name in values and values[name] not in names]


def _valid(values: dict[str, Any]) -> tuple[Settings, list[str]]:
    """Settings from values by full name; those that do not fit keep their default, each with a sentence."""
    notes: list[str] = []
    while True:
        try:
            return Settings.model_validate(nest(values)), notes
        except ValidationError as error:
            for each in error.errors(include_url=False, include_input=False):
                place = ".".join(str(part) for part in each["loc"])
                wrong = [name for name in values if place == name or place.startswith(f"{name}.")]
                wrong = wrong or [name for name in values if name.startswith(f"{place}.") or not place]
                reason = each["msg"].removeprefix("Value error, ")
                for name in wrong:
                    del values[name]
                    notes.append(f"{name}: {reason[:1].lower()}{reason[1:]}; the default is used.")


def plan_is_read(settings: Settings, masks: int) -> bool:
    """Whether the motion plan is what the prompt is read as, with so many painted areas."""
    plan = settings.animate.motion.plan
    if plan is None or settings.animate.engine != EMBEDDED:
        return True
    asked = with_value(settings, "prepare.masks", (Path("area"),) * masks)  # only their number is looked at
    read, _ = get_engine(EMBEDDED).resolve(with_value(asked, "animate.motion.plan", None))
    return read.animate.motion.plan == plan


# --- inputs -----------------------------------------------------------------------------------------------------------


def _kept(digests: Set[str], folders: Sequence[Path]) -> dict[str, Path | None]:
    """The kept input of each digest; None where there is none that is still the same."""
    kept = [folder / INPUTS for folder in folders if (folder / INPUTS).is_dir()]
    here = {path.stem: path for folder in kept for path in folder.iterdir() if path.stem in digests}
    whole = {digest: path for digest, path in here.items() if _is_same(path, digest)}
    return {digest: whole.get(digest) for digest in digests}


def _is_same(path: Path, digest: str) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == digest
    except OSError:  # thrown away at this moment, or a folder
        return False


def _missing(told: Description, files: Mapping[str, Path | None]) -> list[str]:
    """A sentence for each input that is not here. Videos and weights are not kept: they stay where they are."""
    kept = {each.role for each in FILE_SETTINGS if each.is_copied} | {*PICTURES, "mask"}
    roles = [role for role, digest in told.inputs if files[digest] is None or role not in kept]
    return [f"{CALLED[role]} is not among the inputs that are kept here." for role in dict.fromkeys(roles)]
