"""Benchmark of the history: `python -m benchmarks.history` takes about a minute.

10,000 records as runs write them; the index is built once, and then each round is a program of its own that opens the
history and searches it. Videos are not needed: posters are made when they come into sight, a page at a time.
"""

import argparse
import json
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.report import PROJECT, save, table
from pipeline.records import InputRecord, Notice, RunRecord, RunStatus, StageRecord
from pipeline.settings import make_settings

OPEN_SECONDS, SEARCH_SECONDS = 2.0, 0.5
"""Targets: opening, from the start of the program's own work to the first page; one search."""

WORDS = [
    "waves",
    "sea",
    "clouds",
    "river",
    "smoke",
    "fire",
    "zoom",
    "pan",
    "slowly",
    "night",
    "snow",
    "forest",
    "city",
    "海浪",
    "云",
]

ROUND = """
import json, sys, time
start = time.monotonic()
from pathlib import Path
from pipeline.history import History, Order, Query
from pipeline.records import RunStatus
history = History(Path(sys.argv[1]))
history.find(Query())
times = {"open": time.monotonic() - start}
for name, query, offset in [
    ("words", Query(text="river NIGHT"), 0),
    ("words that are nowhere", Query(text="nowhere"), 0),
    ("status and seed", Query(status=RunStatus.FAILED, seed=4321), 0),
    ("sorted by prompt", Query(order=Order.PROMPT), 0),
    ("the last page", Query(), 9976),
]:
    start = time.monotonic()
    history.find(query, offset=offset)
    times[name] = time.monotonic() - start
print(json.dumps(times))
"""


def main() -> None:
    """Measure, then write the results and the document's section."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=7, help="programs that open the history; the medians count")
    arguments.add_argument("--records", type=int, default=10_000)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outputs = Path(folder)
        for number in range(given.records):
            put(outputs, number)
        building = measure(outputs)["open"]
        rounds = [measure(outputs) for _ in range(given.rounds)]
        size = (outputs / ".index" / "history.sqlite").stat().st_size
    report(given.records, building, size, rounds)


def put(outputs: Path, number: int) -> None:
    """Write a record as long as that of a run of three seconds."""
    at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
    words = [WORDS[(number * step) % len(WORDS)] for step in (1, 3, 5, 7)]
    settings = make_settings({"prompt": " ".join(words)})
    message = "The video is as large as the photo allows, and nothing was changed."
    record = RunRecord(
        run_id=at.strftime("video_%Y%m%d_%H%M%S"),
        status=RunStatus.SUCCEEDED if number % 10 else RunStatus.FAILED,
        created_at=at,
        started_at=at,
        finished_at=at + timedelta(seconds=number % 60),
        pid=1,
        process_started_at=0.0,
        seed=number,
        requested=settings,
        used=settings,
        inputs=[InputRecord(name=f"photo {number}.jpg")],
        stages=[StageRecord(name=name, seconds=1.0) for name in ("prepare", "animate", "encode")],
        notices=[Notice(stage="prepare", message=message)],
        memory_timeline=[(step / 10, 300_000_000 + step) for step in range(100)],
    )
    (outputs / f"{record.run_id}.json").write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")


def measure(outputs: Path) -> dict[str, float]:
    """Seconds that a new program takes to open the history, and to search it."""
    command = [sys.executable, "-c", ROUND, str(outputs)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    times: dict[str, float] = json.loads(done.stdout)
    return times


def report(records: int, building: float, size: int, rounds: list[dict[str, float]]) -> None:
    """Write benchmarks/results/history.json and the section of docs/benchmarks.md, and print the medians."""
    medians = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    opening = medians.pop("open")
    slowest = max(medians.values())
    rows = [["opening", f"{opening:.3f}", str(OPEN_SECONDS)]]
    rows += [[f"search: {name}", f"{seconds:.3f}", str(SEARCH_SECONDS)] for name, seconds in medians.items()]
    rows += [["first building", f"{building:.1f}", ""]]
    met = "yes" if opening <= OPEN_SECONDS and slowest <= SEARCH_SECONDS else "no"
    summary = (
        f"`python -m benchmarks.history`: {records:,} records, medians of {len(rounds)} programs on {os.cpu_count()} "
        f"cores. Opening is from the import of the module to the first page, with the index up to date; every search "
        f"looks through the folder for changes first. The index takes {size / 1e6:.1f} MB. Targets met: {met}."
    )
    section = "\n\n".join(["## History", summary, table(["", "seconds", "at most"], rows)])
    machine = {"cpu_count": os.cpu_count(), "python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    results = {"machine": machine, "records": records, "building_seconds": building, "index_bytes": size}
    save("history", {**results, "rounds": rounds}, section)
    print(f"opening {opening:.3f} s, slowest search {slowest:.3f} s, building {building:.1f} s")


if __name__ == "__main__":
    main()
