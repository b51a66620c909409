"""Part of the soak: kill -9 at random moments over short runs, then a restart. Nothing that was finished is lost."""

import contextlib
import json
import random
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gradio_client import Client, handle_file

from benchmarks.report import PROJECT
from benchmarks.soak_program import Program
from pipeline.errors import InvalidInput
from pipeline.records import RunRecord, RunStatus, read_record
from pipeline.video import probe, read_frames

PHOTOS = [PROJECT / "app" / "examples" / name for name in ("coffee.jpg", "chelsea.jpg", "rocket.jpg")]

PAGE_SHARE = 0.2
"""Of the kills that hit the page; the others hit `batch`."""

QUEUED = 4
"""Runs that the page is asked for before it is killed."""

EARLY_SHARE, EARLY_SECONDS = 0.1, 5.0
"""Of the kills that fall while the program starts, and within which time."""

SPAN = 3.0
"""How many runs a kill may come after the first one has begun; a busy machine takes longer for each."""

BEGIN_SECONDS, DRAIN_SECONDS = 300, 1200


class Kills:
    """Kills, restarts and what is found after each."""

    def __init__(self, folder: Path, count: int, seed: int) -> None:
        self.program, self.count, self.random = Program(folder), count, random.Random(seed)
        self.folder, self.faults = folder, list[str]()
        self.finished: dict[str, str] = {}
        self.checked: dict[str, int] = {}
        self.moments: dict[str, int] = {}

    def run(self) -> dict[str, Any]:
        """Kill `count` times; return the figures."""
        started = time.monotonic()
        for number in range(self.count):
            if self.random.random() < PAGE_SHARE:
                self._kill_page(number)
            else:
                self._kill_batch(number)
            self._check_finished()
            if number % 20 == 19:
                print(f"{number + 1} kills, {len(self.finished)} finished, faults: {self.faults[-3:]}", flush=True)
        self._restart()
        return {
            "kills": self.count,
            "kills_of_the_page": self.program.starts - 1,
            "seconds": round(time.monotonic() - started),
            "runs": len(list(self._records())),
            "finished": len(self.finished),
            "killed_while": dict(sorted(self.moments.items())),
            "after_the_restart": self._statuses(),
            "faults": self.faults,
        }

    # --- killing ----------------------------------------------------------------------------------------------------

    def _kill_page(self, number: int) -> None:
        """Start the page, which takes up what waits; ask it for runs, and kill it at some moment."""
        self.program.start()
        self._check_restart()
        known = self._names()
        client = Client(self.program.address, verbose=False, analytics_enabled=False, download_files=str(self.folder))
        settings = json.dumps(_small(self.random))
        for each in range(QUEUED):
            photo = handle_file(self.random.choice(PHOTOS))
            client.submit(photo, seed=number * QUEUED + each, settings=settings, api_name="/animate")
        self._wait(known)
        self._note_moment()
        self.program.kill()
        with contextlib.suppress(Exception):  # it has nobody to say goodbye to
            client.close()

    def _kill_batch(self, number: int) -> None:
        """Start `batch` over a list that it has often begun already, and kill it at some moment."""
        jobs = self.folder / f"jobs_{number // 4}.jsonl"
        if not jobs.exists():
            lines = (json.dumps(self._job(number, each)) for each in range(40))
            jobs.write_text("\n".join(lines), encoding="utf-8")
        known = self._names()
        with (self.folder / "batch.txt").open("ab") as said:
            folders = ["--outputs", str(self.program.outputs), "--logs", str(self.folder / "logs")]
            process = self.program.run("pipeline", ["batch", str(jobs), *folders], said)
        self._wait(known, process)
        self._note_moment()
        process.kill()
        process.wait()

    def _job(self, number: int, each: int) -> dict[str, Any]:
        first, last = self.random.sample(PHOTOS, 2)
        passage = self.random.random() < 0.25
        seed = number * 1000 + each
        return {"images": [str(first), str(last)] if passage else str(first), "seed": seed, **_small(self.random)}

    def _wait(self, known: set[str], process: "subprocess.Popen[bytes] | None" = None) -> None:
        """Wait for the moment of the kill: while `process` starts, or a while after the first run has begun."""
        if process is not None and self.random.random() < EARLY_SHARE:
            time.sleep(self.random.uniform(0, EARLY_SECONDS))
            return
        end = time.monotonic() + BEGIN_SECONDS
        while self._names() == known and time.monotonic() < end and (process is None or process.poll() is None):
            time.sleep(0.02)
        took = [each.finished_at - each.started_at for each in self._latest() if each.started_at and each.finished_at]
        pace = statistics.median(each.total_seconds() for each in took) if took else 1.0
        time.sleep(self.random.uniform(0, SPAN * pace))

    def _names(self) -> set[str]:
        return {path.name for path in self.program.outputs.glob("video_*.json")}

    def _latest(self) -> list[RunRecord]:
        """The last runs."""
        paths = sorted(self.program.outputs.glob("video_*.json"), key=lambda path: path.stat().st_mtime)
        with contextlib.suppress(InvalidInput):
            return [read_record(path) for path in paths[-10:]]
        return []

    # --- looking ----------------------------------------------------------------------------------------------------

    def _note_moment(self) -> None:
        """Count what stage the run is in that the kill will hit, as its record says."""
        running = [record for record in self._records() if record.status is RunStatus.RUNNING]
        last = max(running, key=lambda record: record.created_at, default=None)
        moment = "nothing" if last is None else f"after {last.stages[-1].name}" if last.stages else "at the beginning"
        self.moments[moment] = self.moments.get(moment, 0) + 1

    def _records(self) -> Iterator[RunRecord]:
        for path in sorted(self.program.outputs.glob("video_*.json")):
            with contextlib.suppress(InvalidInput):
                yield read_record(path)

    def _check_finished(self) -> None:
        """What was finished once must be as it was; each video under a final name must be whole."""
        now = {each.run_id: each for each in self._records() if each.status is RunStatus.SUCCEEDED}
        self.faults += [f"{run_id} was finished and is gone" for run_id in self.finished.keys() - now.keys()]
        for run_id, record in now.items():
            self.finished.setdefault(run_id, record.output.sha256 if record.output else "no output")
        for path in sorted(self.program.outputs.glob("video_*.*")):
            if path.suffix != ".json" and self.checked.get(path.name) != path.stat().st_mtime_ns:
                self.faults += _faults_of_video(path, now.get(path.stem))
                self.checked[path.name] = path.stat().st_mtime_ns

    def _check_restart(self) -> None:
        """After a start every record parses, and none says that it runs but what the new program makes."""
        for path in sorted(self.program.outputs.glob("video_*.json")):
            try:
                record = read_record(path)
            except InvalidInput as error:
                if path.exists():
                    self.faults.append(f"{path.name} does not parse: {error}")
                continue
            owned = self.program.process is not None and record.pid == self.program.process.pid
            if record.status is RunStatus.RUNNING and not owned:
                self.faults.append(f"{path.name} still says running")

    def _restart(self) -> None:
        """The last start: all that waits is made, and nothing unfinished is left lying about."""
        self.program.start()
        self._check_restart()
        end = time.monotonic() + DRAIN_SECONDS
        while set(self._statuses()) & {"queued", "running"} and time.monotonic() < end:
            time.sleep(1)
        self.program.stop()
        self._check_finished()
        self.faults += [f"after the end a run says {each}" for each in set(self._statuses()) & {"queued", "running"}]
        hidden = [path for path in self.program.outputs.rglob("*") if path.suffix == ".part" or ".work" in path.parts]
        self.faults += [f"{path.relative_to(self.program.outputs)} is left over" for path in hidden]
        self.faults += [f"{path.name} has no record" for path in self._orphans()]

    def _orphans(self) -> Iterator[Path]:
        """Videos that no record knows."""
        known = {record.output.path for record in self._records() if record.output}
        for path in sorted(self.program.outputs.glob("video_*.*")):
            if path.suffix in (".mp4", ".webm", ".gif") and path.name not in known:
                yield path

    def _statuses(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for record in self._records():
            found[record.status] = found.get(record.status, 0) + 1
        return dict(sorted(found.items()))


def _small(chance: random.Random) -> dict[str, Any]:
    """Settings of a run of half a second."""
    return {
        "prepare.width": chance.choice([96, 160, 320]),
        "prepare.height": chance.choice([64, 240]),
        "animate.num_frames": chance.choice([6, 24, 60]),
        "transition.num_frames": 12,
        "encode.format": chance.choice(["mp4", "mp4", "mp4", "webm", "gif"]),
        "encode.fps": chance.choice([10, 20]),
    }


def _faults_of_video(path: Path, record: RunRecord | None) -> list[str]:
    """Why a video is not whole; nothing where it is."""
    try:
        info = probe(path)
        frames = sum(1 for _ in read_frames(path).frames)
    except InvalidInput as error:
        return [f"{path.name}: {error}"]
    wrong = [f"{path.name} has {frames} frames instead of {info.num_frames}"] if frames != info.num_frames else []
    if record is not None and record.output is not None and record.output.bytes != path.stat().st_size:
        wrong.append(f"{path.name} is not the file that its record tells of")
    return wrong
