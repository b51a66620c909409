"""The generated documentation is current."""

from pathlib import Path

import pytest

from scripts.generate_docs import pages


@pytest.mark.parametrize("path", list(pages()), ids=lambda path: path.name)
def test_generated_pages_are_current(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == pages()[path], "run `python -m scripts.generate_docs`"
