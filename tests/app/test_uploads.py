"""The folder of uploads, and what is done about those that a killed program left."""

import os
import time
from pathlib import Path

import pytest

from app.uploads import ABANDONED_SECONDS, OURS, VARIABLE, make_uploads

TEMPORARY = ("image-to-video-uploads", "image-to-video-masks")


def aged(path: Path, seconds: float) -> Path:
    path.mkdir(parents=True)
    (path / "file").write_text("")
    os.utime(path, times=(time.time() - seconds,) * 2)
    return path


def test_only_our_own_old_folders_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    abandoned = [aged(tmp_path / f"{name}-abcd_123", ABANDONED_SECONDS + 60) for name in TEMPORARY]
    kept = [
        aged(tmp_path / "image-to-video-uploads-efgh_456", ABANDONED_SECONDS / 2),
        aged(tmp_path / "image-to-video-main", ABANDONED_SECONDS * 2),
        aged(tmp_path / "image-to-video-uploads-of-mine", ABANDONED_SECONDS * 2),
        aged(tmp_path / "elsewhere" / "image-to-video-masks-abcd_123", ABANDONED_SECONDS * 2),
    ]
    link = tmp_path / "image-to-video-masks-link_123"
    link.symlink_to(kept[-1])
    os.utime(link, times=(1, 1), follow_symlinks=False)
    uploads = make_uploads()
    assert os.environ[VARIABLE] == uploads.name
    assert Path(uploads.name).parent == tmp_path
    assert OURS.fullmatch(Path(uploads.name).name)
    assert not any(each.exists() for each in abandoned)
    assert all((each / "file").exists() for each in kept)
    uploads.cleanup()
    assert not Path(uploads.name).exists()


def test_every_program_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    first = make_uploads()
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    second = make_uploads()
    first.cleanup()
    assert Path(second.name).is_dir()
    second.cleanup()
