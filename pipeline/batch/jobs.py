"""What each entry of a jobs file stands for: images, settings, sweeps and seeds become single jobs."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.batch.pictures import image_groups
from pipeline.batch.read import MAX_JOBS, Entry
from pipeline.errors import ImageToVideoError, InvalidInput, InvalidSetting
from pipeline.named_settings import by_full_name, known_options, nearest
from pipeline.options import Option, nest
from pipeline.records import MAX_PLACES, PlaceRecord
from pipeline.settings import Settings, make_settings
from pipeline.sweeps.grid import IMAGE, places, value_texts, variants

OWN = ("job", "images", "sweep", "seeds", "repeat")
"""What an entry may say beside settings."""

MAX_REPEAT = 1000
MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class BatchJob:
    """One run to make. `label` is the number of its entry, "3.2" for the second of several; `key` tells it from others.

    `varied` are the values that a sweep or a seed gave it. Jobs that are compared have the same `grid`, each with its
    `place` there; they follow on each other.
    """

    label: str
    images: tuple[Path, ...]
    settings: Settings
    key: str
    varied: Mapping[str, Any] = field(default_factory=dict)
    grid: str = ""
    place: PlaceRecord | None = None

    @property
    def kind(self) -> str:
        """`animate` for one image, `transition` for more."""
        return "animate" if len(self.images) == 1 else "transition"


@dataclass(frozen=True)
class Problem:
    """Why a job cannot be made, in one sentence."""

    label: str
    message: str


def expand(defaults: Entry, entries: Sequence[Entry], base: Path) -> tuple[list[BatchJob], list[Problem]]:
    """Every job of a file, in order, and what is wrong with the entries that give none.

    Raises InvalidInput for more than MAX_JOBS together.
    """
    maker, jobs, problems = _Maker(base), list[BatchJob](), list[Problem]()
    for number, entry in enumerate(entries, start=1):
        try:
            jobs += maker.jobs(str(number), defaults, entry, MAX_JOBS - len(jobs))
        except ImageToVideoError as error:
            problems.append(Problem(str(number), str(error)))
    return jobs, problems


class _Maker:
    """Makes jobs of entries. Equal ones are told apart by their order."""

    def __init__(self, base: Path) -> None:
        self.base, self.known = base, known_options()
        self.seen: dict[str, int] = {}

    def jobs(self, number: str, defaults: Entry, entry: Entry, room: int) -> list[BatchJob]:
        """The jobs of an entry, at most `room`. Raises InvalidInput."""
        entry_own, named = self._split(entry)
        default_own, default_named = self._split(defaults)
        if "seeds" in entry_own or "repeat" in entry_own:
            default_own = {name: value for name, value in default_own.items() if name not in ("seeds", "repeat")}
        own, asked = {**default_own, **entry_own}, {**default_named, **named}
        groups = image_groups(own, self.base)
        axes = _axes(own, asked, self.known)
        varieties = variants(axes)
        if len(varieties) > 1 and "seed" not in axes and asked.get("seed", -1) == -1:
            asked["seed"] = _one_seed(own, asked)
        if len(groups) * len(varieties) > room:
            raise InvalidInput(f"with this one the file stands for more than {MAX_JOBS} jobs: split it.")
        wanted = [(varied, self._settings({**asked, **varied})) for varied in varieties]
        found = [(images, varied, settings) for images in groups for varied, settings in wanted]
        labels = [f"{number}.{place}" for place in range(1, len(found) + 1)] if len(found) > 1 else [number]
        return [
            BatchJob(label, images, settings, self._key(images, settings), varied, *compared)
            for label, (images, varied, settings), compared in zip(
                labels, found, _compared(number, groups, axes), strict=True
            )
        ]

    def _split(self, entry: Entry) -> tuple[Entry, dict[str, Any]]:
        """What an entry says as a job, and its settings by full name."""
        names = dict.fromkeys((*OWN, *self.known))
        for name in map(str, entry):
            if name not in names and not any(each.startswith(f"{name}.") for each in names):
                raise InvalidSetting(f"There is no setting '{name}'{nearest(name, names)}.")
        own = {name: value for name, value in entry.items() if name in OWN}
        rest = {name: value for name, value in entry.items() if name not in OWN}
        return own, by_full_name(rest, self.known)

    def _settings(self, named: Mapping[str, Any]) -> Settings:
        """The settings, with the files that they name below the jobs file's folder."""
        paths = {name: self._absolute(value) for name, value in named.items() if self.known[name].kind is Path}
        return make_settings(nest({**named, **paths}))

    def _absolute(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._absolute(each) for each in value]
        return str(self.base / Path(value).expanduser()) if isinstance(value, str) else value

    def _key(self, images: Sequence[Path], settings: Settings) -> str:
        """The digest of all that decides a job: its files by place, size and time, its settings, which of equals it is.

        `runtime` changes no pixel, so a job stays the same with other threads or another limit on memory.
        """
        from pipeline.run.inputs import files_named

        named = [path for _, path in files_named(settings, len(images))]
        files = [_stamp(path) for path in (*images, *settings.prepare.masks, *named)]
        facts = [len(images), files, settings.model_dump(mode="json", exclude={"runtime"})]
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
        self.seen[digest] = self.seen.get(digest, 0) + 1
        return f"{digest}-{self.seen[digest]}"


def _stamp(path: Path) -> tuple[str, int, int]:
    try:
        facts = path.stat()
    except (OSError, ValueError) as error:
        raise InvalidInput(f"there is no file {path}.") from error
    return str(path), facts.st_size, facts.st_mtime_ns


def _axes(own: Entry, asked: Mapping[str, Any], known: Mapping[str, Option]) -> dict[str, list[Any]]:
    """What differs between the jobs that an entry makes of its images: the settings of its sweep, and the seeds."""
    swept = _sweep(own.get("sweep"), known)
    seeds = _seeds(own, asked)
    if seeds is not None and "seed" in swept:
        raise InvalidInput("sweep: the seed is given by seeds or repeat already; leave one of them out.")
    axes = swept if seeds is None else {**swept, "seed": seeds}
    if math.prod(map(len, axes.values())) > MAX_JOBS:
        raise InvalidInput(f"sweep: its product is more than {MAX_JOBS} jobs.")
    return axes


def _compared(
    number: str, groups: Sequence[tuple[Path, ...]], axes: Mapping[str, Sequence[Any]]
) -> list[tuple[str, PlaceRecord | None]]:
    """The grid that each job of an entry stands in, and its place there.

    A grid holds all images where they fit in, else one each. There is none where nothing is swept, or too much of it.
    """
    texts = {name: value_texts(name, values) for name, values in axes.items()}
    each = math.prod(map(len, texts.values()))
    if each == 1 or each > MAX_PLACES:
        return [("", None)] * (each * len(groups))
    if len(groups) == 1 or each * len(groups) > MAX_PLACES:
        return [(f"{number}.{image}", place) for image in range(len(groups)) for place in places(texts)]
    return [(number, place) for place in places({IMAGE: [_shown(images) for images in groups], **texts})]


def _shown(images: Sequence[Path]) -> str:
    return images[0].name if len(images) == 1 else f"{images[0].name} ... {images[-1].name}"


def _sweep(swept: Any, known: Mapping[str, Option]) -> dict[str, list[Any]]:
    if swept is None:
        return {}
    if not isinstance(swept, dict):
        raise InvalidInput("sweep: give settings with their values, such as {animate.guidance_scale: [7, 9, 12]}.")
    named = by_full_name(swept, known)
    for name, values in named.items():
        if not isinstance(values, list) or not values:
            raise InvalidInput(f"sweep: {name} needs a list of values, such as [7, 9, 12].")
    return named


def _seeds(own: Entry, asked: Mapping[str, Any]) -> list[int] | None:
    seeds, repeat = own.get("seeds"), own.get("repeat")
    if seeds is not None and repeat is not None:
        raise InvalidInput("seeds and repeat say the same in two ways: leave one of them out.")
    if seeds is not None:
        if not isinstance(seeds, list) or not seeds or not all(map(_is_number, seeds)):
            raise InvalidInput("seeds: give a list of whole numbers, such as [1, 2, 3].")
        return seeds
    if repeat is None:
        return None
    if not _is_number(repeat) or not 1 <= repeat <= MAX_REPEAT:
        raise InvalidInput(f"repeat: give a whole number from 1 to {MAX_REPEAT}, not {repeat!r}.")
    return list(_successive(asked.get("seed", -1), repeat))


def _one_seed(own: Entry, asked: Mapping[str, Any]) -> int:
    """The seed of all jobs of a sweep: they differ in what is swept alone. Its entry decides it, so that a batch that
    is begun again finds its jobs.
    """
    digest = hashlib.sha256(json.dumps([own, dict(asked)], sort_keys=True, default=str).encode()).digest()
    return int.from_bytes(digest[:4], "big")


def _successive(first: Any, count: int) -> Iterator[int]:
    """Seeds from the one asked for on; -1 each time where one is drawn anyway."""
    if not _is_number(first) or first < 0:
        return iter([-1] * count)
    if first + count - 1 > MAX_SEED:
        raise InvalidInput(f"repeat: the seeds from {first} on would pass {MAX_SEED}.")
    return iter(range(first, first + count))


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
