"""Long videos: segments with a prompt each, made part by part, gone on with after a break."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.catalogue import merge
from pipeline.models.resident import RESIDENT
from pipeline.records import RunRecord, RunStatus
from pipeline.rerun import inputs_of
from pipeline.run import execute, submit
from pipeline.settings import make_settings
from pipeline.video import read_frames
from tests.conftest import TinyModels
from tests.photos import COFFEE, photo

SMALL = {"prepare": {"width": 96, "height": 64}, "seed": 5}
MODEL = {
    "prepare": {"width": 64, "height": 64},
    "seed": 5,
    "animate": {
        "engine": "i2vgen-xl",
        "num_frames": 6,
        "num_inference_steps": 2,
        "overlap": 1,
        "segments": ["waves | 1", "the sun sets | 1"],
    },
    "runtime": {"device": "cpu"},
}

Run = Callable[..., RunRecord]


@pytest.fixture
def run(outputs: Path, tmp_path: Path) -> Iterator[Run]:
    image = tmp_path / "photo.png"
    Image.fromarray(photo(COFFEE)).save(image)

    def work(sections: dict[str, Any], stop: Callable[[], bool] = lambda: False) -> RunRecord:
        settings = make_settings(sections)
        return execute(submit((image,), settings, outputs), (image,), outputs, is_cancelled=stop)

    RESIDENT.release()
    yield work
    RESIDENT.release()


def parts(record: RunRecord) -> list[tuple[str, bool]]:
    return [(each.method, each.cache_hit) for each in record.stages if each.name == "animate"]


def test_the_embedded_engine_makes_all_segments_in_one_go(run: Run, outputs: Path) -> None:
    segments = ["zoom in | 0.5", "pan right | 0.4", {"prompt": "roll", "seconds": 0.3}]
    record = run(merge(SMALL, {"animate": {"segments": segments}}))
    assert (record.status, record.error) == (RunStatus.SUCCEEDED, None)
    assert record.output is not None
    assert record.output.num_frames == 36
    assert record.used is not None
    assert record.used.animate.num_frames == 36
    assert len(record.stages) == 3
    assert not (outputs / "segments").exists()
    told = [notice.message for notice in record.notices]
    assert any("Zooms in" in each for each in told)
    assert any("Pans right" in each for each in told)
    frames = [frame.astype(np.int16) for frame in read_frames(outputs / record.output.path).frames]
    steps = [float(np.abs(after - before).mean()) for before, after in itertools.pairwise(frames)]
    assert max(steps) < 3 * float(np.median(steps)) + 2  # no jump where segments meet


def test_a_model_makes_passes_that_are_kept_and_repeated_byte_for_byte(
    run: Run, outputs: Path, tiny_models: TinyModels
) -> None:
    sections = merge(MODEL, {"runtime": {"models_dir": tiny_models("i2vgen-xl")}})
    record = run(sections)
    assert (record.status, record.error) == (RunStatus.SUCCEEDED, None)
    assert record.output is not None
    assert record.output.num_frames == 16
    assert len(parts(record)) == 4
    assert not any(hit for _, hit in parts(record))
    assert [each.reason for each in record.stages if each.name == "animate"][-1] == "Segment 2: the sun sets"
    images, settings = inputs_of(outputs / f"{record.run_id}.json")
    again = execute(submit(images, settings, outputs), images, outputs)
    assert again.output is not None
    assert all(hit for _, hit in parts(again))
    assert again.output.sha256 == record.output.sha256
    assert again.model == record.model


def test_a_run_that_was_stopped_goes_on_with_the_part_that_it_was_at(
    run: Run, outputs: Path, tiny_models: TinyModels
) -> None:
    sections = merge(MODEL, {"runtime": {"models_dir": tiny_models("i2vgen-xl")}})
    first = run(sections, lambda: len(list(outputs.glob("segments/*.mkv"))) == 2)
    assert first.status is RunStatus.CANCELLED
    second = run(sections)
    assert second.status is RunStatus.SUCCEEDED
    assert [hit for _, hit in parts(second)] == [True, True, False, False]


def test_another_prompt_for_the_last_segment_leaves_the_others(run: Run, tiny_models: TinyModels) -> None:
    sections = merge(MODEL, {"runtime": {"models_dir": tiny_models("i2vgen-xl")}})
    run(sections)
    record = run(merge(sections, {"animate": {"segments": ["waves | 1", "a storm | 1"]}}))
    assert [hit for _, hit in parts(record)] == [True, True, False, False]


def test_too_long_a_video_is_one_sentence(run: Run) -> None:
    record = run(merge(SMALL, {"animate": {"segments": ["zoom in | 1200", "zoom out | 1200"]}}))
    assert record.status is RunStatus.FAILED
    assert record.error is not None
    assert "at most 36000" in record.error.message
    assert record.error.exit_code == 2
