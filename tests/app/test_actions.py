"""What the page does, without a browser: uploads are checked, requests become runs, and panels escape everything."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app import forecasts, panels
from app.actions import NO_PHOTO, Actions, Photo, Request, load_runner, open_photo, trusted_upload, under_own_name
from app.brush import Stroke
from app.downloads import Downloads
from app.jobs import Jobs, Queue, Snapshot
from app.queue_panel import queue_panel
from app.texts import EXAMPLE_PHOTOS, Example
from pipeline.context import LogLine, Progress
from pipeline.errors import InvalidImage, InvalidInput, InvalidSetting, ModelMissing
from pipeline.motion_plan import Region, RegionKind
from pipeline.records import Advice, Notice, RunStatus

SECONDS = 60.0
NASTY = '<img src=x onerror="alert(1)">'


@pytest.fixture
def jobs(outputs: Path) -> Iterator[Jobs]:
    queue = Jobs(outputs, load_runner)
    yield queue
    queue.close(SECONDS)


@pytest.fixture
def actions(jobs: Jobs, tmp_path: Path) -> Actions:
    return Actions(jobs, tmp_path / "uploads", tmp_path / "logs", Downloads())


@pytest.fixture
def photo(tmp_path: Path) -> Photo:
    path = tmp_path / "uploads" / "noise.png"
    path.parent.mkdir()
    pixels = np.random.default_rng(1).integers(0, 255, (90, 120, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return open_photo(path, path.name)


def small(photo: Photo, *strokes: Stroke, prompt: str = "pan left") -> Request:
    changes = {"prompt": prompt, "seed": 3, "prepare": {"width": 64, "height": 48}, "animate": {"num_frames": 3}}
    return Request(photo, changes, strokes)


def dot(region: int) -> Stroke:
    return Stroke(tool="brush", region=region, size=0.3, points=((0.5, 0.5),))


def finished(jobs: Jobs, job: Snapshot) -> Snapshot:
    done = jobs.wait(job.record.run_id, SECONDS)
    assert done is not None
    assert done.record.status is RunStatus.SUCCEEDED, done.record.error
    return done


def test_only_files_of_the_upload_folder_are_trusted(tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"x")
    (tmp_path / "secret.png").write_bytes(b"x")
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    assert trusted_upload(str(folder / "a.png"), folder) == folder / "a.png"
    for path in ("secret.png", "uploads/../secret.png", "uploads/link.png", "uploads/gone.png", "uploads"):
        with pytest.raises(InvalidImage, match="choose the photo again"):
            trusted_upload(str(tmp_path / path), folder)


@pytest.mark.parametrize("name", ["photo (1).png", "Ölbild <b>.png", "照片 1.png"])
def test_an_upload_goes_by_the_name_that_its_owner_gave_it(tmp_path: Path, name: str) -> None:
    upload = tmp_path / "photo 1.png"
    upload.write_bytes(b"x")
    assert under_own_name(upload, name) == tmp_path / name
    assert (tmp_path / name).read_bytes() == b"x"


@pytest.mark.parametrize("name", ["", ".", "..", "a\0b.png", "x" * 300])
def test_a_name_that_no_file_can_have_changes_nothing(tmp_path: Path, name: str) -> None:
    upload = tmp_path / "uploads" / "photo 1.png"
    upload.parent.mkdir()
    upload.write_bytes(b"x")
    assert under_own_name(upload, name) == upload
    assert upload.read_bytes() == b"x"


def test_the_images_of_a_run_are_its_kept_copies_where_the_uploads_are_gone(
    actions: Actions, jobs: Jobs, photo: Photo, tmp_path: Path
) -> None:
    upload = tmp_path / "upload.png"
    upload.write_bytes(photo.path.read_bytes())
    job = finished(jobs, actions.generate(small(replace(photo, path=upload))))
    assert job.images == (upload,)
    upload.unlink()
    again = jobs.get(job.record.run_id)
    assert again is not None
    assert again.images[0].read_bytes() == photo.path.read_bytes()
    assert again.images[0].is_relative_to(jobs.outputs)


def test_a_run_is_made_as_asked(actions: Actions, jobs: Jobs, photo: Photo) -> None:
    record = finished(jobs, actions.generate(small(photo))).record
    assert record.seed == 3
    assert record.output is not None
    assert (record.output.width, record.output.height, record.output.num_frames) == (64, 48, 3)


def test_painted_areas_reach_the_run_with_their_regions_and_leave_no_files_behind(
    actions: Actions, jobs: Jobs, photo: Photo
) -> None:
    request = small(photo, dot(1), prompt="the clouds drift and the water flows")
    shown = actions.preview(request).settings.animate.motion.plan
    assert shown is not None
    job = actions.generate(request)
    masks = job.record.requested.prepare.masks
    used = finished(jobs, job).record.used
    assert used is not None
    assert used.animate.motion.plan is not None
    assert used.animate.motion.plan.regions[0].kind == shown.regions[1].kind
    assert {region.kind for region in used.animate.motion.plan.regions} == {RegionKind.CLOUDS, RegionKind.WATER}
    assert all(path.is_relative_to(jobs.outputs / "inputs") for path in masks)


def test_painting_does_not_change_which_colour_stands_for_which_region(actions: Actions, photo: Photo) -> None:
    prompt = "the clouds drift and the water flows"
    plans = [actions.preview(small(photo, *strokes, prompt=prompt)) for strokes in ((), (dot(1),), (dot(0), dot(1)))]
    assert plans[0].settings.animate.motion.plan is not None
    assert plans[0].settings.animate.motion.plan == plans[1].settings.animate.motion.plan
    assert plans[0].settings.animate.motion.plan == plans[2].settings.animate.motion.plan


def test_an_edited_plan_replaces_the_one_of_the_prompt(actions: Actions, photo: Photo) -> None:
    request = small(photo)
    edited = Request(request.photo, request.changes, plan={"camera": {"roll": 12.0}, "regions": []})
    plan = actions.preview(edited).settings.animate.motion.plan
    assert plan is not None
    assert plan.camera.roll == 12.0
    assert plan.camera.pan_x == 0.0


def test_a_plan_out_of_bounds_is_told_with_its_full_name(photo: Photo) -> None:
    with pytest.raises(InvalidSetting, match=r"animate\.motion\.plan\.camera\.roll"):
        Request(photo, {}, plan={"camera": {"roll": 999}}).settings()


def test_without_a_photo_there_is_a_sentence_and_no_run(actions: Actions, jobs: Jobs) -> None:
    with pytest.raises(InvalidInput, match=NO_PHOTO):
        actions.generate(Request(None, {}))
    assert jobs.latest(1) is None


def test_a_model_that_is_not_here_is_told_before_anything_is_queued(
    actions: Actions, jobs: Jobs, photo: Photo, tmp_path: Path
) -> None:
    changes = {"animate": {"engine": "svd"}, "runtime": {"models_dir": str(tmp_path / "models")}}
    with pytest.raises(ModelMissing, match="models download svd"):
        actions.generate(Request(photo, changes))
    assert jobs.latest(1) is None


def test_the_runs_of_an_advice_repeat_the_request_with_its_changes(actions: Actions, jobs: Jobs, photo: Photo) -> None:
    job = finished(jobs, actions.generate(small(photo, dot(0))))
    job.record.advice = [
        Advice(key="image", message="Try another image."),
        Advice(key="motion", message="Move more.", runs=[{"encode": {"crf": value}} for value in (20, 30)]),
    ]
    first = actions.take_advice(job.record.run_id, 1)
    runs = [finished(jobs, each).record for each in jobs.group(first.record.group)]
    assert [run.requested.encode.crf for run in runs] == [20, 30]
    assert [run.place.columns.values[run.place.column] for run in runs if run.place] == [["20"], ["30"]]
    for run in runs:
        assert (run.requested.prompt, run.seed) == (job.record.requested.prompt, job.record.seed)
        assert [each.sha256 for each in run.inputs] == [each.sha256 for each in job.record.inputs]


@pytest.mark.parametrize(("run", "number"), [("mine", 0), ("mine", 7), ("mine", -1), ("gone", 0)])
def test_an_advice_that_cannot_be_followed_is_one_sentence(
    actions: Actions, jobs: Jobs, photo: Photo, run: str, number: int
) -> None:
    job = finished(jobs, actions.generate(small(photo)))
    job.record.advice = [Advice(key="image", message="Try another image.")]
    with pytest.raises(InvalidInput, match="by hand"):
        actions.take_advice(job.record.run_id if run == "mine" else run, number)


def test_areas_are_found_only_for_what_the_prompt_names(actions: Actions, photo: Photo) -> None:
    with pytest.raises(InvalidInput, match="names nothing that moves"):
        actions.find_areas(small(photo, prompt="zoom in"))
    areas, missing = actions.find_areas(small(photo, prompt="the water flows"))
    assert len(areas) + len(missing) == 1


@pytest.mark.allow_errors
def test_a_defect_becomes_a_sentence_that_names_the_log(actions: Actions) -> None:
    def broken() -> str:
        raise KeyError("a secret of the program")

    told = actions.attempt(broken, str)
    assert "KeyError" in told
    assert "logs" in told
    assert "secret" not in told


def test_everything_from_outside_is_escaped(actions: Actions, jobs: Jobs, photo: Photo) -> None:
    preview = actions.preview(small(photo, prompt=NASTY))
    pieces = [forecasts.reading_panel(preview, forecasts.Asked(True, False, False)), panels.error_panel(NASTY)]
    job = finished(jobs, actions.generate(small(photo, prompt=NASTY)))
    record = job.record.model_copy(update={"notices": [Notice(stage="x", message=NASTY)]}, deep=True)
    record.inputs[0].name = NASTY
    nasty = Snapshot(record, job.images, None, None, (LogLine("info", NASTY),), 0, False, 1)
    waiting = Snapshot(record.model_copy(update={"status": RunStatus.QUEUED}), job.images, None, None, (), 1, False, 1)
    pieces += [panels.result_panel(nasty, jobs.outputs), queue_panel(Queue((waiting,)))]
    assert all("<img src=x" not in piece for piece in pieces)
    assert all("onerror=&quot;" in piece or "onerror=\\&quot;" in piece for piece in pieces[1:])


def test_every_segment_is_read_by_itself(actions: Actions, photo: Photo) -> None:
    changes = {"prompt": "roll clockwise", "animate": {"segments": ["zoom in | 2", "a frobnicator | 1", " | 1.5"]}}
    shown = forecasts.reading_panel(actions.preview(Request(photo, changes)), forecasts.Asked(True, False, False))
    assert '<b translate="no">zoom in</b>, 2 s: Zooms in' in shown
    assert "Not understood: frobnicator." in shown
    assert '<b translate="no">roll clockwise</b>, 1.5 s: ' in shown
    assert shown.count("<li>") == 3
    assert "135 frames" in shown


def test_the_result_shows_file_seed_stages_and_the_whole_record(actions: Actions, jobs: Jobs, photo: Photo) -> None:
    job = finished(jobs, actions.generate(small(photo)))
    shown = panels.result_panel(job, jobs.outputs)
    assert job.record.output is not None
    for text in (job.record.output.path, str(job.record.seed), "prepare", "encode", "Peak memory", "noise.png"):
        assert text in shown
    assert json.dumps(job.record.run_id).replace('"', "&quot;") in shown


def test_the_brush_is_labelled_after_the_plan() -> None:
    regions = [Region(kind=RegionKind.FALLING_LEAVES)]
    assert forecasts.area_labels(regions) == ["Falling leaves", "Area 2", "Area 3", "Area 4"]


def test_progress_shows_stage_and_per_cent(actions: Actions, jobs: Jobs, photo: Photo) -> None:
    record = finished(jobs, actions.generate(small(photo))).record.model_copy(update={"status": RunStatus.RUNNING})
    job = Snapshot(record, (photo.path,), Progress("encode", 1, 4, 9.0), None, (), 0, False, 1)
    shown = panels.status_panel(job)
    assert "25 %" in shown
    assert "9 s left" in shown


@pytest.mark.parametrize("example", EXAMPLE_PHOTOS, ids=lambda example: example.file)
def test_the_examples_open_and_their_prompts_are_understood(actions: Actions, example: Example) -> None:
    photo = open_photo(example.path, example.file)
    reading = actions.preview(Request(photo, {"prompt": example.prompt})).reading
    assert reading.unknown == ()
    assert min(photo.width, photo.height) >= 300
