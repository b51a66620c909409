"""The two jobs for programs: named endpoints of the running page, `/animate` and `/transition`.

Their files are uploaded first, as gradio_client does. A call waits in the queue of the page's own runs and returns when
its run is finished. What is wrong comes back as one sentence.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import gradio as gr
from gradio.data_classes import FileDataDict
from gradio.events import api as add_endpoint

from app.actions import Actions, trusted_upload
from app.jobs import Snapshot
from pipeline.errors import ImageToVideoError, InvalidImage, InvalidSetting
from pipeline.named_settings import by_full_name, known_options
from pipeline.options import nest
from pipeline.records import RunRecord, read_record, record_path
from pipeline.settings import Settings, make_settings

MOST_AT_ONCE = 16
"""Calls that wait for their runs at one time; each takes one of Gradio's forty threads. Others wait before these."""

POLL_SECONDS = 0.3
"""How often a call tells how far its run is."""

LARGEST_TEXT = 1_000_000
"""Characters that the settings of a call may have."""

CLOSED = "The program is being closed: this run waits, and goes on when it is started again."

Answer = tuple[FileDataDict, str]
"""The video, and the record of its run as JSON."""


class Api:
    """The endpoints, over the page's queue."""

    def __init__(self, actions: Actions) -> None:
        self.actions = actions

    def connect(self) -> None:
        """Add the endpoints to the page that is being built."""
        for endpoint in (self.animate, self.transition):
            name = endpoint.__name__
            add_endpoint(endpoint, api_name=name, concurrency_limit=MOST_AT_ONCE, concurrency_id="runs")

    def animate(
        self,
        image: FileDataDict,
        prompt: str = "",
        preset: str = "standard",
        engine: str = "motion",
        seed: int = -1,
        settings: str = "{}",
    ) -> Answer:
        """Make a video from one image.

        preset is draft, standard, high or one of your own; engine is motion or the name of a model on this machine;
        seed -1 draws one; settings is JSON text with all other settings by name, such as {"encode.fps": 24}, as
        docs/settings.md lists them. Returns the video file and the run's record as JSON text.
        """
        values = {"prompt": prompt, "preset": preset, "seed": seed, "animate.engine": engine}
        return self._answer([image], values, settings)

    def transition(
        self,
        images: list[FileDataDict],
        prompt: str = "",
        preset: str = "standard",
        engine: str = "flow",
        seed: int = -1,
        settings: str = "{}",
    ) -> Answer:
        """Make a video that leads from the first image to the last one, through all that stand between them.

        engine is flow, keyframes or the name of a model that takes a last image; all else as for animate.
        """
        values = {"prompt": prompt, "preset": preset, "seed": seed, "transition.engine": engine}
        return self._answer(images, values, settings, fewest=2)

    def _answer(self, images: Any, values: dict[str, Any], text: str, fewest: int = 1) -> Answer:
        record = self.actions.attempt(lambda: self._run(images, values, text, fewest), _refuse)
        if record.output is None:
            _refuse(record.error.message if record.error else "The run was interrupted.")
        return _served(self.actions.jobs.outputs / record.output.path), record.model_dump_json(indent=2)

    def _run(self, images: Any, values: dict[str, Any], text: str, fewest: int) -> RunRecord:
        """Put a run in the queue and wait for its end. Raises ImageToVideoError for what no run could be made of."""
        from pipeline.batch.check import Checker

        if not isinstance(images, list) or len(images) < fewest:
            raise InvalidImage("A transition takes a list of two images or more.")
        paths = tuple(self._uploaded(image) for image in images)
        settings = asked(values, text)
        checked = Checker()(paths, settings)
        if checked.missing:
            raise ImageToVideoError(checked.missing)
        return self._wait(self.actions.jobs.submit(paths, settings))

    def _uploaded(self, image: Any) -> Path:
        path = image.get("path") if isinstance(image, Mapping) else None
        if not isinstance(path, str) or "\0" in path:
            raise InvalidImage("An image is an uploaded file: with gradio_client, handle_file('photo.jpg').")
        return trusted_upload(path, self.actions.uploads)

    def _wait(self, job: Snapshot) -> RunRecord:
        """The finished record of a job; its progress is told meanwhile."""
        jobs, run_id, tell = self.actions.jobs, job.record.run_id, gr.Progress()
        while not job.is_finished:
            if jobs.is_closed and job.position:
                raise ImageToVideoError(CLOSED)
            _report(job, tell)
            found = jobs.wait(run_id, POLL_SECONDS)
            if found is None:  # finished so long ago that the queue no longer remembers it
                return read_record(record_path(jobs.outputs, run_id))
            job = found
        return job.record


def asked(values: Mapping[str, Any], text: str) -> Settings:
    """The settings of a call: its own parameters by full name, and all others from JSON text.

    Raises InvalidSetting for JSON that is none, for a name that is unknown or given already, for a value out of bounds,
    and for settings that name files: those would be files of the server, which is nothing for others to name.
    """
    known = known_options()
    others = by_full_name(_from_json(text), known)
    for name in others:
        if name in values:
            parameter = name.rpartition(".")[2]
            raise InvalidSetting(f"settings: '{name}' is given by the parameter {parameter}: leave it out.")
        if known[name].kind is Path:
            raise InvalidSetting(
                f"settings: '{name}' names a file of the server, which a call cannot do: leave it out."
            )
    return make_settings(nest({**others, **values}))


def _from_json(text: Any) -> dict[str, Any]:
    wanted = 'settings is JSON text with settings by name, such as {"encode.fps": 24}'
    if not isinstance(text, str) or len(text) > LARGEST_TEXT:
        raise InvalidSetting(f"{wanted}, of at most {LARGEST_TEXT} characters.")
    try:
        read = json.loads(text or "{}")
    except (json.JSONDecodeError, RecursionError) as error:
        raise InvalidSetting(f"{wanted}: this is not valid JSON ({error}).") from error
    if not isinstance(read, dict):
        raise InvalidSetting(f"{wanted}, not a {type(read).__name__}.")
    return read


def _report(job: Snapshot, tell: gr.Progress) -> None:
    """Tell the client how far a job is."""
    progress = job.progress
    if job.position:
        tell(None, desc=f"waiting, number {job.position} in the queue")
    elif progress is None or not progress.total:
        tell((0, None), desc="starting")
    else:
        tell((progress.done, progress.total), desc=progress.phase or progress.stage)


def _served(path: Path) -> FileDataDict:
    """A file of the outputs folder as Gradio's clients download it; it is served from there and not copied."""
    return FileDataDict(
        path=str(path.resolve()),
        url=None,
        size=path.stat().st_size,
        orig_name=path.name,
        mime_type=None,
        is_stream=False,
        meta={"_type": "gradio.FileData"},
    )


def _refuse(message: str) -> NoReturn:
    """Answer with one sentence."""
    raise gr.Error(message, print_exception=False)
