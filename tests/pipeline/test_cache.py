"""Entries are whole or not there, the least recently used go first, and runs that share a cache do no harm."""

import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cache import MANIFEST, Cache, cache_key

KB = 1000


def add(cache: Cache, key: str, size: int = KB, **facts: object) -> None:
    with cache.adding(key, facts) as folder:
        (folder / "film.bin").write_bytes(key[:1].encode() * size)


def used_at(folder: Path, key: str, moment: float) -> None:
    for path in (folder / key).iterdir():
        os.utime(path, (moment, moment))


@given(
    decides=st.dictionaries(
        st.text(), st.one_of(st.none(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text())
    ),
    stage=st.text(),
)
def test_a_key_does_not_depend_on_the_order_and_changes_with_everything(decides: dict[str, object], stage: str) -> None:
    key = cache_key(stage, "1", decides)
    assert key == cache_key(stage, "1", dict(reversed(list(decides.items()))))
    others = [(f"{stage}x", "1", decides), (stage, "2", decides), (stage, "1", {**decides, "added, too": 1})]
    assert key not in {cache_key(*other) for other in others}


def test_numbers_that_json_does_not_know_are_no_key() -> None:
    with pytest.raises(ValueError, match="JSON"):
        cache_key("animate", "1", {"scale": float("nan")})


def test_what_was_added_is_found_with_what_was_said_of_it(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", 10 * KB)
    assert cache.find("a") is None
    assert not cache.has("a")
    facts: dict[str, object] = {}
    with cache.adding("a", facts) as folder:
        (folder / "film.bin").write_bytes(b"frames")
        facts["model"] = {"name": "svd"}
    entry = Cache(tmp_path / "cache", 10 * KB).find("a")
    assert entry is not None
    assert (entry.folder / "film.bin").read_bytes() == b"frames"
    assert entry.facts == {"model": {"name": "svd"}}


def test_what_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 10 * KB)

    def break_off() -> None:
        with cache.adding("a", {}) as folder:
            (folder / "film.bin").write_bytes(b"half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        break_off()
    assert cache.find("a") is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["cut", "altered", "gone", "manifest", "no manifest", "nonsense"])
def test_a_damaged_entry_is_not_found_and_made_again(tmp_path: Path, damage: str) -> None:
    cache = Cache(tmp_path, 10 * KB)
    add(cache, "a")
    film, manifest = tmp_path / "a" / "film.bin", tmp_path / "a" / MANIFEST
    if damage == "cut":
        film.write_bytes(film.read_bytes()[:-1])
    elif damage == "altered":
        film.write_bytes(b"b" + film.read_bytes()[1:])
    elif damage == "gone":
        film.unlink()
    elif damage == "manifest":
        manifest.write_text(manifest.read_text()[:-5])
    elif damage == "nonsense":
        manifest.write_text(json.dumps([1, 2]))
    else:
        manifest.unlink()
    assert cache.find("a") is None
    assert not (tmp_path / "a").exists()
    add(cache, "a")
    assert cache.find("a") is not None


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 3 * KB + 900)
    now = time.time()
    for age, key in ((30, "a"), (20, "b"), (10, "c")):
        add(cache, key)
        used_at(tmp_path, key, now - age)
    assert cache.find("a") is not None  # used now
    add(cache, "d")
    assert [key for key in "abcd" if cache.has(key)] == ["a", "c", "d"]
    assert cache.size() <= 3 * KB + 900


def test_an_entry_above_the_limit_stays_alone(tmp_path: Path) -> None:
    cache = Cache(tmp_path, KB)
    add(cache, "a")
    add(cache, "b", 5 * KB)
    assert [key for key in "ab" if cache.has(key)] == ["b"]


def test_what_a_program_that_is_gone_was_writing_is_swept(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 10 * KB)
    left = tmp_path / "a.4194999.1.part"
    left.mkdir()
    (left / "film.bin").write_bytes(b"half")
    with cache.adding("b", {}) as writing:
        cache.trim()
        assert writing.is_dir()
        assert not left.exists()
        cache.clear()
        assert writing.is_dir()
        (writing / "film.bin").write_bytes(b"whole")
    assert cache.find("b") is not None
    cache.clear()
    assert cache.find("b") is None


def test_two_runs_that_make_the_same_do_no_harm(tmp_path: Path) -> None:
    cache, both = Cache(tmp_path, 100 * KB), threading.Barrier(2)

    def make() -> None:
        for number in range(20):
            both.wait(timeout=60)
            add(cache, f"{number}", number=number)
            found = cache.find(f"{number}")
            assert found is not None
            assert found.facts == {"number": number}

    with ThreadPoolExecutor(2) as runs:
        for run in [runs.submit(make) for _ in range(2)]:
            run.result()
    assert not list(tmp_path.glob("*.part"))
