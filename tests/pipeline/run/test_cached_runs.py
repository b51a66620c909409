"""What a run takes from earlier ones: never anything else than it would have made itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.cache import FOLDER
from pipeline.catalogue import merge
from pipeline.models.resident import RESIDENT
from pipeline.preview import preview
from pipeline.records import RunRecord
from pipeline.run import execute, submit
from pipeline.settings import make_settings
from pipeline.video import probe, read_frames
from tests.conftest import TinyModels
from tests.pictures import scene

SMALL = {"prompt": "zoom in", "seed": 4, "prepare": {"width": 96, "height": 64}, "animate": {"num_frames": 8}}

Run = Callable[..., RunRecord]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(scene(120, 80)).save(path)
    return path


@pytest.fixture
def run(outputs: Path, photo: Path) -> Run:
    def run(**changes: Any) -> RunRecord:
        record = execute(submit((photo,), make_settings(merge(SMALL, changes)), outputs), (photo,), outputs)
        assert record.error is None
        return record

    return run


def from_cache(record: RunRecord) -> list[str]:
    return [stage.name for stage in record.stages if stage.cache_hit]


def film(record: RunRecord, outputs: Path) -> list[Any]:
    assert record.output is not None
    return list(read_frames(outputs / record.output.path).frames)


def digest(record: RunRecord) -> str:
    assert record.output is not None
    return record.output.sha256


FINISH = {"interpolate": {"factor": 2}, "enhance": {"scale": 1.5}, "style": {"name": "oil"}}


@pytest.mark.parametrize("finish", [{}, FINISH], ids=["plain", "refined"])
def test_the_same_again_is_taken_whole_and_says_the_same(run: Run, finish: dict[str, Any]) -> None:
    first, again = run(**finish), run(**finish)
    assert from_cache(first) == []
    names = [stage.name for stage in first.stages]
    assert [stage.name for stage in again.stages] == names
    assert from_cache(again) == names[1:]  # all but prepare
    assert digest(again) == digest(first)
    assert again.quality == first.quality
    assert [(each.method, each.reason) for each in again.stages] == [
        (each.method, each.reason) for each in first.stages
    ]
    told = [each.message for each in first.notices]
    assert [each.message for each in again.notices][: len(told)] == told
    assert "nothing was rendered" in again.notices[-1].message
    assert digest(run(**merge(finish, {"runtime": {"cache_gb": 0}}))) == digest(first)


def test_another_rate_gives_the_frames_other_times_and_the_file_that_encoding_would_give(
    run: Run, outputs: Path
) -> None:
    first = run(encode={"fps": 30})
    slow = run(encode={"fps": 8})
    assert from_cache(slow) == ["animate", "encode"]
    assert slow.stages[-1].method == "re-timed"
    assert slow.output is not None
    assert probe(outputs / slow.output.path).fps == 8
    assert all(map(np.array_equal, film(slow, outputs), film(first, outputs)))
    assert digest(run(encode={"fps": 8}, runtime={"cache_gb": 0})) == digest(slow)


@pytest.mark.parametrize(
    "changes",
    [
        {"encode": {"crf": 30}},
        {"encode": {"format": "webm"}},
        {"seed": 5, "prompt": "zoom in, handheld"},
        {"prompt": "pan left"},
        {"prepare": {"focus_x": 0.0, "width": 64}},
        {"animate": {"num_frames": 9}},
        {"animate": {"motion": {"amount": 2.0}}},
        {"interpolate": {"factor": 2}},
        {"style": {"name": "oil"}},
        {"enhance": {"scale": 1.5}},
    ],
    ids=str,
)
def test_what_changes_the_video_makes_it_anew(run: Run, changes: dict[str, Any]) -> None:
    first, other = run(), run(**changes)
    assert "encode" not in from_cache(other)
    assert digest(other) != digest(first)
    assert digest(run(**merge(changes, {"runtime": {"cache_gb": 0}}))) == digest(other)


def test_a_rate_that_decides_frames_or_is_stored_with_them_is_no_matter_of_times_alone(run: Run) -> None:
    for changes in ({"encode": {"format": "webm"}}, {"interpolate": {"fps": 24}}, {"enhance": {"deflicker": 0.5}}):
        slow = run(**merge(changes, {"encode": {"fps": 8}}))
        fast = run(**merge(changes, {"encode": {"fps": 12}}))
        assert (from_cache(slow), from_cache(fast)) == ([], [])


def test_another_picture_under_the_same_name_is_another_film(run: Run, photo: Path) -> None:
    first = run()
    Image.fromarray(scene(120, 80)[:, ::-1]).save(photo)
    assert digest(run()) != digest(first)


def test_a_damaged_video_is_made_again(run: Run, outputs: Path) -> None:
    first = run()
    (kept,) = (outputs / FOLDER).glob("*/video.mp4")
    data = bytearray(kept.read_bytes())
    data[len(data) // 2] ^= 255
    kept.unlink()
    kept.write_bytes(data)
    again = run()
    assert from_cache(again) == []
    assert digest(again) == digest(first)
    assert from_cache(run()) == ["animate", "encode"]


def test_nothing_is_kept_where_nothing_may_be(run: Run, outputs: Path) -> None:
    run(runtime={"cache_gb": 0})
    assert not (outputs / FOLDER).exists()


def test_a_model_samples_once_whatever_comes_after(run: Run, tiny_models: TinyModels) -> None:
    model = {
        "prompt": "waves",
        "prepare": {"width": 64, "height": 64},
        "animate": {"engine": "i2vgen-xl", "num_frames": 3, "num_inference_steps": 2},
        "runtime": {"models_dir": tiny_models("i2vgen-xl"), "device": "cpu"},
    }
    first = run(**model)
    RESIDENT.release()
    after: tuple[dict[str, Any], ...] = (
        {"encode": {"crf": 30}},
        {"encode": {"fps": 5}},
        {"interpolate": {"factor": 2}},
        {"style": {"name": "ink"}},
    )
    for changes in after:
        other = run(**merge(model, changes))
        entry = next(stage for stage in other.stages if stage.name == "animate")
        assert entry.cache_hit
        assert [phase.name for phase in entry.phases] == []
        assert RESIDENT.name is None
        assert other.model is not None
        assert other.model.name == "i2vgen-xl"
        fresh = run(**merge(merge(model, changes), {"runtime": {"cache_gb": 0}}))
        assert digest(fresh) == digest(other)
        RESIDENT.release()
    before: tuple[dict[str, Any], ...] = ({"seed": 5}, {"prompt": "wind"}, {"animate": {"guidance_scale": 3.0}})
    for changes in before:
        other = run(**merge(model, changes))
        assert from_cache(other) == []
        assert digest(other) != digest(first)


def test_candidates_are_seeds_and_those_that_were_sampled_are_not_sampled_again(
    run: Run, tiny_models: TinyModels
) -> None:
    model = {
        "prompt": "waves",
        "prepare": {"width": 64, "height": 64},
        "animate": {"engine": "svd", "num_frames": 3, "num_inference_steps": 2},
        "runtime": {"models_dir": tiny_models("svd"), "device": "cpu"},
    }
    run(**model)
    both = run(**merge(model, {"animate": {"candidates": 2}}))
    sampled = [phase.name for stage in both.stages for phase in stage.phases if phase.name == "sample"]
    assert (sampled, from_cache(both)) == (["sample"], [])
    assert "animate" in from_cache(run(**merge(model, {"seed": 5})))
    RESIDENT.release()


def test_it_is_known_before_what_a_run_will_take(run: Run, photo: Path, outputs: Path, tiny_models: TinyModels) -> None:
    model = {
        "prompt": "waves",
        "prepare": {"width": 64, "height": 64},
        "animate": {"engine": "i2vgen-xl", "num_frames": 3, "num_inference_steps": 2},
        "runtime": {"models_dir": tiny_models("i2vgen-xl"), "device": "cpu"},
    }

    def foreseen(changes: dict[str, Any]) -> tuple[str, ...]:
        return preview(photo, make_settings(merge(SMALL, changes)), outputs=outputs).foreseen.kept

    for asked in ({}, FINISH, model):
        assert foreseen(asked) == ()
        run(**asked)
        after: tuple[dict[str, Any], ...] = (
            {},
            {"encode": {"fps": 12}},
            {"encode": {"crf": 35}},
            {"prompt": "pan left"},
        )
        for changes in after:
            told = foreseen(merge(asked, changes))
            assert told == tuple(from_cache(run(**merge(asked, changes))))
    RESIDENT.release()
