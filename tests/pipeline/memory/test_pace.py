"""The time of a run, learned from the records of earlier ones."""

import os
from pathlib import Path
from typing import Any

import pytest

from pipeline.memory.pace import ALIKE, NEWEST, expected_seconds
from pipeline.records import ModelRecord, PhaseRecord, RunRecord, RunStatus, StageRecord, now, read_record, write_record
from pipeline.settings import Settings, make_settings


def resolved(frames: int = 16, steps: int = 10, width: int = 512, **sections: dict[str, Any]) -> Settings:
    animate = {
        "engine": "i2vgen-xl",
        "num_frames": frames,
        "num_inference_steps": steps,
        "precision": "float32",
        **sections.pop("animate", {}),
    }
    return make_settings({"prepare": {"width": width, "height": 512}, "animate": animate, **sections})


def keep(
    outputs: Path,
    number: int,
    used: Settings | None = None,
    step: float = 2.0,
    status: RunStatus = RunStatus.SUCCEEDED,
    device: str = "cpu",
) -> Path:
    """Write the record of a run whose loading took 4 s, reading the prompt 1 s, a frame's decoding 0.5 s."""
    used = used or resolved()
    animate = used.animate
    phases = [PhaseRecord(name="load", seconds=4.0), PhaseRecord(name="condition", seconds=1.0)]
    for _ in range(animate.candidates):
        phases.append(PhaseRecord(name="sample", seconds=77.0, steps=3, outcome="out of memory"))
        steps = animate.num_inference_steps
        phases.append(PhaseRecord(name="sample", seconds=step * steps, steps=steps))
        phases.append(PhaseRecord(name="decode", seconds=0.5 * animate.num_frames, steps=animate.num_frames))
    record = RunRecord(
        run_id=f"video_20260101_{number:06}",
        status=status,
        created_at=now(),
        pid=1,
        process_started_at=0.0,
        seed=1,
        requested=used,
        used=used,
        stages=[StageRecord(name="animate", seconds=1.0, phases=phases)],
        model=ModelRecord(name=animate.engine, repository="r", device=device, precision=animate.precision),
    )
    return write_record(record, outputs)


def test_the_same_run_takes_as_long_again(outputs: Path) -> None:
    keep(outputs, 1)
    assert expected_seconds(outputs, resolved(), "cpu") == pytest.approx(4 + 1 + 20 + 8)


def test_a_run_whose_frames_another_model_made_teaches_nothing(outputs: Path) -> None:
    """Such as a transition with painted key frames, for which an engine is set and has nothing to do."""
    record = read_record(keep(outputs, 1))
    record.model = ModelRecord(name="sd-1.5", repository="r", device="cpu", precision="float32")
    write_record(record, outputs)
    assert expected_seconds(outputs, resolved(), "cpu") is None


def test_the_precision_that_a_device_has_by_itself_is_the_one_in_the_record(outputs: Path) -> None:
    keep(outputs, 1)
    assert expected_seconds(outputs, resolved(animate={"precision": None}), "cpu") is not None
    assert expected_seconds(outputs, resolved(animate={"precision": "bfloat16"}), "cpu") is None


@pytest.mark.parametrize(
    ("wanted", "seconds"),
    [
        (resolved(steps=30), 5 + 60 + 8),
        (resolved(frames=32), 5 + 40 + 16),
        (resolved(width=1024), 5 + 40 + 16),
        (resolved(animate={"guidance_scale": 1.0}), 5 + 10 + 4),
        (resolved(animate={"candidates": 3}), 5 + 3 * 28),
        (resolved(frames=32, animate={"sample_frames": 16}), 5 + 20 + 8),
    ],
)
def test_other_work_takes_longer_in_proportion(outputs: Path, wanted: Settings, seconds: float) -> None:
    keep(outputs, 1)
    assert expected_seconds(outputs, wanted, "cpu") == pytest.approx(seconds)


def test_a_run_of_several_candidates_teaches_the_time_of_one(outputs: Path) -> None:
    keep(outputs, 1, resolved(animate={"candidates": 4}))
    assert expected_seconds(outputs, resolved(), "cpu") == pytest.approx(33)


def test_newer_runs_and_those_of_the_same_size_count_most(outputs: Path) -> None:
    for number, step in ((1, 10.0), (2, 2.0)):
        keep(outputs, number, step=step)
    expected = expected_seconds(outputs, resolved(), "cpu")
    assert expected is not None
    assert 33 < expected < (33 + 113) / 2
    keep(outputs, 3, resolved(frames=2), step=100.0)
    with_other = expected_seconds(outputs, resolved(), "cpu")
    assert with_other is not None
    simple_mean = (33 + 113 + 5 + 8000 + 8) / 3
    assert expected < with_other < simple_mean


def test_nothing_alike_gives_no_time(outputs: Path) -> None:
    assert expected_seconds(None, resolved(), "cpu") is None
    assert expected_seconds(outputs, resolved(), "cpu") is None
    keep(outputs, 1, status=RunStatus.FAILED)
    keep(outputs, 2, device="cuda")
    keep(outputs, 3, resolved(animate={"engine": "svd"}))
    keep(outputs, 4, resolved(runtime={"offload": "group"}))
    (outputs / "video_20260101_000005.json").write_text("{")
    assert expected_seconds(outputs, resolved(), "cpu") is None
    assert expected_seconds(outputs, make_settings({}), "cpu") is None


def test_a_record_that_was_finished_since_is_read_again(outputs: Path) -> None:
    path = keep(outputs, 1, status=RunStatus.RUNNING)
    assert expected_seconds(outputs, resolved(), "cpu") is None
    keep(outputs, 1)
    os.utime(path, ns=(1, 1))
    assert expected_seconds(outputs, resolved(), "cpu") == pytest.approx(33)


def test_thousands_of_records_are_not_all_read(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = keep(outputs, 1, resolved(animate={"engine": "svd"})).read_bytes()
    for number in range(2, 2000):
        (outputs / f"video_20260101_{number:06}.json").write_bytes(text)
    read: list[Path] = []

    def counted(path: Path) -> RunRecord:
        read.append(path)
        return read_record(path)

    monkeypatch.setattr("pipeline.memory.pace.read_record", counted)
    assert expected_seconds(outputs, resolved(), "cpu") is None
    assert len(read) == NEWEST
    assert expected_seconds(outputs, resolved(), "cpu") is None
    assert len(read) == NEWEST
    for number in range(3000, 3000 + 2 * ALIKE):
        keep(outputs, number)
    assert expected_seconds(outputs, resolved(), "cpu") == pytest.approx(33)
    assert len(read) == NEWEST + ALIKE
