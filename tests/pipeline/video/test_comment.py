"""Text beside the frames: every kind of file carries it, no frame or time changes, and damage is said in words."""

import contextlib
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.choices import VideoFormat
from pipeline.errors import InvalidInput, OutputFailed
from pipeline.settings import EncodeSettings
from pipeline.video import probe, read_comment, read_frames, write_comment, write_video
from tests.disks import small_disk
from tests.pipeline.video.films import FORMATS, packets, stream, time_stamps

TEXT = '{"prompt":"\\u6d77","n":%d}' * 200


def film(folder: Path, kind: VideoFormat, fps: Fraction = Fraction(30)) -> tuple[Path, EncodeSettings]:
    path, settings = folder / f"film.{kind}", EncodeSettings(format=kind, fps=fps, threads=2)
    write_video(stream(12, fps), path, settings)
    return path, settings


@pytest.mark.parametrize("fps", [Fraction(30), Fraction(7), Fraction(24000, 1001)], ids=str)
@pytest.mark.parametrize("kind", FORMATS)
def test_a_comment_changes_nothing_else(tmp_path: Path, kind: VideoFormat, fps: Fraction) -> None:
    plain, settings = film(tmp_path, kind, fps)
    said, other, again, bare = (tmp_path / f"{name}.{kind}" for name in ("said", "other", "again", "bare"))
    write_comment(plain, said, settings, TEXT)
    assert (read_comment(plain), read_comment(said)) == ("", TEXT)
    assert probe(said) == probe(plain)
    assert time_stamps(said) == time_stamps(plain)
    assert packets(said)[1:] == packets(plain)[1:]  # of a gif, the first one holds the head of the file
    assert all(map(np.array_equal, read_frames(said).frames, read_frames(plain).frames))
    write_comment(said, other, settings, "another one")
    write_comment(other, again, settings, TEXT)
    write_comment(again, bare, settings, "")
    assert again.read_bytes() == said.read_bytes()
    assert bare.read_bytes() == plain.read_bytes()


@pytest.mark.parametrize("kind", FORMATS)
def test_other_programs_show_it_and_the_beginning_of_a_file_is_enough(tmp_path: Path, kind: VideoFormat) -> None:
    plain, settings = film(tmp_path, kind)
    said, cut = tmp_path / f"said.{kind}", tmp_path / f"cut.{kind}"
    write_comment(plain, said, settings, TEXT)
    with av.open(str(said)) as file:
        assert TEXT in {key.lower(): text for key, text in file.metadata.items()}["comment"]
    if kind is VideoFormat.GIF:
        with Image.open(said) as picture:
            assert picture.info["comment"].decode() == TEXT
    cut.write_bytes(said.read_bytes()[: 7000 + len(TEXT)])
    assert read_comment(cut) == TEXT


@pytest.mark.parametrize("kind", FORMATS)
def test_nothing_is_overwritten_and_a_full_disk_leaves_the_video_as_it_was(tmp_path: Path, kind: VideoFormat) -> None:
    plain, settings = film(tmp_path, kind)
    before = plain.read_bytes()
    with pytest.raises(OutputFailed, match="file exists"):
        write_comment(plain, plain, settings, TEXT)
    assert plain.read_bytes() == before
    with small_disk(tmp_path, 4) as small, pytest.raises(OutputFailed, match="full"):
        write_comment(plain, small / plain.name, settings, TEXT)
    assert not (tmp_path / "small" / plain.name).exists()


def test_a_playlist_leads_to_no_other_file(tmp_path: Path) -> None:
    plain, settings = film(tmp_path, VideoFormat.MP4)
    write_comment(plain, tmp_path / "said.mp4", settings, TEXT)
    for text in ("ffconcat version 1.0\nfile said.mp4\n", "#EXTM3U\n#EXTINF:1,\nsaid.mp4\n"):
        (tmp_path / "list.mp4").write_text(text)
        with pytest.raises(InvalidInput):
            read_comment(tmp_path / "list.mp4")


@cache
def samples(folder: Path) -> list[bytes]:
    """A short film of each kind with a comment."""
    found = []
    for kind in FORMATS:
        plain, settings = film(folder, kind)
        write_comment(plain, folder / f"said.{kind}", settings, TEXT)
        found.append((folder / f"said.{kind}").read_bytes())
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("comments")


@given(data=st.data())
def test_any_damage_is_said_in_words(folder: Path, data: st.DataObject) -> None:
    film = bytearray(data.draw(st.sampled_from(samples(folder))))
    near = st.integers(0, min(len(film), 6000) - 1)
    for place, byte in data.draw(st.lists(st.tuples(near, st.integers(0, 255)), max_size=30)):
        film[place] = byte
    path = folder / "damaged"
    path.write_bytes(film[: data.draw(st.integers(0, len(film)))])
    with contextlib.suppress(InvalidInput):
        assert isinstance(read_comment(path), str)
