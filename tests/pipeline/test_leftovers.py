"""What programs that are gone leave behind: what waits is taken over in order, what was under way is interrupted."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import InvalidInput, InvalidRecord
from pipeline.leftovers import Leftovers, ask_again, give_up, take_over
from pipeline.records import (
    WORK,
    ErrorRecord,
    InputRecord,
    RunRecord,
    RunStatus,
    StageRecord,
    now,
    own,
    read_record,
    record_path,
    write_record,
)
from pipeline.settings import Settings
from tests.pipeline.history.records import an_output

ASKED = {
    "schema_version",
    "run_id",
    "job",
    "status",
    "created_at",
    "pid",
    "process_started_at",
    "queue_position",
    "group",
    "place",
    "interruptions",
    "seed",
    "requested",
    "inputs",
}
"""What a run that is resumed keeps, or gets anew; all else is what its first attempt found out."""


def put(outputs: Path, run_id: str, is_mine: bool = False, **values: Any) -> RunRecord:
    pid, started = own()
    facts: dict[str, Any] = {
        "run_id": run_id,
        "status": RunStatus.QUEUED,
        "created_at": now(),
        "pid": pid,
        "process_started_at": started if is_mine else started - 1000.0,  # the number was another process's
        "seed": 7,
        "requested": Settings(),
        "inputs": [InputRecord(name="photo.png", path="inputs/0.png")],
    }
    record = RunRecord(**{**facts, **values})
    write_record(record, outputs)
    return record


def names(records: tuple[RunRecord, ...]) -> list[str]:
    return [record.run_id for record in records]


def test_what_waits_is_taken_over_in_the_order_of_its_queue(outputs: Path) -> None:
    put(outputs, "video_1", queue_position=9)
    put(outputs, "video_2", queue_position=3)
    _, started = own()  # seconds since the machine was started: few, on a new one
    put(outputs, "video_3", queue_position=1, process_started_at=started - 2000.0)
    put(outputs, "video_4", queue_position=2, process_started_at=started - 3000.0)
    found = take_over(outputs)
    assert names(found.waiting) == ["video_4", "video_3", "video_2", "video_1"]
    assert found.interrupted == ()
    for run_id in names(found.waiting):
        record = read_record(record_path(outputs, run_id))
        assert (record.status, (record.pid, record.process_started_at)) == (RunStatus.QUEUED, own())


def test_what_was_under_way_is_interrupted_and_its_unfinished_files_go(outputs: Path) -> None:
    put(outputs, "video_1", status=RunStatus.RUNNING)
    put(outputs, "video_2", queue_position=None)  # its program was killed before it could be run or queued
    (outputs / WORK / "video_1").mkdir(parents=True)
    found = take_over(outputs)
    assert names(found.interrupted) == ["video_2", "video_1"]
    for run_id in names(found.interrupted):
        record = read_record(record_path(outputs, run_id))
        assert record.status is RunStatus.INTERRUPTED
        assert record.finished_at is not None
        assert record.error is not None
        assert record.error.exit_code == 130
    assert not (outputs / WORK).exists()


def test_runs_of_a_living_program_finished_ones_and_damaged_records_are_left_alone(outputs: Path) -> None:
    put(outputs, "video_1", is_mine=True, queue_position=1)
    put(outputs, "video_2", is_mine=True, status=RunStatus.RUNNING)
    put(outputs, "video_3", status=RunStatus.SUCCEEDED)
    put(outputs, "video_4", status=RunStatus.CANCELLED)
    (outputs / "video_5.json").write_text('{"status": "queued"')
    (outputs / "video_6.json").write_text("")
    before = {path.name: path.read_bytes() for path in outputs.glob("*.json")}
    assert take_over(outputs) == Leftovers()
    assert {path.name: path.read_bytes() for path in outputs.glob("*.json")} == before


def test_of_programs_that_start_together_each_run_goes_to_one(outputs: Path) -> None:
    for number in range(12):
        put(outputs, f"video_{number:02}", queue_position=number)
    script = "import sys; from pathlib import Path; from pipeline.leftovers import take_over\n"
    script += "print(*[record.run_id for record in take_over(Path(sys.argv[1])).waiting]); sys.stdout.flush(); input()"
    command = [sys.executable, "-c", script, str(outputs)]
    programs = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    with ThreadPoolExecutor() as pool:
        told = list(pool.map(lambda program: str(program.stdout and program.stdout.readline()).split(), programs))
    for program in programs:
        program.communicate("\n")
    assert sorted(run_id for each in told for run_id in each) == [f"video_{number:02}" for number in range(12)]


def test_only_what_has_its_inputs_is_offered_to_be_resumed(outputs: Path) -> None:
    put(outputs, "video_1", status=RunStatus.INTERRUPTED)
    put(outputs, "video_2", status=RunStatus.INTERRUPTED, inputs=[InputRecord(name="photo.png")])
    put(outputs, "video_3", status=RunStatus.INTERRUPTED, inputs=[])
    assert names(take_over(outputs).interrupted) == ["video_1"]


def test_a_run_asked_for_again_keeps_what_was_asked_and_forgets_what_came_of_it(outputs: Path) -> None:
    ended = now()
    before = put(
        outputs,
        "video_1",
        status=RunStatus.INTERRUPTED,
        group="together",
        used=Settings(),
        stages=[StageRecord(name="prepare", seconds=1.0)],
        finished_at=ended,
        error=ErrorRecord(type="Interrupted", message="gone", exit_code=130),
        output=an_output("a.mp4", 1),
    )
    record = ask_again("video_1", outputs)
    assert record == read_record(record_path(outputs, "video_1"))
    assert (record.status, record.interruptions) == (RunStatus.QUEUED, [ended])
    assert (record.pid, record.process_started_at) == own()
    for name in ("seed", "requested", "inputs", "group", "created_at"):
        assert getattr(record, name) == getattr(before, name)
    fresh = put(outputs, "video_2", is_mine=True)
    for name in RunRecord.model_fields.keys() - ASKED:
        assert getattr(record, name) == getattr(fresh, name), name
    with pytest.raises(InvalidInput, match="not interrupted any more"):
        ask_again("video_1", outputs)


def test_a_run_given_up_is_cancelled_and_offered_no_more(outputs: Path) -> None:
    put(outputs, "video_1", status=RunStatus.INTERRUPTED)
    give_up("video_1", outputs)
    assert json.loads((outputs / "video_1.json").read_text())["status"] == "cancelled"
    assert take_over(outputs) == Leftovers()
    with pytest.raises(InvalidRecord):
        give_up("video_2", outputs)


def test_a_video_that_had_its_name_already_is_finished_and_one_that_had_not_is_not(outputs: Path) -> None:
    for number, size in ((1, 1000), (2, 999), (3, None)):
        put(outputs, f"video_{number}", status=RunStatus.RUNNING, output=an_output(f"video_{number}.mp4", 1000))
        if size is not None:
            (outputs / f"video_{number}.mp4").write_bytes(b"x" * size)
    assert names(take_over(outputs).interrupted) == ["video_3", "video_2"]
    found = [read_record(record_path(outputs, f"video_{number}")) for number in (1, 2, 3)]
    assert [each.status for each in found] == [RunStatus.SUCCEEDED, RunStatus.INTERRUPTED, RunStatus.INTERRUPTED]
    assert [each.output is None for each in found] == [False, True, True]
    assert found[0].error is None


def test_what_programs_that_are_gone_were_writing_is_swept(outputs: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (outputs / "inputs").mkdir()
    left = [outputs / f".video_1.json.{gone.pid}.part", outputs / "inputs" / f".a.jpg.{gone.pid}.part"]
    mine = [outputs / f".video_2.json.{os.getpid()}.part", outputs / "video_8.json", outputs / ".note.part"]
    claimed = outputs / "video_9.json"
    for path in (*left, *mine, claimed):
        path.touch()
    os.utime(claimed, (1e9, 1e9))
    take_over(outputs)
    assert not any(path.exists() for path in (*left, claimed))
    assert all(path.exists() for path in mine)
