"""The account of a run: measures, advice as buttons, what was changed to fit into memory, phases, runs side by side."""

import re
from fractions import Fraction
from pathlib import Path

import psutil
import pytest

from app.account import (
    account,
    downgrades_part,
    forecast_facts,
    measured,
    model_facts,
    quality_part,
    try_text,
)
from app.jobs import Snapshot
from pipeline.records import (
    Advice,
    DowngradeRecord,
    ForecastRecord,
    InputRecord,
    ModelRecord,
    OutputRecord,
    PhaseRecord,
    RunRecord,
    RunStatus,
    StageRecord,
    now,
)
from pipeline.settings import Settings, make_settings

NASTY = '<img src=x onerror="alert(1)">'


def record_of(run_id: str = "video_1", settings: Settings | None = None) -> RunRecord:
    process = psutil.Process()
    return RunRecord(
        run_id=run_id,
        status=RunStatus.SUCCEEDED,
        created_at=now(),
        pid=process.pid,
        process_started_at=process.create_time(),
        seed=1,
        requested=settings or make_settings({"animate": {"engine": "i2vgen-xl"}}),
        inputs=[InputRecord(name="a.png")],
    )


def film(path: str) -> OutputRecord:
    return OutputRecord(
        path=path, sha256="0", width=64, height=64, fps=Fraction(8), num_frames=8, codec="h264", duration=1.0, bytes=100
    )


def job_of(record: RunRecord, position: int = 0) -> Snapshot:
    return Snapshot(record, (Path("a.png"),), None, None, (), position, stopping=False, version=1)


@pytest.fixture
def rung() -> DowngradeRecord:
    return DowngradeRecord(
        rung="tiled-decoding",
        phase="decode",
        reason="shortage",
        message=f"Frames are decoded in tiles {NASTY}.",
        changes_picture=False,
        before={"animate.vae_tiling": False, "animate.sample_frames": None},
        after={"animate.vae_tiling": True, "animate.sample_frames": 12},
    )


def test_a_rung_is_shown_with_its_values_before_and_after(rung: DowngradeRecord) -> None:
    shown = downgrades_part([rung])
    assert "Decode in tiles <s>off</s> → <b>on</b>" in shown
    assert "Frames to sample <s>automatic</s> → <b>12</b>" in shown
    assert "same picture" in shown
    assert "<img" not in shown
    assert "changes the picture" in downgrades_part([rung.model_copy(update={"changes_picture": True})])
    assert downgrades_part([]) == ""


def test_an_advice_with_runs_is_a_button_and_one_without_is_plain_text() -> None:
    record = record_of()
    record.quality = {"first_frame_psnr": 20.0, "first_frame_ssim": 0.5}
    runs = [{"animate": {"guidance_scale": value}, "seed": 4} for value in (7.0, 9.0)]
    record.advice = [Advice(key="image", message=NASTY), Advice(key="motion", message="Little moves.", runs=runs)]
    shown = quality_part(record)
    assert re.findall(r'data-advice="(\d+)" data-of="([^"]+)"', shown) == [("1", "video_1")]
    assert "Try guidance scale 7, 9" in shown
    assert "<img" not in shown
    assert quality_part(record_of()) == ""


@pytest.mark.parametrize(
    ("runs", "text"),
    [
        ([{"animate": {"num_inference_steps": 80}}], "Try inference steps 80"),
        ([{"animate": {"lora_scale": 0.5}}], "Try LoRA strength 0.5"),
        ([{"prompt": "a " * 60}], "Try prompt a a a"),
        ([{"animate": {"candidates": 4}, "seed": 7}], "Try candidates 4"),
    ],
)
def test_a_button_says_what_it_changes(runs: list[dict[str, object]], text: str) -> None:
    said = try_text(Advice(key="x", message="", runs=runs))
    assert said.startswith(text)
    assert len(said) < 80


def test_kept_candidates_can_be_played_and_downloaded(tmp_path: Path) -> None:
    record = record_of()
    record.candidates = [film("video_1_candidate_2.mp4"), film("video_1_candidate_3.gif")]
    shown = account(job_of(record), tmp_path)
    assert (shown.count("<video"), shown.count("<img"), shown.count(" download>")) == (1, 1, 2)


def test_phases_are_listed_with_failed_attempts_and_gpu_memory_where_there_is_one() -> None:
    record = record_of()
    phases = [
        PhaseRecord(name="decode", seconds=1.25, steps=16, peak_memory_bytes=2 * 10**9, outcome="out of memory"),
        PhaseRecord(name="decode", seconds=2.5, steps=16, peak_memory_bytes=10**9),
    ]
    record.stages = [StageRecord(name="animate", seconds=4.0, phases=phases)]
    record.memory_timeline = [(0.0, 10**9), (4.0, 2 * 10**9)]
    shown = measured(record)
    for text in ("Decoding", "1.25 s", "2.0 GB", "out of memory", "Memory over time"):
        assert text in shown
    assert "GPU" not in shown
    phases[1].peak_gpu_bytes = 3 * 10**9
    record.stages = [StageRecord(name="animate", seconds=4.0, phases=phases)]
    assert "3.0 GB" in measured(record)


def test_model_and_forecast_are_told_where_there_are_any() -> None:
    record = record_of()
    assert model_facts(record) == forecast_facts(record) == ""
    record.model = ModelRecord(name="svd", repository=NASTY, licence="MIT", device="cuda", precision="float16")
    record.forecast = ForecastRecord(device="cuda", gpu_bytes=10**10, ram_bytes=10**9, disk_bytes=1, seconds=100.0)
    shown = model_facts(record) + forecast_facts(record)
    for text in ("MIT", "GPU", "float16", "10.0 GB on the GPU", "1.0 GB of memory", "2 min"):
        assert text in shown
    assert "<img" not in shown
