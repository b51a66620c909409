"""What a tab of a browser remembers between two events, and the shape of what handlers take and return."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from app.jobs import Snapshot
from pipeline.engines import EMBEDDED
from pipeline.motion_plan import MotionPlan
from pipeline.settings import RuntimeSettings, Settings
from pipeline.without_effect import ignored

ANIMATE, TRANSITION = "animate", "transition"
"""Ids of the tabs that make videos."""

Values = Mapping[Any, Any]
"""What the components hold, by component."""

Changes = dict[Any, Any]
"""Updates by component; components that are not named stay as they are."""


@dataclass(frozen=True)
class Displayed:
    """What a tab shows of the runs and the downloads: which run it follows, and all but the progress."""

    run_id: str = ""
    state: str | int = ""
    """Of the run followed: its version once it is finished, before only whether it is being stopped."""
    beside: tuple[str, ...] = ()
    """Where the runs stand that were asked for together with it."""
    downloads_version: int = 0
    downloads_ended: int = 0
    """The picker is refreshed when one has ended: its progress must not disturb a person who is choosing."""

    @property
    def mark(self) -> str:
        """All of it as one text: where it differs from what a page has, the page has more to show."""
        return "·".join(map(str, (self.run_id, self.state, *self.beside, self.downloads_version, self.downloads_ended)))

    @property
    def run(self) -> tuple[str, str | int]:
        """What the result depends on."""
        return self.run_id, self.state


def state_of(job: Snapshot | None) -> str | int:
    """What the result and the buttons of the run followed depend on, which its progress does not change."""
    if job is None:
        return ""
    if job.is_finished:
        return job.version
    return "stopping" if job.stopping else "under way"


@dataclass(frozen=True)
class Shown:
    """What the last reading put on the page, so that the next one sends only what differs."""

    plan: MotionPlan | None = None
    ignored: tuple[tuple[str, str], ...] = tuple(sorted(ignored(Settings()).items()))
    engine: str = EMBEDDED
    picked: str = EMBEDDED
    """The engine of the form, which is another one where the form could not be read."""
    runtime: RuntimeSettings = field(default_factory=RuntimeSettings)
    """Where the model of the engine is looked for."""
    shelf: tuple[object, ...] = ()
    """What the states of the models in the engine picker depend on."""


@dataclass(frozen=True)
class Named:
    """What is to be found on the photo, and the region that it is for, from 0, or None for the first free one."""

    words: str = ""
    region: int | None = None


def _remembered_engine() -> gr.BrowserState:
    # The secret only obscures the value, which is none: a fixed one lets it outlive the program.
    return gr.BrowserState("", storage_key="image-to-video-engine", secret="engine")  # noqa: S106


@dataclass(frozen=True)
class State:
    """One for each open page, kept by the server.

    Events of one page may overlap, so each part is written by as few of them as can be: `followed`, the id of a run, by
    what starts or finds a run, and never by the timer. `engine` is kept by the browser, so that a reload finds it.
    """

    photo: gr.State = field(default_factory=lambda: gr.State(None))
    photos: gr.State = field(default_factory=lambda: gr.State([]))
    areas: gr.State = field(default_factory=lambda: gr.State({}))
    named: gr.State = field(default_factory=lambda: gr.State(Named()))
    edited: gr.State = field(default_factory=lambda: gr.State(value=False))
    shown: gr.State = field(default_factory=lambda: gr.State(Shown()))
    followed: gr.State = field(default_factory=lambda: gr.State(""))
    displayed: gr.State = field(default_factory=lambda: gr.State(Displayed()))
    engine: gr.BrowserState = field(default_factory=_remembered_engine)

    @property
    def asked(self) -> set[gr.State]:
        """What a request is made of besides the form."""
        return {self.photo, self.photos, self.areas, self.named, self.edited, self.shown}
