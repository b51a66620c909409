"""Where the files of a model are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.catalogue import Card
from pipeline.errors import ModelMissing
from pipeline.models.places import places
from pipeline.models.single_file import find_file
from pipeline.models.status import model_status
from pipeline.settings import RuntimeSettings


@dataclass(frozen=True)
class ModelFiles:
    """A model on this disk: the folder in the hub's layout, and the folders of components from other repositories.

    `revision` is the commit of the hub, where it is known.
    """

    card: Card
    folder: Path
    parts: Mapping[str, Path] = field(default_factory=dict)
    revision: str | None = None


def locate(card: Card, runtime: RuntimeSettings) -> ModelFiles:
    """Find a model on this machine, without asking the network.

    Raises ModelMissing, one sentence with the command that gets it, its size and its licence.
    """
    status = model_status(card, runtime)
    if status.state != "ready":
        raise ModelMissing(status.message)
    folders = {
        (place.source.repository, place.source.revision): place.folder
        for place in places(card, runtime)
        if place.folder is not None
    }
    parts = {part.component: folders[part.repository, part.revision] for part in card.parts}
    main = places(card, runtime)[0]
    return ModelFiles(card, folders[card.repository, card.revision], parts, main.commit)


def locate_file(card: Card, runtime: RuntimeSettings) -> Path:
    """Find a model that is one file, which the user puts in place.

    Raises ModelMissing, one sentence with the file's name, where it comes from, where it belongs, and its licence.
    """
    path = find_file(card, runtime)
    if path is None:
        raise ModelMissing(model_status(card, runtime).message)
    return path
