"""Benchmark of generating again: `python -m benchmarks.regenerate`, in about five minutes.

A first run, and then the same with one thing changed: by a diffusion model of random weights that samples for about a
minute, and by the embedded engine at 1080p. How long a run took is what its record says.
"""

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import machine
from benchmarks.report import PROJECT, save, table
from pipeline.catalogue import merge
from pipeline.models.resident import RESIDENT
from pipeline.records import RunRecord
from pipeline.run import execute, submit
from pipeline.settings import make_settings
from tests.tiny_models import MIDDLE, build_middle

PHOTO = PROJECT / "app" / "examples" / "coffee.jpg"

CHANGES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "fps": {"encode": {"fps": 12}},
    "CRF": {"encode": {"crf": 28}},
    "frames between": {"interpolate": {"factor": 2}},
}

SAMPLED = {"CRF": 0.1, "fps": 0.1}
"""Largest share of the first run's time, of a model."""


def main() -> None:
    """Measure, then write the results and the document."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder) / "models"
        build_middle(models)
        model = {
            "prompt": "steam rises",
            "seed": 1,
            "prepare": {"width": 256, "height": 256},
            "animate": {"engine": MIDDLE, "num_frames": 16, "num_inference_steps": 36},
            "runtime": {"models_dir": models},
        }
        embedded = {"prompt": "zoom in", "seed": 1, "prepare": {"width": 1920, "height": 1080}}
        results = {
            "machine": machine(),
            "load_before": round(os.getloadavg()[0], 2),
            "model": _runs(model, Path(folder) / "sampled"),
            "embedded": _runs(embedded, Path(folder) / "rendered"),
        }
    save("regenerate", results, _section(results))
    print(_section(results))


def _runs(asked: dict[str, Any], outputs: Path) -> dict[str, Any]:
    """A first run and one for each change: seconds, and the stages that were taken from the cache."""
    first = _run(asked, outputs)
    again = {name: _run(merge(asked, changes), outputs) for name, changes in CHANGES.items()}
    RESIDENT.release()
    return {name: _told(record) for name, record in {"first": first, **again}.items()}


def _run(asked: dict[str, Any], outputs: Path) -> RunRecord:
    record = execute(submit((PHOTO,), make_settings(asked), outputs), (PHOTO,), outputs)
    if record.error is not None:
        raise SystemExit(record.error.message)
    return record


def _told(record: RunRecord) -> dict[str, Any]:
    if record.started_at is None or record.finished_at is None:
        raise ValueError("the run has not ended")
    seconds = (record.finished_at - record.started_at).total_seconds()
    stages = {stage.name: stage.seconds for stage in record.stages}
    return {
        "seconds": round(seconds, 2),
        "from_cache": [stage.name for stage in record.stages if stage.cache_hit],
        "stages": stages,
    }


def _section(results: dict[str, Any]) -> str:
    rows = []
    for kind, runs in (("a model", results["model"]), ("embedded", results["embedded"])):
        whole = runs["first"]["seconds"]
        for name, run in runs.items():
            share = f"{100 * run['seconds'] / whole:.1f} %"
            rows.append([f"{kind}: {name}", f"{run['seconds']:.2f}", share, ", ".join(run["from_cache"]) or "none"])
    bounds = [_target(results["model"], name, bound) for name, bound in SAMPLED.items()]
    return (
        "## Generating again\n\n"
        "`python -m benchmarks.regenerate`: a first run, and the same with one setting changed. The model is an "
        "I2VGen-XL of random weights, 16 frames of 256x256 in 36 steps on the processor; the embedded engine makes 90 "
        "frames of 1080p. *From the cache* are the stages that were not done again.\n\n"
        + table(["changed", "seconds", "of the first", "from the cache"], rows)
        + "\n\n"
        + table(["target", "bound", "measured", "met"], bounds)
    )


def _target(runs: dict[str, Any], name: str, bound: float) -> list[str]:
    share = runs[name]["seconds"] / runs["first"]["seconds"]
    met = "yes" if share <= bound else "**no**"
    return [f"a model, {name} alone", f"at most {100 * bound:g} %", f"{100 * share:.1f} %", met]


if __name__ == "__main__":
    main()
