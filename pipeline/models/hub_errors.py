"""What goes wrong between here and the hub, in one sentence each."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.catalogue import Card
from pipeline.errors import ImageToVideoError, ModelMissing, OutputFailed, is_disk_full
from pipeline.models.status import download_command
from pipeline.settings import RuntimeSettings

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

KEPT = "what has arrived is kept"


@contextmanager
def hub_errors_explained(card: Card, runtime: RuntimeSettings) -> Iterator[None]:
    """Turn the errors of the hub's client, of the network and of the disk into ours. Others pass as they are."""
    try:
        yield
    except ImageToVideoError:
        raise
    except Exception as error:
        explained = explain(error, card, runtime)
        if explained is None:
            raise
        raise explained from error


def explain(error: BaseException, card: Card, runtime: RuntimeSettings) -> ImageToVideoError | None:
    """The sentence for an error, or None when it is not one that a user can do something about."""
    import httpx2
    from huggingface_hub import errors

    again = download_command(card, runtime)
    if isinstance(error, errors.LocalEntryNotFoundError) and error.__cause__ is not None:
        return explain(error.__cause__, card, runtime)
    if isinstance(error, errors.HfHubHTTPError):
        return _refused(error, card, again)
    if isinstance(error, httpx2.HTTPError | errors.OfflineModeIsEnabled):
        return ModelMissing(
            f"{card.title} could not be downloaded because the hub cannot be reached ({_reason(error)}): "
            f"check the network; {KEPT}, and {again} goes on from there."
        )
    if isinstance(error, errors.FileMetadataError | json.JSONDecodeError):
        return ModelMissing(
            f"{card.title} could not be downloaded because something else than the hub answered, such as a proxy or "
            f"the login page of a network: check the network and HF_ENDPOINT; {KEPT}, and {again} goes on from there."
        )
    return _disk(error, card, again)


def _refused(error: "HfHubHTTPError", card: Card, again: str) -> ModelMissing:
    """The sentence for an answer of the hub that is not what was asked for."""
    from huggingface_hub import errors

    code, address = error.response.status_code, f"https://huggingface.co/{card.repository}"
    if isinstance(error, errors.RevisionNotFoundError):
        message = f"{card.repository} has no revision '{card.revision}' on the hub: the model card is not right."
    elif isinstance(error, errors.GatedRepoError) or (card.gated and code in (401, 403)):
        message = (
            f"{card.title} is given only to those who accepted its licence ({card.licence}): accept it at {address}, "
            f"log in with `hf auth login` or set HF_TOKEN, then {again}."
        )
    elif isinstance(error, errors.RepositoryNotFoundError):
        message = (
            f"The hub does not show {card.repository}, from which {card.title} comes: it was moved or removed, "
            "or it is private and `hf auth login` is needed."
        )
    elif code in (401, 403):
        message = (
            f"The hub refuses {card.title} to the token in use: `hf auth login` with one that may read {address}, "
            f"then {again}."
        )
    else:
        message = (
            f"The hub could not give {card.title} (HTTP status {code}): try again later; {KEPT}, "
            f"and {again} goes on from there."
        )
    return ModelMissing(message)


def _disk(error: BaseException, card: Card, again: str) -> OutputFailed | None:
    if is_disk_full(error):
        return OutputFailed(
            f"The disk became full while {card.title} was downloaded: free some space; {KEPT}, "
            f"and {again} goes on from there."
        )
    if isinstance(error, PermissionError | FileExistsError | NotADirectoryError | FileNotFoundError):
        return OutputFailed(f"{card.title} cannot be written to {error.filename}: {error.strerror}.")
    return None


def _reason(error: BaseException) -> str:
    """The error in a few words, without addresses or anything that a request may have carried."""
    words = {"ConnectError": "no connection", "ConnectTimeout": "no answer", "ReadTimeout": "no answer"}
    return words.get(type(error).__name__, type(error).__name__)
