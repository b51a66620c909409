"""What a tab of a browser remembers between two events, and the shape of what handlers take and return."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from pipeline.motion_plan import MotionPlan

Values = Mapping[Any, Any]
"""What the components hold, by component."""

Changes = dict[Any, Any]
"""Updates by component; components that are not named stay as they are."""


@dataclass(frozen=True)
class Watched:
    """The run that a page follows, and the versions of it and of the whole queue that the page shows."""

    run_id: str = ""
    version: int = -1
    queue_version: int = -1


@dataclass(frozen=True)
class Shown:
    """What the last reading put on the page, so that the next one sends only what differs."""

    plan: MotionPlan | None = None
    ignored: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class State:
    """One for each open page, kept by the server: the photo, its found areas, whether the plan was edited by hand."""

    photo: gr.State = field(default_factory=lambda: gr.State(None))
    areas: gr.State = field(default_factory=lambda: gr.State({}))
    edited: gr.State = field(default_factory=lambda: gr.State(value=False))
    shown: gr.State = field(default_factory=lambda: gr.State(Shown()))
    watched: gr.State = field(default_factory=lambda: gr.State(Watched()))

    @property
    def parts(self) -> set[gr.State]:
        """All of it."""
        return {self.photo, self.areas, self.edited, self.shown, self.watched}
