"""How far painting is, and how long it will still take."""

import time

from pipeline.context import Context, Progress

STAGE = "keyframes"

GLIMPSE_SECONDS = 2.0
"""Least time between two small pictures of what is in the making."""


class Pace:
    """Reports the progress of painting, with the seconds left by the pace of the steps so far."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._total = 1
        self._before = 0
        self._done = 0
        self._first = 0
        self._began: float | None = None
        self._glimpsed = time.monotonic()

    def begin(self, total: int) -> None:
        """Begin, or begin again after a shortage, with this many steps to go for all key frames together."""
        self._total, self._before, self._done, self._began = total, 0, 0, None

    def say(self, words: str) -> None:
        """Report what is being done that has no steps."""
        self._context.report(Progress(STAGE, self._done, self._total, phase=words))

    def step(self, done: int, steps: int, words: str) -> None:
        """Report a step: `done`, from 1, of the `steps` that the present key frame counts for."""
        now = time.monotonic()
        self._done = self._before + min(done, steps)
        left = None
        if self._began is None:  # the first step is left out: it warms up
            self._began, self._first = now, self._done
        elif self._done > self._first:
            left = (now - self._began) / (self._done - self._first) * (self._total - self._done)
        self._context.report(Progress(STAGE, self._done, self._total, left, words))

    def next(self, steps: int) -> None:
        """A key frame that counts for so many steps is done."""
        self._before += steps

    def glimpse_is_due(self) -> bool:
        """Whether enough time has passed since the last small picture."""
        now = time.monotonic()
        if now - self._glimpsed < GLIMPSE_SECONDS:
            return False
        self._glimpsed = now
        return True
