"""How a file was made travels with it: what a video, its poster and its record give back, and what they cannot."""

import contextlib
import json
import tomllib
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.catalogue import merge
from pipeline.command_line import main
from pipeline.errors import InvalidRecord
from pipeline.history.posters import Posters
from pipeline.paths import PROJECT
from pipeline.portable import PROGRAM, VERSION, portable_text
from pipeline.provenance import read_provenance
from pipeline.records import SCHEMA_VERSION, RunRecord, read_record, record_path
from pipeline.rerun import inputs_of
from pipeline.run import execute, submit
from pipeline.settings import Settings, make_settings
from pipeline.video import read_comment, read_frames
from tests.disks import small_disk
from tests.pictures import scene

SMALL = {
    "seed": 4,
    "prompt": "水流, zoom in",
    "prepare": {"width": 96, "height": 64},
    "animate": {"num_frames": 6},
}

Run = Callable[..., RunRecord]


@pytest.fixture
def run(tmp_path: Path, outputs: Path) -> Run:
    Image.fromarray(scene(96, 64)).save(tmp_path / "my photo.png")

    def run(folder: Path = outputs, name: str = "my photo.png", **changes: Any) -> RunRecord:
        photo = tmp_path / name
        record = execute(submit((photo,), make_settings(merge(SMALL, changes)), folder), (photo,), folder)
        assert record.error is None
        return record

    return run


def video(record: RunRecord, outputs: Path) -> Path:
    assert record.output is not None
    return outputs / record.output.path


def poster(record: RunRecord, outputs: Path) -> Path:
    path = Posters(outputs).find(record.run_id, video(record, outputs).name)
    assert path is not None
    return path


def files_of(record: RunRecord, outputs: Path) -> list[Path]:
    return [video(record, outputs), poster(record, outputs), record_path(outputs, record.run_id)]


def all_inputs(folder: Path) -> dict[str, Any]:
    """Settings that name a file of each kind that is kept."""
    paths = {name: folder / f"{name}.png" for name in ("mask", "depth", "style")}
    area = np.zeros((64, 96), np.uint8)
    area[40:] = 255
    Image.fromarray(area).save(paths["mask"])
    Image.fromarray(np.tile(np.linspace(0, 255, 96).astype(np.uint8), (64, 1))).save(paths["depth"])
    Image.fromarray(scene(80, 80)[:, ::-1] // 2).save(paths["style"])
    return {
        "prepare": {"masks": (paths["mask"],), "background": "#102030"},
        "animate": {"motion": {"depth": paths["depth"], "parallax": 0.5}},
        "style": {"image": paths["style"]},
        "encode": {"crf": 30, "fps": "30000/1001"},
    }


@pytest.mark.parametrize("kind", ["mp4", "webm", "gif"])
def test_a_video_its_poster_and_its_record_give_everything_back(
    run: Run, outputs: Path, tmp_path: Path, kind: str
) -> None:
    record = run(**merge(all_inputs(tmp_path), {"encode": {"format": kind, "fps": 10 if kind == "gif" else "29.97"}}))
    for path in tmp_path.glob("*.png"):
        path.unlink()
    kept = {each.role: outputs / str(each.path) for each in record.inputs}
    for source in files_of(record, outputs):
        found = read_provenance(source, [outputs])
        assert (found.job, found.notes, found.images) == ("animate", (), (kept["image"],))
        settings, used = found.settings, record.used
        assert used is not None
        assert settings.prepare.masks == (kept["mask"],)
        assert (settings.animate.motion.depth, settings.style.image) == (kept["depth"], kept["style"])
        assert (settings.prompt, settings.seed, settings.encode) == (used.prompt, 4, used.encode)
        assert found.plan_is_read
        moved = tmp_path / "elsewhere" / source.name
        moved.parent.mkdir(exist_ok=True)
        moved.write_bytes(source.read_bytes())
        assert read_provenance(moved, [outputs]).settings == settings
    for source in files_of(record, outputs)[:2]:
        images, settings = inputs_of(source, outputs)
        again = execute(submit(images, settings, tmp_path / "again"), images, tmp_path / "again")
        assert video(again, tmp_path / "again").read_bytes() == video(record, outputs).read_bytes()


def test_the_same_settings_and_inputs_give_the_same_file_whatever_the_machine(
    run: Run, outputs: Path, tmp_path: Path
) -> None:
    (tmp_path / "another name.png").write_bytes((tmp_path / "my photo.png").read_bytes())
    apart = {"runtime": {"cache_gb": 0, "threads": 1, "models_dir": tmp_path}}
    first, other = run(), run(tmp_path / "other", "another name.png", **apart)
    assert video(first, outputs).read_bytes() == video(other, tmp_path / "other").read_bytes()
    text = read_comment(video(first, outputs))
    assert text == portable_text(first)
    assert text.isascii()
    for secret in (str(tmp_path), "my photo", "runtime", first.run_id, str(first.created_at.year)):
        assert secret not in text


def test_what_is_taken_from_the_cache_says_how_it_would_be_made_now(run: Run, outputs: Path) -> None:
    run()
    for changes in ({}, {"encode": {"fps": 12}}, {"preset": "high", "encode": {"crf": 18, "x264_preset": "medium"}}):
        again, fresh = run(**changes), run(**merge(changes, {"runtime": {"cache_gb": 0}}))
        assert any(stage.cache_hit for stage in again.stages)
        assert video(again, outputs).read_bytes() == video(fresh, outputs).read_bytes()
        assert json.loads(read_comment(video(again, outputs)))["settings"]["preset"] == changes.get(
            "preset", "standard"
        )


def test_a_video_says_nothing_where_that_is_wished(run: Run, outputs: Path) -> None:
    quiet = {"encode": {"embed_settings": False}}
    said, silent, fresh = run(), run(**quiet), run(**merge(quiet, {"runtime": {"cache_gb": 0}}))
    assert read_comment(video(silent, outputs)) == ""
    assert video(silent, outputs).read_bytes() == video(fresh, outputs).read_bytes()
    frames = [list(read_frames(video(record, outputs)).frames) for record in (said, silent)]
    assert all(map(np.array_equal, *frames))
    for source in files_of(silent, outputs)[:2]:
        with pytest.raises(InvalidRecord, match="carries no settings"):
            read_provenance(source, [outputs])
    assert read_provenance(record_path(outputs, silent.run_id), [outputs]).settings.encode.embed_settings is False


def test_a_disk_without_room_for_the_settings_still_gets_the_video(run: Run, outputs: Path, tmp_path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)).save(tmp_path / "my photo.png")
    noisy = {"animate": {"num_frames": 60}, "encode": {"crf": 0}, "runtime": {"cache_gb": 0}}
    whole = video(run(**noisy), outputs).stat().st_size
    with small_disk(tmp_path, int(1.6 * whole / 1024)) as small:
        record = run(small, **noisy)
        assert read_comment(video(record, small)) == ""
        assert [each.level for each in record.notices if "does not carry its settings" in each.message] == ["warning"]


def test_a_plan_that_was_edited_is_told_from_one_that_was_read(run: Run, outputs: Path) -> None:
    plan = {"camera": {"zoom": 1.5}, "regions": []}
    for changes, is_read in (({}, True), ({"animate": {"motion": {"plan": plan}}}, False)):
        record = run(**changes)
        assert [read_provenance(source, [outputs]).plan_is_read for source in files_of(record, outputs)] == [
            is_read
        ] * 3


def test_a_candidate_is_the_only_one_of_its_own_seed(run: Run) -> None:
    told = json.loads(portable_text(run(animate={"candidates": 3}), seed=17))
    assert (told["settings"]["seed"], told["settings"]["animate"]["candidates"]) == (17, 1)


def test_the_version_is_that_of_the_project() -> None:
    assert tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"] == VERSION


# --- what this version cannot do --------------------------------------------------------------------------------------


def a_file(folder: Path, settings: dict[str, Any], **more: Any) -> Path:
    """A record of a version that said more than this one understands."""
    record = {"schema_version": 1, "run_id": "video_1", "seed": 7, "requested": settings, "inputs": [], **more}
    path = folder / "old.json"
    path.write_text(json.dumps(record))
    return path


def test_what_this_version_no_longer_has_is_named_and_the_rest_restored(tmp_path: Path) -> None:
    settings = {
        "prompt": "waves",
        "preset": "cinema",
        "encode": {"crf": 99, "fps": "24", "hdr": True},
        "animate": {"engine": "dreamer-9", "motion": {"amount": 2.0, "warp": 1}},
        "style": {"name": "oil", "model": 5, "image": "/etc/passwd"},
        "caption": {"model": "florence-9"},
        "holograms": {"depth": 3},
    }
    found = read_provenance(a_file(tmp_path, settings, schema_version=SCHEMA_VERSION + 1), [tmp_path])
    kept = found.settings
    assert (kept.prompt, kept.seed, kept.encode.fps, kept.animate.motion.amount) == ("waves", 7, Fraction(24), 2.0)
    assert (kept.preset, kept.encode.crf, kept.animate.engine, kept.caption.model) == ("standard", 18, "motion", "auto")
    assert (kept.style.name, kept.style.model, kept.style.image) == ("oil", "none", None)
    told = " ".join(found.notes)
    for name in (
        "newer version",
        "encode.hdr",
        "animate.motion.warp",
        "holograms",
        "dreamer-9",
        "cinema",
        "florence-9",
    ):
        assert name in told
    assert "encode.crf: input should be less than or equal to 51" in told
    assert "prompt" not in told


def test_no_file_that_is_named_is_opened(tmp_path: Path, outputs: Path) -> None:
    secret = tmp_path / "secret.png"
    Image.fromarray(scene()).save(secret)
    settings = {
        "style": {"image": str(secret)},
        "animate": {"lora": str(secret), "control": {"video": str(secret)}, "motion": {"depth": str(secret)}},
        "prepare": {"masks": [str(secret)]},
        "enhance": {"model": f"C:\\weights\\{secret}"},
        "runtime": {"models_dir": str(tmp_path), "threads": 3},
    }
    roles = ("image", "mask", "depth", "style", "lora", "driving_video")
    digests = ("0" * 64, "../../secret", None, 5, "*", ["0"])
    pairs = zip(roles, digests, strict=True)
    inputs: list[Any] = [{"role": role, "path": str(secret), "sha256": digest} for role, digest in pairs]
    found = read_provenance(a_file(tmp_path, settings, inputs=[*inputs, 3, {"role": "hologram"}]), [outputs])
    assert found.settings == Settings(seed=7, enhance={"model": "secret.png"})  # type: ignore[arg-type]
    assert found.images == (None,)
    assert len(found.notes) == len(roles)
    assert str(tmp_path) not in " ".join(found.notes)


def test_an_input_that_was_changed_is_not_taken(run: Run, outputs: Path) -> None:
    record = run()
    kept = outputs / str(record.inputs[0].path)
    kept.write_bytes(kept.read_bytes() + b"x")
    found = read_provenance(video(record, outputs), [outputs])
    assert (found.images, found.notes) == ((None,), ("The photo is not among the inputs that are kept here.",))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "carries no settings"),
        (b"\x00" * 99, "carries no settings"),
        (b"{" * 5000, "carries no settings"),
        (b'{"a":' * 50_000, "carries no settings"),
        (b'{"run_id": 1, "requested": []}', "carries no settings"),
        (b'{"program": "another", "settings": {}}', "carries no settings"),
        (b'{"run_id": "a", "requested": {"seed": NaN}}', "carries no settings"),
        (b'{"run_id": "a", "requested": {}, "job": "dream"}', "a job that this version does not have"),
        (b'{"x": "\xff"}', "cannot be read"),
        (b"\xff\xd8\xff\xe0 no picture", "damaged"),
        (b"{" + b" " * 9_000_000, "too large"),
    ],
    ids=range(11),
)
def test_what_tells_of_no_run_is_said_in_one_sentence(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(InvalidRecord, match=told) as caught:
        read_provenance(tmp_path / "file", [tmp_path])
    assert "\n" not in str(caught.value)


def test_a_rate_that_would_take_for_ever_to_work_out_is_refused(tmp_path: Path) -> None:
    found = read_provenance(a_file(tmp_path, {"encode": {"fps": "1e999999999"}}), [])
    assert found.settings.encode.fps == 30
    assert "encode.fps: a frame rate is a number" in found.notes[0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
SECTIONS = st.sampled_from([*Settings.model_fields, "a"])
FIELDS = st.sampled_from(["fps", "engine", "motion", "masks", "model", "name", "image", "plan", "segments", "crf"])


@given(
    settings=st.dictionaries(SECTIONS, JSON | st.dictionaries(FIELDS, JSON, max_size=4), max_size=6),
    more=st.dictionaries(st.sampled_from(["inputs", "job", "schema_version", "seed", "program"]), JSON, max_size=3),
)
def test_any_values_are_restored_or_refused(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any], more: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("values")
    path = folder / "any.json"
    path.write_text(json.dumps({"run_id": "a", "program": PROGRAM, "requested": settings, **more}))
    with contextlib.suppress(InvalidRecord):
        found = read_provenance(path, [folder])
        assert Settings.model_validate(found.settings.model_dump()) == found.settings


# --- the command line -------------------------------------------------------------------------------------------------


def test_rerun_takes_a_video_and_a_poster(
    run: Run, outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = run()
    logs = ["--logs", str(tmp_path / "logs")]
    rerun = partial(lambda *words: main(["rerun", *map(str, words), *logs]))
    for source in files_of(record, outputs):
        assert rerun(source, "--runtime.cache_gb", "0") == 0
        again = Path(capsys.readouterr().out.strip())
        assert again.parent == outputs
        assert again.read_bytes() == video(record, outputs).read_bytes()
        assert read_record(again.with_suffix(".json")).requested.runtime.cache_gb == 0
    elsewhere = tmp_path / "sent.mp4"
    elsewhere.write_bytes(video(record, outputs).read_bytes())
    assert rerun(elsewhere, "--outputs", outputs) == 0
    assert rerun(elsewhere, "--outputs", tmp_path / "empty") == 2
    told = capsys.readouterr().err
    assert "The photo is not among the inputs that are kept here." in told
    assert "Traceback" not in told
    assert not (tmp_path / "empty").exists()
