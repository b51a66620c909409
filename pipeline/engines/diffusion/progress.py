"""What a diffusion run reports of its progress: the phase, how far it is, and the time left."""

import time

from pipeline.context import Context, Progress
from pipeline.settings import Settings

STAGE = "animate"
"""The stage that reports and notes are of."""

GLIMPSE_SECONDS = 2.0
"""Least time between two small pictures of what is in the making."""


class Pace:
    """Reports the progress of a run with the seconds left.

    Before the first step they come from earlier runs on this machine; then from the pace of this one, to which the
    time that earlier runs needed for decoding is added in proportion.
    """

    def __init__(self, context: Context, settings: Settings) -> None:
        self._context = context
        self._candidates = settings.animate.candidates
        self._began = self._sampling_began = self._decode_began = self._glimpsed = time.monotonic()
        self._decode_seconds = 0.0
        self.expected_seconds: float | None = None
        self.candidate = 0

    def say(self, words: str) -> None:
        """Report what is being done that has no steps."""
        self._context.report(Progress(STAGE, 0, 1, self._expected_left(), f"{self._which()}{words}"))

    def sampling(self, done: int, steps: int) -> None:
        """Report a denoising step."""
        now = time.monotonic()
        if done == 0:
            self._sampling_began = now
        left = self._expected_left()
        if done:
            a_step = (now - self._sampling_began) / done
            others = self._candidates - self.candidate - 1
            left = a_step * (steps - done + others * steps) + self._decode_seconds * (others + 1)
        self._context.report(Progress(STAGE, done, steps, left, f"{self._which()}sampling"))

    def decoding(self, done: int, count: int) -> None:
        """Report a decoded frame."""
        now = time.monotonic()
        if done == 0:
            self._decode_began = now
        self._decode_seconds = now - self._decode_began
        left = self._decode_seconds / done * (count - done) if done and self.candidate + 1 == self._candidates else None
        self._context.report(Progress(STAGE, done, count, left, f"{self._which()}decoding"))

    def glimpse_is_due(self) -> bool:
        """Whether enough time has passed since the last small picture."""
        now = time.monotonic()
        if now - self._glimpsed < GLIMPSE_SECONDS:
            return False
        self._glimpsed = now
        return True

    def _expected_left(self) -> float | None:
        if self.expected_seconds is None:
            return None
        return max(self.expected_seconds - (time.monotonic() - self._began), 0.0)

    def _which(self) -> str:
        return f"candidate {self.candidate + 1} of {self._candidates}, " if self._candidates > 1 else ""
