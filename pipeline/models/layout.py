"""What a model needs of a repository on the hub, told from file names and model_index.json alone."""

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.catalogue import Card

INDEX = "model_index.json"
"""The file of a diffusers repository that names the components of its pipeline."""

_WEIGHTS = re.compile(
    r"(?:model|diffusion_pytorch_model)(?:\.(?P<before>\w+))?(?P<shard>-\d{5}-of-\d{5})?(?:\.(?P<after>\w+))?\.safetensors"
)
"""One file of weights. The variant stands before the number of the shard, or after it in older repositories."""

_SHARD_INDEX = re.compile(
    r"(?:model|diffusion_pytorch_model)(?:\.(?P<before>\w+))?\.safetensors\.index(?:\.(?P<after>\w+))?\.json"
)
"""The list of the shards of one network."""

_SMALL = (".json", ".txt", ".model", ".jinja")
"""Endings of configurations and vocabularies. Python files and weights in other formats are never wanted."""

_SETTINGS_OF = {
    "Scheduler": ("scheduler_config.json",),
    "Tokenizer": ("tokenizer.json", "vocab.json", "vocab.txt", "spiece.model", "tokenizer.model"),
    "Processor": ("preprocessor_config.json", "processor_config.json"),
    "FeatureExtractor": ("preprocessor_config.json",),
}
"""By what a class without weights is named: the files of which it needs at least one."""


@dataclass(frozen=True)
class Source:
    """What a card wants of one repository.

    `subfolders` are the folders that are wanted, "" for the top; empty: those that model_index.json names, but for
    the `replaced` components, which come from elsewhere or are not needed. `classes` are those whose files lie together
    at the top of a repository without model_index.json; `paths` are all files that are wanted, where the card names
    them one by one. `bytes` is the size on the hub as the card states it.
    """

    repository: str
    revision: str
    bytes: int
    variant: str | None = None
    subfolders: tuple[str, ...] = ()
    replaced: frozenset[str] = frozenset()
    classes: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    @property
    def is_main(self) -> bool:
        """Whether it is the card's main repository, and not that of a part."""
        return not self.subfolders or bool(self.classes)

    @property
    def has_index(self) -> bool:
        """Whether the repository holds a pipeline of diffusers."""
        return not (self.subfolders or self.paths)


def sources(card: Card) -> tuple[Source, ...]:
    """The repositories that a model is put together from, the main one first."""
    main = Source(card.repository, card.revision, card.download_bytes, card.variant)
    if card.weights:
        found = [replace(main, paths=card.weights)]
    elif card.top:
        found = [replace(main, subfolders=("",), classes=card.top)]
    else:
        found = [replace(main, replaced=frozenset(card.without) | {part.component for part in card.parts})]
    for place in dict.fromkeys((part.repository, part.revision) for part in card.parts):
        parts = [part for part in card.parts if (part.repository, part.revision) == place]
        size = sum(part.download_bytes for part in parts)
        found.append(Source(*place, size, subfolders=tuple(part.subfolder for part in parts)))
    return tuple(found)


def read_index(folder: Path) -> dict[str, Any] | None:
    """The content of a folder's model_index.json; None where there is none that can be read."""
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return index if isinstance(index, dict) else None


def select(source: Source, names: Collection[str], index: dict[str, Any] | None) -> list[str]:
    """The files that are wanted among `names`, the paths of a repository's files with forward slashes, sorted.

    Of each component: its configuration, and its safetensors in the source's variant, or in the plain form where
    there is no such variant. A network that lies there both whole and in shards is taken whole.
    """
    if source.paths:
        return sorted(set(source.paths) & set(names))
    chosen = {INDEX} & set(names) if source.has_index else set()
    for folder in _folders(source, index):
        inside = {
            PurePosixPath(name).name: name for name in names if str(PurePosixPath(name).parent) == (folder or ".")
        }
        wanted = [*filter(_is_small, inside), *_weights(inside, source.variant)]
        chosen.update(inside[name] for name in wanted)
    return sorted(chosen)


def gaps(source: Source, folder: Path) -> list[str]:
    """What is missing in a folder on this disk for a model to be loaded from it; empty when nothing is.

    Each is a path below the folder, or the name of a component with what it lacks in words.
    """
    if source.paths:
        return [path for path in source.paths if not (folder / path).is_file()]
    index = read_index(folder) if source.has_index else None
    if source.has_index and index is None:
        return [INDEX]
    if source.classes:
        found = [gap for each in source.classes for gap in _gaps_of(source, folder, "", each)]
        return list(dict.fromkeys(found))
    return [gap for name in _folders(source, index) for gap in _gaps_of(source, folder, name, _class_of(index, name))]


def files_below(folder: Path) -> list[str]:
    """Paths of the files in a folder and in its subfolders one level down, with forward slashes."""
    found = [*folder.glob("*"), *folder.glob("*/*")]
    return [path.relative_to(folder).as_posix() for path in found if path.is_file()]


def present(source: Source, folder: Path) -> list[str]:
    """The files on this disk that may be wanted of a repository: as `files_below`, or those that its card names."""
    return [path for path in source.paths if (folder / path).is_file()] if source.paths else files_below(folder)


def _folders(source: Source, index: dict[str, Any] | None) -> Iterable[str]:
    """Folders of the components that this repository gives, "" for its top."""
    if not source.has_index:
        return source.subfolders
    names = [name for name in index or {} if name.isidentifier()]  # a folder of its own, never a path elsewhere
    return [name for name in names if _class_of(index, name) and name not in source.replaced]


def _class_of(index: dict[str, Any] | None, component: str) -> str | None:
    """The class of a component: model_index.json holds pairs of library and class, and pairs of null for none."""
    pair = (index or {}).get(component)
    return str(pair[1]) if isinstance(pair, list) and len(pair) == 2 and pair[1] else None


def _is_small(name: str) -> bool:
    return name.endswith(_SMALL) and not name.endswith(".index.json") and ".index." not in name


def _weights(names: Collection[str], variant: str | None) -> list[str]:
    """The files of weights among the files of one component."""
    for wanted in dict.fromkeys((variant, None)):
        matches = [match for match in map(_WEIGHTS.fullmatch, names) if match and _variant(match) == wanted]
        whole = sorted(match.string for match in matches if not match["shard"])
        if whole:
            return whole[:1]
        if matches:
            lists = [
                match.string for match in map(_SHARD_INDEX.fullmatch, names) if match and _variant(match) == wanted
            ]
            return sorted(match.string for match in matches) + sorted(lists)
    return []


def _variant(match: re.Match[str]) -> str | None:
    return match["before"] or match["after"]


def _gaps_of(source: Source, root: Path, name: str, class_name: str | None) -> list[str]:
    """What one component lacks. The class is known for those that model_index.json names."""
    folder = root / name
    inside = [path.name for path in folder.glob("*") if path.is_file()]
    title = name or source.repository.partition("/")[2]
    needed = next((files for word, files in _SETTINGS_OF.items() if word in (class_name or "")), ())
    if class_name is None and _SETTINGS_OF["Processor"][0] in inside:
        return []
    if needed:
        return [] if set(needed) & set(inside) else [f"{title} ({needed[0]})"]
    lacking = [] if "config.json" in inside else [f"{title} (config.json)"]
    weights = _weights(inside, source.variant)
    if not weights:
        return [*lacking, f"{title} (weights)"]
    return lacking + [f"{title}/{shard}" for shard in _absent_shards(folder, weights)]


def _absent_shards(folder: Path, weights: list[str]) -> list[str]:
    """Names that the list of shards promises and the folder does not hold."""
    lists = [name for name in weights if name.endswith(".json")]
    if not lists:
        return ["the list of its shards"] if len(weights) > 1 or "-of-" in weights[0] else []
    try:
        content = json.loads((folder / lists[0]).read_text(encoding="utf-8"))
        promised = {str(name) for name in content["weight_map"].values()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return [lists[0]]
    return sorted(name for name in promised if not (folder / name).is_file())
