"""Where the files of a model are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.catalogue import ModelCard


@dataclass(frozen=True)
class ModelFiles:
    """A model on this disk: the folder in the hub's layout, and the folders of components from other repositories.

    `revision` is the commit of the hub, where it is known.
    """

    card: ModelCard
    folder: Path
    parts: Mapping[str, Path] = field(default_factory=dict)
    revision: str | None = None
