"""Where results go: a JSON file for each benchmark, and its own section in docs/benchmarks.md."""

import json
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
RESULTS = PROJECT / "benchmarks" / "results"
DOCUMENT = PROJECT / "docs" / "benchmarks.md"

_TITLE = "# Benchmarks\n\nEach section is written by the script that it names, from the results it measured.\n"


def save(name: str, results: dict[str, Any], section: str) -> None:
    """Write benchmarks/results/NAME.json, and put `section` (Markdown) in the place of the document's section NAME."""
    text = json.dumps(results, indent=2, ensure_ascii=False) + "\n"
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    document = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else _TITLE
    if begin not in document:
        document += f"\n{begin}\n{end}\n"
    before, _, rest = document.partition(begin)
    DOCUMENT.write_text(f"{before}{begin}\n{section.strip()}\n{end}{rest.partition(end)[2]}", encoding="utf-8")


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; the first column is text, the others are numbers."""
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
