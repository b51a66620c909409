"""Jobs files: what they may hold, and one sentence with the place for everything else."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.batch import read
from pipeline.batch.read import read_jobs_file
from pipeline.errors import InvalidInput

BOMB = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefg", "bcdefgh", strict=True)
)


def test_yaml_and_json_lines_say_the_same(tmp_path: Path) -> None:
    yaml, lines = tmp_path / "jobs.yaml", tmp_path / "jobs.jsonl"
    yaml.write_text("defaults: {preset: draft}\njobs:\n- images: a.png\n- {images: [a.png, b.png], seed: 2}\n")
    lines.write_text('{"images": "a.png"}\n\n{"images": ["a.png", "b.png"], "seed": 2}\n')
    assert read_jobs_file(yaml) == ({"preset": "draft"}, read_jobs_file(lines)[1])
    yaml.write_text("- images: a.png\n")
    assert read_jobs_file(yaml) == ({}, [{"images": "a.png"}])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no jobs"),
        ("jobs: []", "holds no jobs"),
        ("- a\n- b", "job 1"),
        ("jobs:\n- images: [a\n", "line 3"),
        ("job:\n- images: a", "'job' is unknown there"),
        ("defaults: 3\njobs: [{}]", "defaults:"),
        ("!!python/object/apply:os.getcwd []", "not valid YAML"),
        ("- 2026-99-99", "cannot be read as YAML"),
        ("[" * 5000, "YAML"),
        (BOMB + "jobs: [*h]", "more than 1000000 values"),
        ("&a [*a]", "more than 1000000 values"),
    ],
)
def test_what_is_no_jobs_file_is_said(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "jobs.yaml"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=r"^[^\n]+$") as refused:
        read_jobs_file(path)
    assert words in str(refused.value)


def test_limits_and_unreadable_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "jobs.jsonl"
    with pytest.raises(InvalidInput, match="no such file"):
        read_jobs_file(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidInput, match="UTF-8"):
        read_jobs_file(path)
    path.write_text("{}\n" * (read.MAX_JOBS + 1))
    with pytest.raises(InvalidInput, match="10000 are allowed"):
        read_jobs_file(path)
    path.write_text('{}\n{"images"}\n')
    with pytest.raises(InvalidInput, match="line 2"):
        read_jobs_file(path)
    monkeypatch.setattr(read, "MAX_BYTES", 5)
    with pytest.raises(InvalidInput, match="larger than"):
        read_jobs_file(path)


@given(text=st.text(alphabet="-[]{}:, \n'\"&*!|>#%@ax1", max_size=60), ending=st.sampled_from(["yaml", "jsonl"]))
def test_any_text_is_read_or_refused_in_words(tmp_path_factory: pytest.TempPathFactory, text: str, ending: str) -> None:
    path = tmp_path_factory.getbasetemp() / f"any.{ending}"
    path.write_text(text, encoding="utf-8")
    try:
        defaults, entries = read_jobs_file(path)
    except InvalidInput:
        return
    assert isinstance(defaults, dict)
    assert all(isinstance(entry, dict) for entry in entries)
