"""Several photos at once, each to become a video of its own: choosing them, looking at one, leaving one out."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from app import engines
from app.actions import Actions, Photo, open_photo
from app.animate import Tab
from app.events import on
from app.photos import is_same, strip
from app.state import Changes, State, Values
from pipeline.errors import ImageToVideoError
from pipeline.records import MAX_PLACES

SIDE = 240
"""Longest side in pixels of the small pictures."""


class Several:
    """The list of photos below the photo. It is empty, or holds two and more; the photo is always one of them."""

    def __init__(self, tab: Tab, state: State, actions: Actions, show: Callable[[Photo], Changes]) -> None:
        self.tab, self.state, self.actions, self.show = tab, state, actions, show

    @property
    def outputs(self) -> list[Any]:
        """The components that the list changes beside the photo's own."""
        return [self.tab.photos, self.state.photos]

    def connect(self) -> list[gr.events.Dependency]:
        """Attach every event, and return them: the form is read anew after each."""
        tab, inputs = self.tab, {self.tab.engine, self.state.photo, self.state.photos}
        outputs = [tab.photo, self.state.photo, self.state.areas, tab.error, *self.outputs]
        handlers = (
            (tab.photo.several, self.pick),
            (tab.photos.added, self.add),
            (tab.photos.look, self.look),
            (tab.photos.leave, self.leave),
            (tab.photos.alone, self.alone),
        )
        return [on(listener, handler, inputs, outputs) for listener, handler in handlers]

    def pick(self, values: Values, event: gr.EventData) -> Changes:
        """Several photos were chosen in place of what there was."""
        return self.actions.attempt(lambda: self._take(values, [], event), lambda message: self._say(values, message))

    def add(self, values: Values, event: gr.EventData) -> Changes:
        """Several photos were chosen beside what there was."""
        return self.actions.attempt(
            lambda: self._take(values, self._present(values), event), lambda message: self._say(values, message)
        )

    def _present(self, values: Values) -> list[Photo]:
        photo = values[self.state.photo]
        alone = [] if photo is None else [open_photo(photo.path, photo.name, SIDE)]
        return list(values[self.state.photos]) or alone

    def _take(self, values: Values, before: Sequence[Photo], event: gr.EventData) -> Changes:
        new, wrong = [], [f"{name} could not be uploaded." for name in map(str, event.failed)]
        room = MAX_PLACES - len(before)
        for each in event.files[:room]:
            try:
                new.append(self.actions.pick(str(each["path"]), str(each["name"]), SIDE))
            except ImageToVideoError as error:
                wrong.append(str(error))
        if (left := int(event.left) + len(event.files[room:])) > 0:
            wrong.append(f"{MAX_PLACES} photos can be made at once: {left} were left out.")
        if not new:
            return {self.tab.photos: strip(values[self.state.photos], values[self.state.photo], wrong)}
        return self._list(values, [*before, *new], new[0], wrong)

    def look(self, values: Values, event: gr.EventData) -> Changes:
        """Show one of the photos large: what the settings do is told for it."""
        photos, number = values[self.state.photos], int(event.look)
        shown = photos[number] if 0 <= number < len(photos) else None
        return self.actions.attempt(
            lambda: self._list(values, photos, shown), lambda message: self._say(values, message)
        )

    def leave(self, values: Values, event: gr.EventData) -> Changes:
        """Leave one photo out."""
        number, photos = int(event.leave), values[self.state.photos]
        rest = [photo for place, photo in enumerate(photos) if place != number]
        is_still_there = any(is_same(photo, values[self.state.photo]) for photo in rest)
        shown = None if is_still_there or not rest else rest[0]
        return self.actions.attempt(lambda: self._list(values, rest, shown), lambda message: self._say(values, message))

    def alone(self, values: Values) -> Changes:
        """Leave out all but the photo that is shown."""
        return self._list(values, [], None)

    def _list(self, values: Values, photos: Sequence[Photo], shown: Photo | None, wrong: Sequence[str] = ()) -> Changes:
        """Show the list, and one of its photos large where another one than now is wanted.

        What is painted belongs to one photo: there is no brush where there are several.
        """
        changes = self.show(open_photo(shown.path, shown.name)) if shown is not None else {}
        several = list(photos) if len(photos) > 1 else []
        current = shown if shown is not None else values[self.state.photo]
        is_painted = not several and engines.card_of(values[self.tab.engine]) is None
        changes[self.tab.photo] = gr.update(**changes.get(self.tab.photo, {}), brush=is_painted)
        return changes | {self.tab.photos: strip(several, current, wrong), self.state.photos: several}

    def _say(self, values: Values, message: str) -> Changes:
        return {self.tab.photos: strip(values[self.state.photos], values[self.state.photo], [message])}
