"""Favourites, the trash, posters and log lines: what belongs to a run, and nothing else, goes with it."""

import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import InvalidInput, InvalidRecord
from pipeline.frames import FrameStream
from pipeline.history import Edge, History, Query
from pipeline.history.posters import Posters
from pipeline.records import RunStatus, own, record_path
from pipeline.settings import EncodeSettings
from pipeline.video import write_video
from tests.pipeline.history.records import an_output, put

OUTSIDE = [
    "",
    "..",
    "../x",
    "video_../../x",
    "/etc/passwd",
    "video_1/..",
    "video_\x00",
    "video_1.json",
    "video_" + "x" * 999,
]


def with_video(outputs: Path, number: int, shade: int = 128, step: int = 0) -> str:
    """A run of eight frames of one shade of grey, each lighter than the one before by a step."""
    run_id = put(outputs, number)
    frames = iter([np.full((48, 64, 3), shade + step * frame, np.uint8) for frame in range(8)])
    (outputs / f"{run_id}.mp4").unlink(missing_ok=True)
    write_video(FrameStream(frames, 64, 48, Fraction(8), 8), outputs / f"{run_id}.mp4", EncodeSettings())
    return put(outputs, number, output=an_output(f"{run_id}.mp4"))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


# --- favourites -----------------------------------------------------------------------------------------------------


def test_favourites_outlive_the_index(outputs: Path) -> None:
    first, second = put(outputs, 1), put(outputs, 2)
    history = History(outputs)
    for run_id in (first, second, second):
        history.mark(run_id, is_favourite=True)
    history.mark(first, is_favourite=False)
    history.mark(first, is_favourite=False)
    history.find(Query())
    history.index.path.unlink()
    found = History(outputs).find(Query(favourites_only=True))
    assert [(entry.run_id, entry.is_favourite) for entry in found.entries] == [(second, True)]
    assert [entry.is_favourite for entry in history.find(Query()).entries] == [True, False]
    assert history.is_favourite(second)


# --- the trash ------------------------------------------------------------------------------------------------------


def test_a_run_goes_to_the_trash_with_its_files_and_comes_back(outputs: Path) -> None:
    run_id = put(outputs, 1)
    own = {f"{run_id}{ending}" for ending in (".json", ".mp4", "_candidate_2.mp4", "_matches.jpg", "_matches_2.jpg")}
    others = {f"{run_id}_2.json", f"{run_id}_2.mp4", f"{run_id}_copy.json", f"{run_id}0.mp4", "notes.txt"}
    for name in own - {f"{run_id}.json"} | others:
        (outputs / name).write_bytes(b"content")
    history = History(outputs)
    name = history.discard(run_id)
    assert names(outputs) == others
    assert names(outputs / ".trash" / name) == own
    (discarded,) = history.discarded()
    assert (discarded.name, discarded.run_id) == (run_id, run_id)
    assert discarded.bytes > 4 * len(b"content")
    assert run_id not in {entry.run_id for entry in history.find(Query()).entries}
    history.restore(name)
    assert names(outputs) == own | others
    assert history.discarded() == []


def test_emptying_frees_what_is_in_the_trash_and_no_more(outputs: Path) -> None:
    gone, kept = put(outputs, 1), put(outputs, 2)
    history = History(outputs)
    history.discard(gone)
    size = history.discarded()[0].bytes
    assert history.empty_trash() == size
    assert history.empty_trash() == 0
    assert names(outputs) == {f"{kept}.json"}
    with pytest.raises(InvalidInput, match="not in the trash"):
        history.restore(gone)


@pytest.mark.parametrize("status", [RunStatus.QUEUED, RunStatus.RUNNING])
def test_a_run_under_way_cannot_be_thrown_away_but_one_whose_program_is_gone_can(
    outputs: Path, status: RunStatus
) -> None:
    pid, started = own()
    mine = put(outputs, 1, status=status, pid=pid, process_started_at=started)
    orphan = put(outputs, 2, status=status)
    history = History(outputs)
    with pytest.raises(InvalidInput, match="stop it"):
        history.discard(mine)
    history.discard(orphan)
    assert names(outputs) == {f"{mine}.json"}


def test_a_damaged_record_can_be_thrown_away(outputs: Path) -> None:
    (outputs / "video_1.json").write_text("{")
    history = History(outputs)
    history.discard("video_1")
    assert history.find(Query()).total == 0
    with pytest.raises(InvalidInput, match="no run"):
        history.discard("video_1")


def test_a_run_of_the_same_name_is_never_overwritten(outputs: Path) -> None:
    history = History(outputs)
    run_id = put(outputs, 1, "first")
    first = history.discard(run_id)
    put(outputs, 1, "second")  # the clock was set back
    with pytest.raises(InvalidInput, match="not overwritten"):
        history.restore(first)
    second = history.discard(run_id)
    assert second != first
    history.restore(first)
    assert history.record(run_id).requested.prompt == "first"
    assert [each.run_id for each in history.discarded()] == [run_id]


def test_a_move_that_broke_off_is_completed(outputs: Path) -> None:
    run_id = put(outputs, 1)
    (outputs / f"{run_id}.mp4").touch()
    half = outputs / ".trash" / run_id
    half.mkdir(parents=True)
    os.replace(outputs / f"{run_id}.mp4", half / f"{run_id}.mp4")
    history = History(outputs)
    assert history.discard(run_id) == run_id
    os.replace(half / f"{run_id}.mp4", outputs / f"{run_id}.mp4")  # and on the way back
    history.restore(run_id)
    assert names(outputs) == {f"{run_id}.json", f"{run_id}.mp4"}


@pytest.mark.parametrize("name", OUTSIDE)
def test_no_name_leads_out_of_the_outputs(outputs: Path, name: str) -> None:
    (outputs.parent / "x.json").write_text("{}")
    history = History(outputs)
    for action in (history.discard, history.restore, history.record, lambda run_id: history.mark(run_id, True)):
        with pytest.raises((InvalidInput, InvalidRecord)):
            action(name)
    assert (outputs.parent / "x.json").exists()


# --- posters --------------------------------------------------------------------------------------------------------


def test_a_poster_is_the_first_frame_and_made_once(outputs: Path) -> None:
    with_video(outputs, 1, shade=200)
    history = History(outputs)
    (entry,) = history.find(Query()).entries
    path = history.poster(entry)
    assert path is not None
    with Image.open(path) as picture:
        assert picture.size == (64, 48)
        assert np.abs(np.asarray(picture).astype(int) - 200).max() < 6
    before = path.stat().st_ino
    assert history.poster(entry) == path
    assert path.stat().st_ino == before


def test_without_a_video_that_can_be_read_there_is_no_poster(outputs: Path) -> None:
    posters = Posters(outputs)
    (outputs / "broken.mp4").write_bytes(b"no video")
    (outputs.parent / "outside.mp4").write_bytes(b"no video")
    for video in (None, "none.mp4", "broken.mp4", "../outside.mp4", "/etc/passwd", "x" * 999, "a\x00b"):
        assert posters.find("video_1", video) is None
    assert list((outputs / ".posters").iterdir()) == []


def test_posters_are_bounded_and_go_with_their_run(outputs: Path) -> None:
    runs = [with_video(outputs, number) for number in range(5)]
    posters = Posters(outputs, limit=3)
    for age, run_id in enumerate(runs):
        path = posters.find(run_id, f"{run_id}.mp4")
        assert path is not None
        os.utime(path, (1e9 + age, 1e9 + age))
    assert {path.stem for path in (outputs / ".posters").iterdir()} == set(runs[2:])
    History(outputs).discard(runs[4])
    assert not (outputs / ".posters" / f"{runs[4]}.jpg").exists()


def test_a_poster_that_many_want_at_once_is_there_for_each(outputs: Path) -> None:
    """As when a page asks for the pictures of a sweep while its contact sheet is being drawn."""
    run_id, posters, start = with_video(outputs, 1), Posters(outputs), Barrier(8)

    def wanted(_: int) -> Path | None:
        start.wait()
        return posters.middle(run_id, f"{run_id}.mp4")

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(wanted, range(8))) == {outputs / ".posters" / f"{run_id}_middle.jpg"}
    assert len(list((outputs / ".posters").iterdir())) == 1


def test_a_poster_of_another_video_of_the_same_name_is_made_anew(outputs: Path) -> None:
    run_id = with_video(outputs, 1)
    history = History(outputs)
    (entry,) = history.find(Query()).entries
    path = history.poster(entry)
    assert path is not None
    before = path.read_bytes()
    with_video(outputs, 1, shade=20)
    os.utime(path, (1, 1))
    assert history.poster(entry) == path
    assert path.read_bytes() != before
    assert record_path(outputs, run_id).exists()


def test_the_ends_of_a_video_are_kept_without_loss(outputs: Path, tmp_path: Path) -> None:
    run_id = with_video(outputs, 1, shade=30, step=10)
    for edge, shade in ((Edge.FIRST, 30), (Edge.LAST, 100)):
        path = History(outputs).frame(run_id, edge, tmp_path)
        assert path.name == f"{run_id}_{edge}_frame.png"
        with Image.open(path) as picture:
            assert picture.size == (64, 48)
            assert np.abs(np.asarray(picture).astype(int) - shade).max() < 4
    (outputs / f"{run_id}.mp4").unlink()
    with pytest.raises(InvalidInput, match="no longer there"):
        History(outputs).frame(run_id, Edge.LAST, tmp_path)


def test_all_files_of_a_run_go_into_one_archive(outputs: Path, tmp_path: Path) -> None:
    run_id = with_video(outputs, 1)
    (outputs / f"{run_id}_matches.jpg").write_bytes(b"a picture")
    put(outputs, 2)
    with zipfile.ZipFile(History(outputs).archive(run_id, tmp_path)) as archive:
        assert sorted(archive.namelist()) == [f"{run_id}.json", f"{run_id}.mp4", f"{run_id}_matches.jpg"]
        assert archive.read(f"{run_id}.mp4") == (outputs / f"{run_id}.mp4").read_bytes()
    with pytest.raises(InvalidInput, match="no run"):
        History(outputs).archive("video_19990101_000000", tmp_path)
