"""Settings that come back from a file: a video, its poster or its record, dropped on the page or chosen.

Everything comes back to the tab that it belongs to: photos, what was painted, an edited plan and all settings but those
of `runtime`, which belong to the machine. What this version or this machine cannot give back is said.
"""

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import gradio as gr

from app import panels
from app.actions import Actions, open_photo, trusted_upload, under_own_name
from app.crossing import Crossing
from app.events import on
from app.form import Form
from app.markup import sentences
from app.state import ANIMATE, TRANSITION, Changes
from app.wiring import Wiring
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.frames import Mask
    from pipeline.provenance import Provenance

ONLY_TWO = "The page leads two photos over: those on the way are left out."

BUTTON = """<label class="restore" title="Choose a video, its poster or its record, or drop it anywhere on the page">
<input type="file" accept=".mp4,.webm,.gif,.json,.jpg,.jpeg,.png" aria-label="Restore settings from a file">
<span>Restore settings</span>
<strong>Drop a video, its poster or its record here: its settings come back</strong></label>"""
"""In the header: a button, and the place to drop a file on while one is held over the page."""

CLOSE = "element.addEventListener('click', ({ target }) => { if (target.closest('button')) props.value = ''; });"


def build_told() -> gr.HTML:
    """The place below the header that says what came back and what did not."""
    return gr.HTML("", elem_id="restored", elem_classes="part-error", js_on_load=CLOSE)


class Restoring:
    """Connects the button with both tabs. Every handler returns changes by component."""

    def __init__(self, tabs: gr.Tabs, actions: Actions, animate: Wiring, crossing: Crossing) -> None:
        self.tabs, self.actions, self.animate, self.crossing = tabs, actions, animate, crossing
        shown = [*animate.shown_outputs, *animate.painted_outputs, *crossing.shown_outputs]
        self.outputs = list(dict.fromkeys([*shown, animate.tab.error, crossing.tab.error, tabs]))

    def connect(self, header: gr.HTML, told: gr.HTML) -> None:
        """Attach the event; the forms are read once they are filled in."""
        self.told = told
        restored = on(header.restore, self.restore, None, [*self.outputs, told])
        self.animate.form.read_after(restored)
        self.crossing.form.bundle.read_after(restored)

    def restore(self, event: gr.EventData) -> Changes:
        """Bring back what an uploaded file says of its run, or say why it says nothing."""
        return self.actions.attempt(
            lambda: self._restore(str(event.path), str(event.name)),
            lambda message: {self.told: panels.error_panel(message)},
        )

    def _restore(self, uploaded: str, name: str) -> Changes:
        from pipeline.provenance import read_provenance

        path = under_own_name(trusted_upload(uploaded, self.actions.uploads), Path(name).name)
        try:
            found = read_provenance(path, [self.actions.jobs.outputs])
            return self.show(found) | {self.told: told_panel(found)}
        finally:
            path.unlink(missing_ok=True)

    def show(self, found: "Provenance") -> Changes:
        """The photos and the settings of a run in the tab that it belongs to. Raises ImageToVideoError."""
        changes = self._animation(found) if found.job == "animate" else self._passage(found)
        return changes | {self.animate.tab.error: "", self.crossing.tab.error: ""}

    def _animation(self, found: "Provenance") -> Changes:
        animate = self.animate
        changes = _without_runtime(animate.show_settings(found.settings), animate.tab.advanced)
        if found.images and (image := found.images[0]) is not None:
            photo = open_photo(image, image.name)
            changes |= animate.show_photo(photo, painted_areas(found.settings, (photo.width, photo.height)))
        return (
            changes | animate.show_plan(found.settings, found.plan_is_read) | {self.tabs: gr.update(selected=ANIMATE)}
        )

    def _passage(self, found: "Provenance") -> Changes:
        crossing = self.crossing
        changes = _without_runtime(crossing.form.show(found.settings), crossing.tab.advanced)
        ends = (found.images[0], found.images[-1]) if found.images else ()
        photos = [open_photo(image, image.name) for image in ends if image is not None]
        if len(photos) == 2:
            changes |= crossing.show_photos((photos[0], photos[1]))
        return changes | {self.tabs: gr.update(selected=TRANSITION)}


def _without_runtime(changes: Changes, form: Form) -> Changes:
    """The changes but those of controls that belong to the machine."""
    kept = {control.component for name, control in form.controls.items() if name.startswith("runtime.")}
    return {component: change for component, change in changes.items() if component not in kept}


def painted_areas(settings: Settings, size: tuple[int, int]) -> dict[int, "Mask"]:
    """What was painted on a photo of this size (width, height), by region."""
    from pipeline.images import read_mask

    def ignore(_message: str, _level: Literal["info", "warning"]) -> None:
        """Was said when the mask was first used."""

    masks = [read_mask(path, size, settings.prepare, ignore) for path in settings.prepare.masks]
    return dict(enumerate(masks))


def told_panel(found: "Provenance") -> str:
    """What came back, and what did not, with a button that closes it."""
    notes = [*found.notes, *([ONLY_TWO] if len(found.images) > 2 else [])]
    name = f'<b translate="no">{escape(found.name)}</b>'
    close = '<button type="button" class="shut" aria-label="Close">×</button>'
    body = f"<p>Settings restored from {name}</p>{sentences(('warning', note) for note in notes)}"
    return f'<div class="alert info restored" role="status"><div>{body}</div>{close}</div>'
