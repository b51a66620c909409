"""The index says what the records say, whatever happens to it, to them or to the folder."""

import json
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import OutputFailed
from pipeline.history import Entry, EntryState, History, Order, Query
from pipeline.records import ModelRecord, RunStatus, read_record, record_path, write_record
from tests.pipeline.history.records import START, an_output, put


def ids(outputs: Path, **query: Any) -> list[str]:
    return [entry.run_id for entry in History(outputs).find(Query(**query), limit=1000).entries]


def test_an_empty_folder_and_one_that_is_not_there_yet_have_no_runs(outputs: Path, tmp_path: Path) -> None:
    assert ids(outputs) == ids(tmp_path / "none") == []


def test_an_entry_tells_what_the_record_tells(outputs: Path) -> None:
    model = ModelRecord(name="svd", repository="a/b")
    run_id = put(outputs, 3, "Waves", output=an_output("video.mp4", 5, 2.5), model=model)
    (entry,) = History(outputs).find(Query()).entries
    assert entry.state is EntryState.WHOLE
    assert (entry.run_id, entry.status, entry.prompt, entry.seed) == (run_id, RunStatus.SUCCEEDED, "Waves", 3)
    assert (entry.engine, entry.model, entry.job, entry.inputs) == ("motion", "svd", "animate", "photo 3.jpg")
    assert entry.created_at == START + timedelta(hours=3)
    assert (entry.output, entry.width, entry.height, entry.duration, entry.bytes) == ("video.mp4", 64, 48, 2.5, 5)
    assert entry.seconds == 3.0


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"text": "WAVES sea"}, [1]),
        ({"text": "photo"}, [2, 1, 0]),
        ({"text": "photo 2.jpg"}, [2]),
        ({"text": "ｗａｖｅｓ"}, [1]),  # full-width
        ({"text": "海"}, [2]),
        ({"text": "100%"}, [0]),
        ({"text": "%"}, [0]),  # no wildcard
        ({"text": "x' OR 1=1 --"}, []),
        ({"seed": 2}, [2]),
        ({"seed": 10**30}, []),
        ({"status": RunStatus.FAILED}, [2]),
        ({"engine": "motion"}, [2, 1, 0]),
        ({"engine": "svd"}, []),
        ({"job": "transition"}, []),
        ({"order": Order.OLDEST}, [0, 1, 2]),
        ({"order": Order.SLOWEST}, [2, 1, 0]),
        ({"order": Order.PROMPT}, [0, 1, 2]),
    ],
)
def test_runs_are_found_by_words_and_fields(outputs: Path, query: dict[str, Any], expected: list[int]) -> None:
    runs = [
        put(outputs, 0, "100% zoom"),
        put(outputs, 1, "Waves of the sea"),
        put(outputs, 2, "海浪", status=RunStatus.FAILED),
    ]
    assert ids(outputs, **query) == [runs[number] for number in expected]


def test_days_are_local_and_include_the_last_one(outputs: Path) -> None:
    runs = [put(outputs, 24 * number) for number in range(5)]
    days = [read_record(record_path(outputs, run_id)).created_at.astimezone().date() for run_id in runs]
    assert ids(outputs, since=days[1], until=days[3]) == runs[3:0:-1]
    assert ids(outputs, since=days[4].max) == []
    assert ids(outputs, since=days[4].min, until=days[4].max) == runs[::-1]


def test_videos_are_sorted_by_length_and_size(outputs: Path) -> None:
    sizes = [(10, 3.0), (30, 1.0), (20, 2.0)]
    runs = [put(outputs, number, output=an_output("v.mp4", *size)) for number, size in enumerate(sizes)]
    assert ids(outputs, order=Order.LARGEST) == [runs[1], runs[2], runs[0]]
    assert ids(outputs, order=Order.LONGEST) == [runs[0], runs[2], runs[1]]


def test_pages_together_are_the_whole(outputs: Path) -> None:
    runs = [put(outputs, number) for number in range(7)]
    history = History(outputs)
    pages = [history.find(Query(), limit=3, offset=offset) for offset in (0, 3, 6)]
    assert [entry.run_id for page in pages for entry in page.entries] == runs[::-1]
    assert {page.total for page in pages} == {7}
    assert history.engines() == ["motion"]


def test_changes_of_the_folder_are_seen(outputs: Path) -> None:
    kept, gone = put(outputs, 1, "old"), put(outputs, 2)
    history = History(outputs)
    assert history.find(Query()).total == 2
    record_path(outputs, gone).unlink()
    put(outputs, 1, "new")
    added = put(outputs, 3)
    (outputs / "video_20260101_000000.json").touch()  # a name that is only reserved
    (outputs / "video_9.json").mkdir()
    (outputs / "video_8.json").symlink_to(record_path(outputs, kept))
    (outputs / "notes.json").write_text("{}")
    found = history.find(Query()).entries
    assert [(entry.run_id, entry.prompt) for entry in found] == [(added, ""), (kept, "new")]
    assert history.index.update() == 0


@pytest.mark.parametrize(
    "text", ["{", "[]", "null", '{"run_id": 3}', "\x00\xff", '{"schema_version": "x"}', "[" * 9000]
)
def test_a_damaged_record_is_listed_as_such(outputs: Path, text: str) -> None:
    whole = put(outputs, 1)
    (outputs / "video_20250101_000000.json").write_text(text, encoding="latin-1")
    newest, damaged = History(outputs).find(Query(order=Order.OLDEST)).entries
    assert newest.run_id == whole
    assert (damaged.run_id, damaged.state, damaged.status) == ("video_20250101_000000", EntryState.DAMAGED, None)
    assert damaged.reason.endswith(".")
    assert "\n" not in damaged.reason


def test_a_record_of_a_newer_version_is_listed_as_such(outputs: Path) -> None:
    path = record_path(outputs, put(outputs, 1))
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": 99, "new_field": 1}))
    (entry,) = History(outputs).find(Query()).entries
    assert entry.state is EntryState.NEWER
    assert "newer version" in entry.reason


def change(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def test_times_and_numbers_that_make_no_sense_are_damage(outputs: Path) -> None:
    change(record_path(outputs, put(outputs, 1)), seed=10**40)
    change(record_path(outputs, put(outputs, 2)), finished_at="2026-01-01T00:00:00")  # no time zone
    states = {entry.state for entry in History(outputs).find(Query()).entries}
    assert states == {EntryState.DAMAGED}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=40)
@given(values=st.dictionaries(st.sampled_from(["status", "seed", "created_at", "inputs", "output", "used"]), JSON))
def test_any_values_in_a_record_are_listed(tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]) -> None:
    outputs = tmp_path_factory.mktemp("outputs")
    change(record_path(outputs, put(outputs, 1)), **values)
    assert History(outputs).find(Query()).total == 1


@pytest.mark.parametrize("damage", ["text", "middle", "cut", "table", "version", "folder gone"])
def test_a_damaged_index_is_built_anew(outputs: Path, damage: str) -> None:
    runs = [put(outputs, number, "words " * 50) for number in range(40)]
    assert len(ids(outputs)) == 40
    path = outputs / ".index" / "history.sqlite"
    spoil(path, damage)
    assert ids(outputs) == runs[::-1]
    assert ids(outputs) == runs[::-1]


def spoil(path: Path, damage: str) -> None:
    data = path.read_bytes()
    if damage == "text":
        path.write_text("this is no database" * 100)
    elif damage == "middle":
        path.write_bytes(data[:4096] + b"\xa5" * (len(data) - 4096))
    elif damage == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "folder gone":
        for each in path.parent.iterdir():
            each.unlink()
        path.parent.rmdir()
    else:
        connection = sqlite3.connect(path)
        if damage == "table":
            connection.execute("ALTER TABLE run RENAME COLUMN prompt TO words")
        else:
            connection.execute("PRAGMA user_version = 77")
        connection.commit()
        connection.close()


def test_an_index_that_breaks_while_the_program_runs_is_built_anew(outputs: Path) -> None:
    put(outputs, 1)
    history = History(outputs)
    assert history.find(Query()).total == 1
    spoil(history.index.path, "text")
    assert history.find(Query()).total == 1
    spoil(history.index.path, "folder gone")
    assert history.find(Query()).total == 1


def test_a_folder_that_cannot_hold_an_index_is_said_in_one_sentence(outputs: Path) -> None:
    (outputs / ".index").write_text("a file where the folder should be")
    with pytest.raises(OutputFailed, match="cannot be used"):
        History(outputs).find(Query())


SEARCHES = """
import sys
from pathlib import Path
from pipeline.history import History, Query
history = History(Path(sys.argv[1]))
print(*[history.find(Query(), limit=1000).total for _ in range(15)])
"""


def test_two_programs_and_several_threads_share_an_index_while_records_change(outputs: Path) -> None:
    for number in range(60):
        put(outputs, number)
    other = subprocess.Popen([sys.executable, "-c", SEARCHES, str(outputs)], stdout=subprocess.PIPE, text=True)
    history = History(outputs)

    def search(number: int) -> tuple[Entry, ...]:
        record = read_record(record_path(outputs, put(outputs, number)))
        write_record(record.model_copy(update={"seed": 1000 + number}), outputs)
        return history.find(Query(), limit=1000).entries

    with ThreadPoolExecutor(4) as pool:
        assert all(len(entries) == 60 for entries in pool.map(search, range(40)))
    totals, _ = other.communicate(timeout=60)
    assert totals.split() == ["60"] * 15
    seeds = [entry.seed for entry in history.find(Query(order=Order.OLDEST), limit=1000).entries]
    assert seeds == [*range(1000, 1040), *range(40, 60)]
