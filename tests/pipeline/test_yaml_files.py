"""The files that come with the program mean the same to every reader of YAML."""

from pathlib import Path

import pytest
import yaml

from pipeline.paths import PROJECT
from pipeline.yaml_files import parse_yaml

FILES = sorted(path for folder in ("configs", "pipeline") for path in (PROJECT / folder).rglob("*.yaml"))


def test_there_are_files() -> None:
    assert len(FILES) > 30


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_read_as_the_plain_reader_reads_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert parse_yaml(text) == yaml.safe_load(text)


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "\t- x", "!!python/object/apply:os.getcwd []"])
def test_what_is_no_plain_yaml_is_refused(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        parse_yaml(text)
