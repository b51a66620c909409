"""The hub of the tests, and a client that knows no other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub import Hub, serve
from tests.pipeline.models.published import REPOSITORY, repository


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The hub with one repository, and huggingface_hub with its cache below `tmp_path` and without a token."""
    from huggingface_hub import constants

    from pipeline.models import download

    with serve() as running:
        running.add(REPOSITORY, repository(tmp_path / "published"))
        monkeypatch.setattr(constants, "ENDPOINT", running.address)
        template = running.address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.delenv("HUGGING_FACE_HUB_TOKEN", raising=False)
        monkeypatch.setattr(download, "RETRY_PAUSE", 0.05)
        monkeypatch.setattr(download, "TIMEOUT", 1.0)
        monkeypatch.setattr(download, "POLL_SECONDS", 0.05)
        yield running
