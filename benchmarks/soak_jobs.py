"""Part of the soak: hundreds of jobs in a row from several clients. Each gets its own result; memory stays level."""

import hashlib
import json
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from gradio_client import Client, handle_file
from PIL import Image

from benchmarks.soak_program import Program

EARLY, LEVEL = 50, 300
"""Jobs after which the memory is compared with that at the end, and the last jobs over which it has to be level."""

WINDOW = 10
"""Jobs whose median memory counts: each reading falls somewhere in a run."""


class JobsInARow:
    """Clients that ask one running page for job after job."""

    def __init__(self, folder: Path, jobs: int, clients: int) -> None:
        self.program, self.folder, self.jobs, self.clients = Program(folder), folder, jobs, clients
        self.faults: list[str] = []
        self.memory: list[int] = []
        self._lock = threading.Lock()

    def run(self) -> dict[str, Any]:
        """Ask for all jobs; return the figures."""
        self.program.start()
        started = time.monotonic()
        with ThreadPoolExecutor(self.clients) as pool:
            list(pool.map(self._client, range(self.clients)))
        seconds = time.monotonic() - started
        self.program.stop()
        left = [path for path in self.program.temporary.rglob("*") if path.is_file()]
        left += [path for path in self.program.outputs.rglob("*") if path.suffix == ".part" or ".work" in path.parts]
        early = statistics.median(self.memory[:EARLY][-WINDOW:])
        late = statistics.median(self.memory[-WINDOW:])
        level = self.memory[-LEVEL:]
        slope = statistics.linear_regression(range(len(level)), level).slope
        return {
            "jobs": len(self.memory),
            "clients": self.clients,
            "seconds": round(seconds),
            "memory_after_first_mb": round(self.memory[0] / 1e6, 1),
            f"memory_after_{EARLY}_mb": round(early / 1e6, 1),
            "memory_at_the_end_mb": round(late / 1e6, 1),
            "growth_percent": round(100 * (late / early - 1), 1),
            f"growth_over_the_last_{LEVEL}_percent": round(100 * slope * len(level) / early, 1),
            "memory_mb": [round(each / 1e6) for each in self.memory[WINDOW - 1 :: WINDOW]],
            "files_left": [str(path.relative_to(self.folder)) for path in left],
            "faults": self.faults,
        }

    def _client(self, number: int) -> None:
        own = self.folder / f"client_{number}"
        own.mkdir()
        photo = own / f"photo of client {number}.png"
        pixels = np.random.default_rng(number).integers(0, 255, (60, 80, 3), np.uint8)
        Image.fromarray(pixels).save(photo)
        client = Client(self.program.address, verbose=False, analytics_enabled=False, download_files=str(own))
        for seed in range(number, self.jobs, self.clients):
            try:
                self._job(client, photo, seed)
            except Exception as error:  # noqa: BLE001 - whatever a job ends with is a finding
                self.faults.append(f"job {seed}: {type(error).__name__}: {error}"[:300])
            with self._lock:
                self.memory.append(self.program.memory())
                if len(self.memory) % 50 == 0:
                    print(f"{len(self.memory)} jobs, {self.memory[-1] / 1e6:.0f} MB", flush=True)
        client.close()

    def _job(self, client: Client, photo: Path, seed: int) -> None:
        """Ask for a video of own settings, and look whether it is the one that was asked for."""
        width, frames = 64 + 16 * (seed % 5), 3 + seed % 7
        settings = {"prepare.width": width, "prepare.height": 48, "animate.num_frames": frames}
        given = handle_file(photo)
        video, text = client.predict(given, seed=seed, settings=json.dumps(settings), api_name="/animate")
        record = json.loads(text)
        told = record["seed"], record["inputs"][0]["name"], record["output"]["width"], record["output"]["num_frames"]
        same = hashlib.sha256(Path(video).read_bytes()).hexdigest() == record["output"]["sha256"]
        same = same and record["inputs"][0]["sha256"] == hashlib.sha256(photo.read_bytes()).hexdigest()
        if told != (seed, photo.name, width, frames) or not same:
            self.faults.append(f"job {seed} got another's result: {told}")
        Path(video).unlink()
