"""Which model is in memory: one at a time."""

import threading
from collections.abc import Callable, Hashable
from typing import Any

from pipeline.heap import release_unused


class Resident:
    """Keeps the model that was used last. Another one frees it before it is loaded, so that never two are in memory.

    A key says everything that the model was loaded with; its text, or that of its first part where it is a tuple, is
    the model's name.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._key: Hashable = None
        self._model: Any = None

    @property
    def name(self) -> str | None:
        """Name of the model in memory, or None."""
        with self._lock:
            if self._model is None:
                return None
            return str(self._key[0] if isinstance(self._key, tuple) else self._key)

    @property
    def model(self) -> Any:
        """The model in memory, or None."""
        with self._lock:
            return self._model

    def acquire(self, key: Hashable, load: Callable[[], Any]) -> Any:
        """The model of this key: the one in memory, or what `load` returns once the other one is freed.

        Raises what `load` raises; then no model is in memory.
        """
        with self._lock:
            if self._model is None or self._key != key:
                self.release()
                self._model, self._key = load(), key
            return self._model

    def release(self) -> None:
        """Forget the model and give its memory back. Whoever else holds a reference to it keeps it alive."""
        with self._lock:
            if self._model is not None:
                self._key = self._model = None
                release_unused()


RESIDENT = Resident()
"""The model that the program has in memory."""
