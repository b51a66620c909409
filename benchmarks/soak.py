"""Soaks: `python -m benchmarks.soak kills | jobs | mutations`, each for minutes to half an hour; alone or all of them.

What must never be lost, and what must never get through, at numbers that the tests have no time for. The figures of
each are kept in benchmarks/results/soak.json, whichever was run last.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import machine
from benchmarks.report import RESULTS, save, table
from benchmarks.soak_jobs import EARLY, LEVEL, JobsInARow
from benchmarks.soak_kills import Kills
from benchmarks.soak_mutations import Mutations

KINDS = ("kills", "jobs", "mutations")

GROWTH_PERCENT, LEVEL_PERCENT = 10.0, 2.0
"""Most that memory may grow from the 50th job to the last, and along the line through the last 300."""


def main() -> None:
    """Run the soaks that are named, and write results and document."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("kinds", nargs="*", help="which; all of them where none is named")
    arguments.add_argument("--kills", type=int, default=200)
    arguments.add_argument("--jobs", type=int, default=500)
    arguments.add_argument("--clients", type=int, default=8)
    arguments.add_argument("--mutants", type=int, default=2000, help="images, and as many settings and records")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--dry", action="store_true", help="print the figures and keep none")
    given = arguments.parse_args()
    if unknown := set(given.kinds) - set(KINDS):
        arguments.error(f"there is no soak {', '.join(sorted(unknown))}: choose of {', '.join(KINDS)}")
    path = RESULTS / "soak.json"
    results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for kind in given.kinds or KINDS:
        with tempfile.TemporaryDirectory(prefix=f"soak-{kind}-", ignore_cleanup_errors=True) as folder:
            print(f"{kind} in {folder}", flush=True)
            results[kind] = {**_run(kind, Path(folder), given), "machine": machine(), "load": os.getloadavg()[1]}
            print(json.dumps(results[kind], indent=2, ensure_ascii=False), flush=True)
            if not given.dry:
                save("soak", results, section(results))


def _run(kind: str, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    if kind == "kills":
        return Kills(folder, given.kills, given.seed).run()
    if kind == "jobs":
        return JobsInARow(folder, given.jobs, given.clients).run()
    return Mutations(folder, given.mutants, given.seed).run()


def section(results: dict[str, Any]) -> str:
    """The section of docs/benchmarks.md."""
    rows: list[list[str]] = []
    if found := results.get("kills"):
        name = f"{found['kills']} kills (-9), {found['runs']} runs, {found['finished']} finished"
        rows.append([name, "nothing lost, all whole", _faults(found), _met(not found["faults"])])
    if found := results.get("jobs"):
        early, late = found[f"memory_after_{EARLY}_mb"], found["memory_at_the_end_mb"]
        growth, slope = found["growth_percent"], found[f"growth_over_the_last_{LEVEL}_percent"]
        name = f"{found['jobs']} jobs from {found['clients']} clients"
        left = len(found["files_left"])
        rows += [
            [f"{name}: results", "each its own", _faults(found), _met(not found["faults"])],
            [
                f"memory, {early} MB after {EARLY}, {late} MB at the end",
                f"within {GROWTH_PERCENT:g} %",
                f"{growth:+.1f} %",
                _met(abs(growth) <= GROWTH_PERCENT),
            ],
            [f"over the last {LEVEL}", f"within {LEVEL_PERCENT:g} %", f"{slope:+.1f} %", _met(slope <= LEVEL_PERCENT)],
            ["files left over", "0", str(left), _met(not left)],
        ]
    if found := results.get("mutations"):
        for kind, answers in found["answers"].items():
            told = ", ".join(f"{count} {answer}" for answer, count in answers.items())
            rows.append([f"{sum(answers.values())} mutated {kind}", "used or refused in a sentence", told, ""])
        outside = len(found["files_outside"])
        rows.append(["tracebacks, hangs, errors in the log", "0", str(len(found["faults"])), _met(not found["faults"])])
        rows.append(["files outside the outputs", "0", str(outside), _met(not outside)])
    return (
        "## Nothing lost\n\n"
        "`python -m benchmarks.soak`: kills at random moments of short runs, by the page and by `batch`, then a "
        "restart; jobs in a row through gradio_client; mutated images and settings sent to the page, and mutated "
        "records, videos and posters brought back. Every change of a file is watched by an audit hook of Python's.\n\n"
        + table(["", "target", "measured", "met"], rows)
    )


def _faults(found: dict[str, Any]) -> str:
    return f"{len(found['faults'])} faults"


def _met(is_met: bool) -> str:
    return "yes" if is_met else "**no**"


if __name__ == "__main__":
    main()
