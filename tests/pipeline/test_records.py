"""Run records: exclusive names, whole files, inputs kept by content, owners that are gone."""

import errno
import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from threading import Barrier

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InvalidRecord
from pipeline.records import (
    RunRecord,
    RunStatus,
    keep_input,
    now,
    own,
    owner_is_alive,
    read_record,
    write_new_record,
    write_record,
)
from pipeline.settings import Settings


def a_record(run_id: str = "video_20260102_030405", status: RunStatus = RunStatus.RUNNING) -> RunRecord:
    pid, process_started_at = own()
    return RunRecord(
        run_id=run_id,
        status=status,
        created_at=now(),
        pid=pid,
        process_started_at=process_started_at,
        seed=1,
        requested=Settings(),
    )


def test_runs_of_one_second_get_different_names(tmp_path: Path) -> None:
    at = datetime(2026, 1, 2, 3, 4, 5)
    with ThreadPoolExecutor(8) as pool:
        names = [each.run_id for each in pool.map(lambda _: write_new_record(a_record, tmp_path, at), range(32))]
    assert len(set(names)) == 32
    assert "video_20260102_030405" in names
    assert "video_20260102_030405_32" in names
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.json" for name in names}


def test_a_video_without_a_record_keeps_its_name(tmp_path: Path) -> None:
    at = datetime(2026, 1, 2, 3, 4, 5)
    (tmp_path / "video_20260102_030405.webm").touch()
    assert write_new_record(a_record, tmp_path, at).run_id == "video_20260102_030405_2"


def test_a_new_record_is_whole_at_every_moment(tmp_path: Path) -> None:
    at = datetime(2026, 1, 2, 3, 4, 5)
    with ThreadPoolExecutor(1) as pool:
        written = pool.map(lambda _: write_new_record(a_record, tmp_path, at), range(100))
        while len(found := list(tmp_path.glob("video_*.json"))) < 100:
            assert all(read_record(path).run_id == path.stem for path in found)
    assert len(list(written)) == 100


def test_names_are_claimed_where_files_cannot_be_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr("os.link", refuse)
    at = datetime(2026, 1, 2, 3, 4, 5)
    names = [write_new_record(a_record, tmp_path, at).run_id for _ in range(3)]
    assert names == [f"video_20260102_030405{ending}" for ending in ("", "_2", "_3")]
    assert [read_record(tmp_path / f"{name}.json").run_id for name in names] == names
    assert len(list(tmp_path.iterdir())) == 3


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    record = a_record()
    assert read_record(write_record(record, tmp_path)) == record
    assert [path.name for path in tmp_path.iterdir()] == ["video_20260102_030405.json"]


def test_a_reader_never_sees_half_a_record(tmp_path: Path) -> None:
    record = a_record()
    path = write_record(record, tmp_path)
    stop = threading.Event()

    def rewrite() -> None:
        while not stop.is_set():
            write_record(record, tmp_path)

    writer = threading.Thread(target=rewrite)
    writer.start()
    try:
        assert all(read_record(path).run_id == record.run_id for _ in range(200))
    finally:
        stop.set()
        writer.join()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"run_id": 3}', "\x00\xff"])
def test_what_is_no_record_is_said_in_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "video_x.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(InvalidRecord) as caught:
        read_record(path)
    assert "\n" not in str(caught.value)


def test_a_missing_record_and_a_newer_one(tmp_path: Path) -> None:
    with pytest.raises(InvalidRecord, match="cannot be read"):
        read_record(tmp_path / "none.json")
    record = a_record()
    record.schema_version = 99
    with pytest.raises(InvalidRecord, match="newer version"):
        read_record(write_record(record, tmp_path))


@given(data=st.binary(max_size=300))
def test_any_bytes_as_a_record_are_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("record") / "r.json"
    path.write_bytes(data)
    with pytest.raises(InvalidRecord):
        read_record(path)


@pytest.mark.parametrize("hours", [-5000, 5000])
def test_a_clock_that_is_set_takes_no_run_from_its_program(hours: int, monkeypatch: pytest.MonkeyPatch) -> None:
    record = a_record()
    assert owner_is_alive(record)
    boot = psutil.boot_time()
    monkeypatch.setattr("psutil.boot_time", lambda: boot + 3600 * hours)  # the kernel reckons it back from the clock
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: boot + 3600 * hours)
    assert owner_is_alive(record)
    record.process_started_at -= 10.0  # the number was another process's
    assert not owner_is_alive(record)


def test_an_input_that_many_keep_at_once_is_kept(tmp_path: Path, outputs: Path) -> None:
    photo, start = tmp_path / "photo.jpg", Barrier(8)
    photo.write_bytes(os.urandom(3_000_000))

    def kept(_: int) -> str:
        start.wait()
        return keep_input(photo, outputs)[0]

    with ThreadPoolExecutor(8) as pool:
        (name,) = set(pool.map(kept, range(8)))
    assert (outputs / name).read_bytes() == photo.read_bytes()
    assert len(list((outputs / "inputs").iterdir())) == 1


def test_inputs_are_kept_once_by_content(tmp_path: Path) -> None:
    for name in ("one.JPG", "two.jpg"):
        (tmp_path / name).write_bytes(b"same")
    outputs = tmp_path / "outputs"
    first, digest = keep_input(tmp_path / "one.JPG", outputs)
    second, _ = keep_input(tmp_path / "two.jpg", outputs)
    assert first == second == f"inputs/{digest}.jpg"
    assert [path.read_bytes() for path in (outputs / "inputs").iterdir()] == [b"same"]


def test_a_record_without_time_zones_is_refused(tmp_path: Path) -> None:
    path = write_record(a_record(), tmp_path)
    path.write_text(re.sub(r'("created_at": "[^"]+)Z"', r'\1"', path.read_text()))
    with pytest.raises(InvalidRecord, match="created_at"):
        read_record(path)


def test_halves_of_characters_are_told_as_escapes() -> None:
    assert str(InvalidRecord("no setting 'a\ud800b'")) == "no setting 'a\\ud800b'"
