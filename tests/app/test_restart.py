"""A program that is killed in the middle of a run: the next one goes on with the queue, and resumes from the cache."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.actions import load_runner
from app.jobs import Jobs
from pipeline.records import RunStatus, read_record, record_path
from pipeline.video import probe
from tests.browser import PROJECT
from tests.conftest import TinyModels
from tests.pictures import scene

SECONDS = 300.0
"""How long a small run may take on a busy machine."""

PROGRAM = """
import json, sys
from pathlib import Path
from app.actions import load_runner
from app.jobs import Jobs
from pipeline.settings import make_settings

outputs, photo, masks = map(Path, sys.argv[1:4])
jobs = Jobs(outputs, load_runner)
for changes in json.loads(sys.argv[4]):
    given = masks if changes["prepare"].get("masks") else None
    print(jobs.submit((photo,), make_settings(changes), given).record.run_id, flush=True)
input()
"""
"""Puts runs in the queue, makes them, and goes on until it is killed."""


@pytest.mark.slow
def test_what_a_killed_program_had_finished_is_not_made_again(
    tiny_models: TinyModels, tmp_path: Path, outputs: Path
) -> None:
    photo, masks = tmp_path / "photo.png", tmp_path / "masks"
    masks.mkdir()
    Image.fromarray(scene(96, 64)).save(photo)
    Image.fromarray(np.full((64, 96), 255, np.uint8)).save(masks / "area_1.png")
    size = {"width": 64, "height": 64}
    sampled = {
        "seed": 3,
        "prepare": size,
        "animate": {"engine": "svd", "num_inference_steps": 2, "num_frames": 8},
        "interpolate": {"factor": 16},  # so that the encoder is busy for a while
        "enhance": {"scale": 4.0},
        "style": {"name": "oil"},
        "runtime": {"models_dir": str(tiny_models("svd")), "offline": True},
    }
    quick = {"prompt": "pan left", "prepare": size, "animate": {"num_frames": 3}}
    painted = {**quick, "prepare": {**size, "masks": [str(masks / "area_1.png")]}}
    command = [sys.executable, "-c", PROGRAM, str(outputs), str(photo), str(masks)]
    with subprocess.Popen(
        [*command, json.dumps([sampled, quick, painted])],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout is not None
        runs = [program.stdout.readline().strip() for _ in range(3)]
        end = time.monotonic() + SECONDS
        while "animate" not in stages(outputs, runs[0]) and time.monotonic() < end:
            time.sleep(0.02)
        program.kill()
    photo.unlink()
    assert not masks.exists()
    before = read_record(record_path(outputs, runs[0]))
    assert [stage.cache_hit for stage in before.stages] == [False, False]

    jobs = Jobs(outputs, load_runner)
    assert jobs.take_up() == 2
    assert [record.run_id for record in jobs.queue().interrupted] == [runs[0]]
    assert read_record(record_path(outputs, runs[0])).status is RunStatus.INTERRUPTED
    jobs.resume(runs[0])
    records = [done.record for run_id in runs if (done := jobs.wait(run_id, SECONDS)) is not None]
    jobs.close()
    assert [record.error for record in records] == [None] * 3
    resumed = records[0]
    assert {stage.name: stage.cache_hit for stage in resumed.stages}["animate"]
    assert resumed.seed == before.seed
    assert len(resumed.interruptions) == 1
    assert [each.role for each in records[2].inputs] == ["image", "mask"]
    for record in records:
        assert record.output is not None
        assert probe(outputs / record.output.path).num_frames == record.output.num_frames
    assert not (outputs / ".work").exists()


def stages(outputs: Path, run_id: str) -> list[str]:
    return [stage.name for stage in read_record(record_path(outputs, run_id)).stages]
