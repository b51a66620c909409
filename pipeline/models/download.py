"""Downloads of models, resumed after a break.

The hub's own client throws half a file away when a download breaks. Here large files are fetched by HTTP ranges into
`DIGEST.incomplete` and go on from there, also in another process; the client is left to list the repository, to fetch
the small files and to enter everything into its layout, so that other programs find the model as well.
"""

import hashlib
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tqdm.asyncio import tqdm_asyncio

from pipeline.catalogue import Card
from pipeline.errors import Cancelled, InvalidSetting, ModelMissing, OutputFailed
from pipeline.models.files import ModelFiles, locate, locate_file
from pipeline.models.hub_errors import hub_errors_explained
from pipeline.models.layout import INDEX
from pipeline.models.places import PARTIAL, Listed, Place, free_bytes, is_offline, places
from pipeline.models.safetensors import broken_files
from pipeline.models.status import download_command, model_status, size
from pipeline.settings import RuntimeSettings

POLL_SECONDS = 0.25
"""How often progress is reported, and a wish to stop is looked up."""
SPEED_SECONDS = 5.0
"""The speed is the mean of the last seconds."""
CONNECTIONS = 4
"""Files fetched at the same time: one connection seldom fills a fast line."""
RETRIES = 5
"""Attempts in a row that bring nothing, before a download is given up."""
RETRY_PAUSE = 1.0
"""Seconds between them."""
TIMEOUT = 10.0
"""Seconds without an answer or a byte after which a connection counts as broken."""
LOCK_WAIT = 15.0
"""Seconds to wait for another download of the same model, such as one that has just been stopped."""


@dataclass(frozen=True)
class DownloadProgress:
    """How far a download is; `seconds_left` is None until the speed is known. `file` is the one at work."""

    done_bytes: int
    total_bytes: int
    bytes_per_second: float
    seconds_left: float | None
    file: str


@dataclass
class _Job:
    """One large file. `digest` is its SHA-256; empty where the hub's client checks it itself."""

    name: str
    url: str
    target: Path
    partial: Path
    bytes: int
    digest: str
    done: int = 0
    """Bytes that are here."""
    received: int = 0
    """Bytes that this download has brought, from which the speed is known."""


@dataclass
class _Task:
    """A download under way, as its threads and the caller share it."""

    card: Card
    runtime: RuntimeSettings
    stop: threading.Event = field(default_factory=threading.Event)
    jobs: list[_Job] = field(default_factory=list)
    base_bytes: int = 0
    """What was there before, and the small files."""
    total_bytes: int = 0
    file: str = ""
    error: BaseException | None = None

    @property
    def done_bytes(self) -> int:
        return self.base_bytes + sum(job.done for job in self.jobs)

    def check(self) -> None:
        """Raise Cancelled when the download is to stop."""
        if self.stop.is_set():
            raise Cancelled("The download was stopped; what is there is kept, and the same command goes on from it.")


def download(
    card: Card,
    runtime: RuntimeSettings,
    report: Callable[[DownloadProgress], None],
    is_cancelled: Callable[[], bool],
) -> ModelFiles:
    """Get what is missing of a model, and return where it is. A model that is here is left alone.

    Files of weights that are cut off or overwritten are removed and fetched again. `report` is called every quarter
    of a second, from the calling thread; `is_cancelled` is asked as often. Raises Cancelled, InvalidSetting (offline),
    ModelMissing (gated, gone, no network, not on the hub) and OutputFailed (no room, cannot be written); what has
    arrived is kept in each case.
    """
    if card.files:
        return ModelFiles(card, locate_file(card, runtime).parent)
    broken = broken_files(card, runtime)
    if model_status(card, runtime).state == "ready" and not broken:
        return locate(card, runtime)
    if is_offline(runtime):
        raise InvalidSetting(
            f"{card.title} cannot be downloaded while runtime.offline or HF_HUB_OFFLINE is set: unset it to allow it."
        )
    for path in broken:
        path.resolve().unlink(missing_ok=True)
        path.unlink(missing_ok=True)
    task = _Task(card, runtime, total_bytes=card.total_bytes, file=INDEX)
    worker = threading.Thread(target=_work, args=(task,), name=f"download {card.name}", daemon=True)
    worker.start()
    speed = _Speed()
    try:
        while worker.is_alive():
            worker.join(POLL_SECONDS)
            report(speed.progress(task))
            if is_cancelled():
                task.stop.set()
                task.check()
    finally:
        task.stop.set()
    if task.error is not None:
        raise task.error
    return locate(card, runtime)


class _Speed:
    """Mean speed of the last seconds, from what was done at the times it was asked."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def progress(self, task: _Task) -> DownloadProgress:
        now, done = time.monotonic(), task.done_bytes
        received = sum(job.received for job in task.jobs)
        self._seen.append((now, received))
        while now - self._seen[0][0] > SPEED_SECONDS:
            self._seen.popleft()
        since, before = self._seen[0]
        speed = (received - before) / (now - since) if now > since else 0.0
        left = (task.total_bytes - done) / speed if speed > 0 else None
        return DownloadProgress(done, task.total_bytes, speed, left, task.file)


def _work(task: _Task) -> None:
    """The whole download, in a thread of its own: the caller need not wait for a connection that hangs."""
    try:
        with hub_errors_explained(task.card, task.runtime), _quiet_hub(), ExitStack() as locks:
            spots = places(task.card, task.runtime)
            for place in spots:
                locks.enter_context(_lock(place, task))
            _fetch_all(task, spots)
    except BaseException as error:  # noqa: BLE001 - it is raised in the caller's thread
        task.error = error


@contextmanager
def _lock(place: Place, task: _Task) -> Iterator[None]:
    """Keep other programs from fetching the same. The lock goes with the process that holds it."""
    from filelock import FileLock, Timeout

    place.partials.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(place.notes / "image-to-video.lock", timeout=LOCK_WAIT):
            yield
    except Timeout as error:
        raise OutputFailed(
            f"Another program is downloading {task.card.title} into {place.root} at this moment: wait until it is done."
        ) from error


@contextmanager
def _quiet_hub() -> Iterator[None]:
    """The hub's client without warnings of its own: what matters reaches the user as an error."""
    from huggingface_hub import logging as hub_logging

    before = hub_logging.get_verbosity()
    hub_logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        hub_logging.set_verbosity(before)


def _fetch_all(task: _Task, spots: tuple[Place, ...]) -> None:
    """List everything first, so that the size is known before anything large is fetched."""
    plans: list[tuple[Place, list[str]]] = []
    for spot in spots:
        place = _open(spot, task)
        names = place.wanted()
        listing = place.listing()
        if not any(name.endswith(".safetensors") for name in names) and place.source.has_index:
            raise ModelMissing(
                f"The repository {place.source.repository} holds no safetensors for {task.card.title} "
                f"at revision {place.source.revision}: the model card in configs/models is not right."
            )
        task.jobs += [_job(place, name, listing[name]) for name in names if listing[name].large]
        plans.append((place, names))
    _start_count(task, plans)
    _check_room(task, plans)
    for place, names in plans:
        listing = place.listing()
        _enter(place, [name for name in names if not listing[name].large], task)
    _fetch_jobs(task)
    for place, names in plans:
        task.file = "entering the files"
        _enter(place, names, task)
        if place.own:  # beginnings of files that a later revision has replaced
            for partial in place.partials.glob(f"*{PARTIAL}"):
                partial.unlink()


def _open(place: Place, task: _Task) -> Place:
    """Ask the hub for the revision and its list of files, and get what tells which of them are wanted."""
    from huggingface_hub import HfApi

    task.check()
    repository, revision = place.source.repository, place.source.revision
    found = HfApi().model_info(repository, revision=revision, files_metadata=True, timeout=TIMEOUT)
    files = {file.rfilename: file for file in found.siblings or []}
    if found.sha is None or (place.source.has_index and INDEX not in files):
        raise ModelMissing(
            f"The repository {repository} holds no {INDEX} at revision {revision}: "
            "it is not in the layout of diffusers, so the model card in configs/models is not right."
        )
    folder = place.root if place.own else place.root / "snapshots" / found.sha
    opened = replace(place, folder=folder, commit=found.sha)
    opened.note_listing(
        {
            name: Listed(file.size or 0, file.lfs.sha256 if file.lfs else file.blob_id or "", file.lfs is not None)
            for name, file in files.items()
        }
    )
    if place.source.has_index:
        _enter(opened, [INDEX], task)
    return opened


def _enter(place: Place, names: list[str], task: _Task) -> None:
    """Have the hub's client enter files into its layout; it fetches the small ones that are not there yet.

    The shared cache is told the branch with the first file, under which other programs look a model up.
    """
    from huggingface_hub import hf_hub_download

    for name in names:
        task.check()
        hf_hub_download(
            place.source.repository,
            name,
            revision=place.source.revision if name == names[0] and not place.own else place.commit,
            local_dir=place.root if place.own else None,
            etag_timeout=TIMEOUT,
            tqdm_class=_NoBar,
        )


class _NoBar(tqdm_asyncio):  # type: ignore[type-arg]  # a generic to its types alone
    """A progress bar that is not shown."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{**options, "disable": True})


def _job(place: Place, name: str, file: Listed) -> _Job:
    from huggingface_hub import hf_hub_url

    target = place.root / name if place.own else place.root / "blobs" / file.digest
    url = hf_hub_url(place.source.repository, name, revision=place.commit)
    partial = place.partials / f"{file.digest}{PARTIAL}"
    return _Job(name, url, target, partial, file.bytes, "" if place.own else file.digest)


def _start_count(task: _Task, plans: list[tuple[Place, list[str]]]) -> None:
    """Leave out the large files that are here, and set the counters."""
    listings = [(place.listing(), names) for place, names in plans]
    small = sum(listing[name].bytes for listing, names in listings for name in names if not listing[name].large)
    here = [job for job in task.jobs if job.target.is_file() and job.target.stat().st_size == job.bytes]
    task.base_bytes = small + sum(job.bytes for job in here)
    task.total_bytes = small + sum(job.bytes for job in task.jobs)
    task.jobs = [job for job in task.jobs if job not in here]
    for job in task.jobs:
        job.done = job.partial.stat().st_size if job.partial.is_file() else 0


def _check_room(task: _Task, plans: list[tuple[Place, list[str]]]) -> None:
    needed, root = task.total_bytes - task.done_bytes, plans[0][0].root
    free = free_bytes(root)
    if needed > free:
        raise OutputFailed(
            f"{task.card.title} needs {size(needed)} more, but {size(free)} are free on the disk of {root}: "
            "free some space, or choose a folder on another disk with runtime.models_dir."
        )


def _fetch_jobs(task: _Task) -> None:
    """Fetch the large files, several at a time; the first error stops them all."""
    waiting: queue.SimpleQueue[_Job] = queue.SimpleQueue()
    for job in task.jobs:
        waiting.put(job)
    errors: list[BaseException] = []
    failed = threading.Event()

    def take() -> None:
        while not failed.is_set():
            try:
                _fetch(waiting.get_nowait(), task, failed)
            except queue.Empty:
                return
            except BaseException as error:  # noqa: BLE001 - it is raised in the thread that waits for this one
                errors.append(error)
                failed.set()

    threads = [threading.Thread(target=take, daemon=True) for _ in range(min(CONNECTIONS, len(task.jobs)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def _fetch(job: _Job, task: _Task, failed: threading.Event) -> None:
    """Fetch one file from where it stopped; a broken connection is tried again as long as it brings something."""
    import httpx2

    task.file = job.name
    job.target.parent.mkdir(parents=True, exist_ok=True)
    attempts = 0
    while not failed.is_set():
        before = job.done
        try:
            _stream(job, task, failed)
            break
        except httpx2.TransportError:
            attempts = 0 if job.done > before else attempts + 1
            if attempts >= RETRIES:
                raise
            task.stop.wait(RETRY_PAUSE)
            task.check()
    if failed.is_set():
        return
    if job.digest and _sha256(job.partial, task) != job.digest:
        job.partial.unlink()
        raise ModelMissing(
            f"{job.name} of {task.card.title} arrived damaged and was removed: "
            f"{download_command(task.card, task.runtime)} fetches it again."
        )
    job.partial.replace(job.target)


def _stream(job: _Job, task: _Task, failed: threading.Event) -> None:
    """One connection: what it brings is appended to what is there, or begins anew where the server gives no ranges."""
    import httpx2
    from huggingface_hub import get_session, get_token, hf_raise_for_status

    start = job.partial.stat().st_size if job.partial.is_file() else 0
    if start == job.bytes:
        job.done = start
        return
    headers = {"Accept-Encoding": "identity"}  # a compressed answer could not be continued in the middle
    token = get_token()
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"  # left out by the client where another host is pointed to
    if 0 < start < job.bytes:
        headers["Range"] = f"bytes={start}-"
    with get_session().stream("GET", job.url, headers=headers, timeout=TIMEOUT) as response:
        if response.is_error:
            response.read()
        hf_raise_for_status(response)
        goes_on = response.status_code == httpx2.codes.PARTIAL_CONTENT
        job.done = start if goes_on else 0
        with job.partial.open("ab" if goes_on else "wb") as file:
            for chunk in response.iter_bytes():
                task.check()
                if failed.is_set():
                    return
                file.write(chunk)
                job.done += len(chunk)
                job.received += len(chunk)
    if job.done != job.bytes:
        raise httpx2.RemoteProtocolError(f"{job.name} ended after {job.done} of {job.bytes} bytes")


def _sha256(path: Path, task: _Task) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 22):
            task.check()
            digest.update(chunk)
    return digest.hexdigest()
