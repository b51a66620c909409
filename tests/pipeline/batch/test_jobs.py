"""From entries to jobs: images, sweeps, seeds, names of settings, and keys that tell jobs apart."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.batch.jobs import BatchJob, expand
from pipeline.batch.read import read_jobs_file
from pipeline.paths import PROJECT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "walk").mkdir()
    for name in ("first.png", "last.png", "walk/frame10.jpg", "walk/frame2.JPG", "walk/notes.txt"):
        (tmp_path / name).write_bytes(b"stands for an image")
    return tmp_path


def made(folder: Path, *entries: dict[str, Any], defaults: dict[str, Any] | None = None) -> list[BatchJob]:
    jobs, problems = expand(defaults or {}, entries, folder)
    assert problems == []
    return jobs


def wrong(folder: Path, **entry: Any) -> str:
    jobs, problems = expand({}, [{"images": "first.png", **entry}], folder)
    assert jobs == []
    return problems[0].message


def names(jobs: list[BatchJob]) -> list[list[str]]:
    return [[image.name for image in job.images] for job in jobs]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"images": "first.png"}, [["first.png"]]),
        ({"images": ["first.png"]}, [["first.png"]]),
        ({"images": ["first.png", "last.png"]}, [["first.png", "last.png"]]),
        ({"images": ["first.png", "last.png"], "job": "animate"}, [["first.png"], ["last.png"]]),
        ({"images": "walk"}, [["frame2.JPG"], ["frame10.jpg"]]),
        ({"images": "walk", "job": "transition"}, [["frame2.JPG", "frame10.jpg"]]),
        ({"images": "**/*.png"}, [["first.png"], ["last.png"]]),
        ({"images": ["first.png", "walk/*"], "job": "transition"}, None),
    ],
)
def test_images_say_what_is_made(folder: Path, entry: dict[str, Any], expected: list[list[str]] | None) -> None:
    jobs = made(folder, entry)
    assert names(jobs) == (expected or [["first.png", "frame2.JPG", "frame10.jpg", "notes.txt"]])
    assert {job.kind for job in jobs} == {"animate" if len(job.images) == 1 else "transition" for job in jobs}


def test_settings_go_by_full_name_or_section_and_own_ones_over_defaults(folder: Path) -> None:
    defaults = {"preset": "draft", "encode": {"fps": 24, "crf": 30}, "animate.num_frames": 5, "repeat": 4}
    entry = {"images": "first.png", "encode.fps": "30000/1001", "animate": {"motion": {"amount": 2}}, "seeds": [1]}
    entry |= {"prepare": {"masks": ["m.png"], "width": "auto"}}
    (folder / "m.png").write_bytes(b"")
    (job,) = made(folder, entry, defaults=defaults)
    used = job.settings
    assert (float(used.encode.fps), used.encode.crf, used.animate.num_frames) == (30000 / 1001, 30, 5)
    assert used.animate.motion.amount == 2
    assert used.prepare.resolution == 480, "the preset's"
    assert used.prepare.masks == (folder / "m.png",)
    assert used.prepare.width is None
    assert used.seed == 1


def test_a_sweep_is_the_product_with_every_seed(folder: Path) -> None:
    sweep = {"animate.guidance_scale": [7, 9, 12], "encode": {"crf": [18, 23]}}
    jobs = made(folder, {"images": "walk", "sweep": sweep, "seeds": [1, 2]})
    assert len(jobs) == 2 * 3 * 2 * 2
    assert [job.label for job in jobs] == [f"1.{number}" for number in range(1, 25)]
    assert jobs[0].varied == {"animate.guidance_scale": 7, "encode.crf": 18, "seed": 1}
    assert len({job.key for job in jobs}) == len(jobs)


def test_what_is_swept_has_one_seed_that_stays_when_the_file_is_read_again(folder: Path) -> None:
    entry = {"images": "walk", "sweep": {"encode.crf": [18, 23]}}
    jobs = made(folder, entry)
    (seed,) = {job.settings.seed for job in jobs}
    assert seed >= 0
    assert [job.key for job in made(folder, entry)] == [job.key for job in jobs]
    other = made(folder, {**entry, "prompt": "pan left"})
    assert {job.settings.seed for job in other}.isdisjoint({seed})
    assert {job.settings.seed for job in made(folder, {**entry, "seed": 5})} == {5}


def test_repeat_draws_seeds_or_counts_on_from_one(folder: Path) -> None:
    entry = {"images": "first.png", "repeat": 3}
    assert [job.settings.seed for job in made(folder, entry)] == [-1, -1, -1]
    assert [job.settings.seed for job in made(folder, {**entry, "seed": 5})] == [5, 6, 7]


def test_a_job_is_the_same_until_something_that_decides_it_changes(folder: Path) -> None:
    entry = {"images": "first.png", "prompt": "pan left"}
    key = made(folder, entry)[0].key
    assert made(folder, {**entry, "runtime.threads": 1})[0].key == key
    assert made(folder, {**entry, "encode.crf": 20})[0].key != key
    assert made(folder, {**entry, "images": "last.png"})[0].key != key
    twice = made(folder, entry, entry)
    assert twice[0].key == key != twice[1].key
    os.utime(folder / "first.png", ns=(1, 1))
    assert made(folder, entry)[0].key != key


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"encode.fsp": 24}, "did you mean 'encode.fps'?"),
        ({"encode": {"fsp": 24}}, "did you mean 'encode.fps'?"),
        ({"image": "first.png"}, "did you mean 'images'?"),
        ({"encode": 5}, "'encode' is a section"),
        ({"encode": {"fps": 5}, "encode.fps": 6}, "given twice"),
        ({"encode.crf": 99}, "less than or equal to 51, but 99"),
        ({"preset": "ultra"}, "draft, standard, high"),
        ({"images": "none.png"}, "there is no file 'none.png'"),
        ({"images": "none*.png"}, "no file is named like none*.png"),
        ({"images": []}, "name a file"),
        ({"images": 5}, "name a file"),
        ({"images": "\0"}, "there is no file '\\x00'"),
        ({"job": "dance"}, "animate or transition"),
        ({"job": "transition"}, "two images or more"),
        ({"style.image": "none.jpg"}, "there is no file"),
        ({"sweep": {"encode.crf": 18}}, "list of values"),
        ({"sweep": [1]}, "give settings with their values"),
        ({"sweep": {"seed": [1]}, "repeat": 2}, "leave one of them out"),
        ({"sweep": {"seed": list(range(200)), "encode.crf": list(range(52))}}, "more than 10000"),
        ({"sweep": {"seed": list(range(200)), "encode.threads": list(range(60))}}, "more than 10000"),
        ({"seeds": [1], "repeat": 2}, "leave one of them out"),
        ({"seeds": [True]}, "whole numbers"),
        ({"repeat": 0}, "from 1 to 1000"),
        ({"repeat": 3, "seed": 2**32 - 1}, "would pass"),
    ],
)
def test_what_is_wrong_is_one_sentence(folder: Path, entry: dict[str, Any], words: str) -> None:
    sentence = wrong(folder, **entry)
    assert words in sentence
    assert "\n" not in sentence


def test_the_whole_file_has_a_limit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.batch.jobs.MAX_JOBS", 10)
    entry = {"images": "first.png", "seeds": list(range(6))}
    jobs, problems = expand({}, [entry, entry], folder)
    assert len(jobs) == 6
    assert [problem.label for problem in problems] == ["2"]
    assert "more than 10 jobs" in problems[0].message


def test_the_readme_example_is_what_it_says(folder: Path) -> None:
    (example,) = re.findall(r"```yaml\n(# jobs.yaml.*?)```", (PROJECT / "README.md").read_text("utf-8"), re.DOTALL)
    (folder / "jobs.yaml").write_text(example)
    (folder / "holiday").mkdir()
    for name in ("photo.jpg", "first.jpg", "last.jpg", "holiday/1.jpg", "holiday/2.jpg"):
        (folder / name).write_bytes(b"stands for an image")
    defaults, entries = read_jobs_file(folder / "jobs.yaml")
    jobs = made(folder, *entries, defaults=defaults)
    numbers = [job.label.partition(".")[0] for job in jobs]
    assert [numbers.count(number) for number in "1234"] == [6, 1, 6, 1]
    assert [job.kind for job in jobs if job.kind == "transition"] == ["transition"] * 2
    assert {(job.settings.preset, str(job.settings.encode.fps)) for job in jobs} == {("draft", "24")}
