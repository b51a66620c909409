"""Every shortage of memory ends in a video and a record that names the rungs, or in exit 3 with advice."""

import json
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pipeline.catalogue import get_card
from pipeline.command_line import main
from pipeline.engines.diffusion import sampling, store
from pipeline.memory.forecast import forecast
from pipeline.models.resident import RESIDENT
from pipeline.models.weights import measured_card
from pipeline.records import RunRecord, RunStatus
from pipeline.settings import RuntimeSettings
from pipeline.video import probe, read_frames
from tests.conftest import TinyModels
from tests.pictures import scene
from tests.pipeline.shortages import ALWAYS, Shortages, encoder_has_no_room, make_run, phases, rungs

Run = Callable[..., RunRecord]

SAMPLING = [
    "guidance-passes",
    "feed-forward-chunks",
    "bfloat16",
    "frames-three-quarters",
    "frames-half",
    "no-guidance",
]
"""The rungs of I2VGen-XL on a processor, for the smallest picture."""

DECODING = ["tiled-decoding", "decode-bfloat16"]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(scene(96, 96)).save(path)
    return path


@pytest.fixture
def run(photo: Path, outputs: Path, tiny_models: TinyModels) -> Iterator[Run]:
    models = tiny_models("i2vgen-xl")
    RESIDENT.release()
    yield lambda **sections: make_run(photo, outputs, models, **sections)
    RESIDENT.release()


@pytest.fixture
def shortages(monkeypatch: pytest.MonkeyPatch) -> Shortages:
    return Shortages(monkeypatch)


def check_video(record: RunRecord, outputs: Path, taken: list[str]) -> None:
    """The video is what was asked for, and the record says by which rungs."""
    assert (record.status, record.error) == (RunStatus.SUCCEEDED, None)
    assert record.output is not None
    info = probe(outputs / record.output.path)
    assert (info.width, info.height, info.num_frames) == (64, 64, 4)
    assert rungs(record) == taken
    warnings = [notice.message for notice in record.notices if notice.level == "warning"]
    assert {downgrade.message for downgrade in record.downgrades} <= set(warnings)
    assert {downgrade.reason for downgrade in record.downgrades} <= {"shortage"}


def check_refusal(record: RunRecord, outputs: Path, taken: list[str]) -> None:
    """Exit 3, one sentence with advice, and nothing left but the record."""
    assert record.status is RunStatus.FAILED
    assert record.error is not None
    assert (record.error.type, record.error.exit_code) == ("OutOfMemory", 3)
    assert record.error.message.endswith("may help.")
    assert rungs(record) == taken
    assert not list(outputs.glob("*.mp4"))
    assert not (outputs / ".work").exists()


@pytest.mark.parametrize(("step", "times"), [(1, 1), (2, 2), (3, 4)])
def test_a_shortage_at_a_step_takes_the_next_rung_and_repeats_sampling_alone(
    run: Run, shortages: Shortages, outputs: Path, step: int, times: int
) -> None:
    shortages.plan("step", step, times)
    record = run()
    check_video(record, outputs, SAMPLING[:times])
    failed = [(name, outcome) for name, outcome in phases(record) if outcome != "done"]
    assert failed == [("sample", "out of memory")] * times
    assert shortages.counts["step"] == times * step + 3
    # The prompt is read again only where the number format has changed, or the frames.
    assert shortages.counts["load"] == shortages.counts["condition"] - (times > 3) == 1 + (times > 2)


def test_sampling_that_never_fits_ends_with_advice_when_all_rungs_are_taken(
    run: Run, shortages: Shortages, outputs: Path
) -> None:
    shortages.plan("step", 2, ALWAYS)
    record = run(animate={"num_frames": 8})
    check_refusal(record, outputs, SAMPLING)
    assert shortages.counts["sample"] == len(SAMPLING) + 1
    assert shortages.counts["decode"] == 0


def test_a_larger_picture_is_made_at_lower_resolutions_in_its_own_size(run: Run, shortages: Shortages) -> None:
    shortages.plan("step", 1, 4)
    record = run(prepare={"width": 320, "height": 384}, animate={"num_inference_steps": 1, "num_frames": 2})
    assert rungs(record) == [*SAMPLING[:3], "resolution"]
    assert record.output is not None
    assert (record.output.width, record.output.height) == (320, 384)
    assert record.used is not None
    assert (record.used.animate.sample_width, record.used.animate.sample_height) == (256, 320)


@pytest.mark.parametrize("frame", [1, 3])
def test_a_shortage_in_decoding_repeats_decoding_alone(
    run: Run, shortages: Shortages, outputs: Path, frame: int
) -> None:
    shortages.plan("decode", frame, 1)
    record = run()
    check_video(record, outputs, DECODING[:1])
    assert (shortages.counts["load"], shortages.counts["condition"], shortages.counts["step"]) == (1, 1, 3)
    assert shortages.counts["decode"] == frame + 4
    assert [(name, outcome) for name, outcome in phases(record) if name in ("sample", "decode")] == [
        ("sample", "done"),
        ("decode", "out of memory"),
        ("decode", "done"),
    ]


@pytest.mark.parametrize("frame", [1, 4])
def test_decoding_that_fails_in_tiles_goes_on_in_bfloat16_from_the_same_latents(
    run: Run, shortages: Shortages, outputs: Path, frame: int
) -> None:
    whole = run(encode={"crf": 0})
    shortages.counts.clear()
    shortages.plan("decode", frame, 2)
    record = run(encode={"crf": 0})
    check_video(record, outputs, DECODING)
    assert (shortages.counts["load"], shortages.counts["condition"], shortages.counts["step"]) == (0, 1, 3)
    assert shortages.counts["decode"] == 2 * frame + 4
    assert [outcome for name, outcome in phases(record) if name == "decode"] == ["out of memory"] * 2 + ["done"]
    assert record.used is not None
    assert (record.used.animate.precision, record.used.animate.decode_precision) == ("float32", "bfloat16")
    assert 0 < difference(whole, record, outputs) <= 8


def test_after_decoding_in_bfloat16_the_model_is_loaded_anew_and_the_next_run_is_as_ever(
    run: Run, shortages: Shortages, outputs: Path
) -> None:
    first = run()
    shortages.plan("decode", 1, 2)
    check_video(run(), outputs, DECODING)
    assert RESIDENT.model is None
    again = run()
    check_video(again, outputs, [])
    assert shortages.counts["load"] == 2
    assert video_hashes(again) == video_hashes(first)
    assert again.used == first.used


def test_no_candidate_is_sampled_with_weights_that_were_rounded(run: Run) -> None:
    narrow = {"decode_precision": "bfloat16"}
    bare = {"embed_settings": False}  # which differ
    both = run(animate={"candidates": 2, "keep_candidates": True, **narrow}, encode=bare)
    alone = [run(seed=seed, animate=narrow, encode=bare) for seed in (3, 4)]
    assert video_hashes(both) == video_hashes(alone[0]) | video_hashes(alone[1])


def video_hashes(record: RunRecord) -> set[str]:
    """Of the video, and of the other candidates."""
    assert record.output is not None
    return {record.output.sha256, *(each.sha256 for each in record.candidates)}


def test_a_wider_format_to_decode_in_keeps_the_model(run: Run, shortages: Shortages) -> None:
    half = {"precision": "bfloat16"}
    run(animate=half)
    model = RESIDENT.model
    wide = run(animate={**half, "decode_precision": "float32"})
    assert RESIDENT.model is model
    assert model.vae.dtype is torch.bfloat16
    assert shortages.counts["load"] == 1
    assert wide.status is RunStatus.SUCCEEDED


def test_latents_are_read_from_the_disk_when_decoding_is_repeated(
    run: Run, shortages: Shortages, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    load_latents = store.load_latents

    def watched(path: Path) -> object:
        read.append(path)
        return load_latents(path)

    monkeypatch.setattr(sampling, "load_latents", watched)
    shortages.plan("decode", 2, 1)
    run()
    assert len(read) == 2
    assert read[0] == read[1]


def test_decoding_that_never_fits_ends_with_advice(run: Run, shortages: Shortages, outputs: Path) -> None:
    shortages.plan("decode", 1, ALWAYS)
    check_refusal(run(), outputs, DECODING)


@pytest.mark.parametrize(("phase", "times"), [("load", 1), ("place", 1), ("condition", 1), ("load", ALWAYS)])
def test_a_shortage_before_sampling_is_met_as_well(
    run: Run, shortages: Shortages, outputs: Path, phase: str, times: int
) -> None:
    shortages.plan(phase, 1, times)
    if times == 1:
        check_video(run(), outputs, ["bfloat16"])
        assert shortages.counts["step"] == 3
    else:
        check_refusal(run(), outputs, ["bfloat16"])
        assert shortages.counts["step"] == 0


@pytest.mark.parametrize(
    "error",
    [
        lambda: RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"),
        lambda: RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
)
def test_a_shortage_is_known_in_other_words_too(
    run: Run, shortages: Shortages, outputs: Path, error: Callable[[], Exception]
) -> None:
    shortages.plan("step", 2, 1, error)
    check_video(run(), outputs, SAMPLING[:1])


@pytest.mark.allow_errors
def test_another_error_takes_no_rung(run: Run, shortages: Shortages) -> None:
    shortages.plan("step", 2, 1, lambda: RuntimeError("the shapes do not match"))
    record = run()
    assert record.error is not None
    assert record.error.exit_code == 1
    assert rungs(record) == []


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (1, ["free-model"]),
        (3, ["free-model", "encoder-thread", "encoder-preset"]),
    ],
)
def test_an_encoder_without_room_encodes_the_same_frames_again(
    run: Run, shortages: Shortages, outputs: Path, times: int, expected: list[str]
) -> None:
    shortages.plan("encode", 3, times, encoder_has_no_room)
    record = run()
    check_video(record, outputs, expected)
    assert (shortages.counts["step"], shortages.counts["decode"]) == (3, 4)
    assert shortages.counts["encode"] == 3 * times + 5  # once more at the end, for what was held back
    assert [stage.downgrades for stage in record.stages] == [[], [], expected]


def test_an_encoder_that_never_has_room_ends_with_exit_3(run: Run, shortages: Shortages) -> None:
    shortages.plan("encode", 1, ALWAYS, encoder_has_no_room)
    record = run()
    assert record.error is not None
    assert (record.error.exit_code, shortages.counts["step"]) == (3, 3)


def test_shortages_in_several_phases_add_up(run: Run, shortages: Shortages, outputs: Path) -> None:
    shortages.plan("step", 3, 2)
    shortages.plan("decode", 2, 1)
    shortages.plan("encode", 2, 1, encoder_has_no_room)
    record = run()
    check_video(record, outputs, ["guidance-passes", "feed-forward-chunks", "tiled-decoding", "free-model"])
    assert shortages.counts["step"] == 3 * 3


def test_nothing_that_changes_the_picture_is_done_where_it_is_forbidden(
    run: Run, shortages: Shortages, outputs: Path
) -> None:
    shortages.plan("step", 1, ALWAYS)
    record = run(runtime={"allow_downgrades": False})
    assert rungs(record) == ["guidance-passes", "feed-forward-chunks"]
    assert record.error is not None
    assert record.error.exit_code == 3
    assert "runtime.allow_downgrades would let it go on" in record.error.message
    assert not list(outputs.glob("*.mp4"))


@pytest.mark.parametrize("phase", ["condition", "step", "decode"])
def test_the_tensors_of_a_failed_attempt_are_gone_before_the_next_one(
    run: Run, shortages: Shortages, phase: str
) -> None:
    shortages.plan(phase, 1 if phase == "condition" else 2, 2 if phase == "step" else 1)
    assert run().status is RunStatus.SUCCEEDED
    assert shortages.held >= (1 if phase == "condition" else 2)
    assert set(shortages.alive) == {0}


def test_the_next_run_starts_at_the_top_again(run: Run, shortages: Shortages, outputs: Path) -> None:
    first = run()
    shortages.plan("step", 1, 3)
    assert rungs(run()) == SAMPLING[:3]
    again = run()
    check_video(again, outputs, [])
    assert first.output is not None
    assert again.output is not None
    assert again.output.sha256 == first.output.sha256
    assert again.used == first.used


def test_what_exact_rungs_leave_as_it_is_does_stay(run: Run, shortages: Shortages, outputs: Path) -> None:
    plain = run(encode={"crf": 0})
    shortages.plan("step", 1, 2)
    shortages.plan("decode", 1, 1)
    lower = run(encode={"crf": 0})
    assert rungs(lower) == [*SAMPLING[:2], "tiled-decoding"]
    assert difference(plain, lower, outputs) <= 2


def difference(first: RunRecord, second: RunRecord, outputs: Path) -> int:
    """Largest difference of any pixel between two videos."""
    films = []
    for record in (first, second):
        assert record.output is not None
        films.append(np.stack(list(read_frames(outputs / record.output.path).frames)).astype(int))
    return int(np.abs(films[0] - films[1]).max())


@pytest.mark.parametrize(("phase", "taken"), [("step", SAMPLING[:4]), ("decode", DECODING)])
def test_a_run_with_rungs_can_be_repeated_from_its_record(
    run: Run, shortages: Shortages, outputs: Path, capsys: pytest.CaptureFixture[str], phase: str, taken: list[str]
) -> None:
    shortages.plan(phase, 2, len(taken))
    record = run()
    check_video(record, outputs, taken)
    command = ["rerun", str(outputs / f"{record.run_id}.json"), "--json", "--logs", str(outputs / "logs")]
    assert main(command) == 0
    again = RunRecord.model_validate_json(json.dumps(json.loads(capsys.readouterr().out)))
    assert again.output is not None
    assert record.output is not None
    assert again.output.sha256 == record.output.sha256
    assert rungs(again) == []
    assert again.output.fps == Fraction(8)


def test_what_is_forecast_not_to_fit_goes_down_before_sampling_starts(run: Run, tiny_models: TinyModels) -> None:
    plain = run()
    assert plain.used is not None
    card = measured_card(get_card("i2vgen-xl"), RuntimeSettings(models_dir=tiny_models("i2vgen-xl")))
    runtime = plain.used.runtime.model_copy(update={"guidance_passes": 2})
    lower = plain.used.model_copy(update={"runtime": runtime})
    needs = [forecast(settings, card, "cpu").ram_bytes for settings in (plain.used, lower)]
    assert plain.forecast is not None
    assert plain.forecast.ram_bytes == needs[0] > needs[1]

    record = run(runtime={"vram_limit_gb": (needs[0] + needs[1]) / 2e9})
    assert (record.status, rungs(record)) == (RunStatus.SUCCEEDED, ["guidance-passes"])
    assert record.downgrades[0].reason == "forecast"
    assert record.forecast is not None
    assert record.forecast.ram_bytes == needs[1]
    assert [outcome for _, outcome in phases(record) if outcome != "done"] == []


def test_what_is_forecast_never_to_fit_ends_before_anything_is_loaded(
    run: Run, shortages: Shortages, outputs: Path
) -> None:
    record = run(runtime={"vram_limit_gb": 0.1})
    check_refusal(record, outputs, [])
    assert record.error is not None
    assert "and 0.1 GB may be used" in record.error.message
    assert not shortages.counts
