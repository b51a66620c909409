"""Neural networks, and that they are left as they were found."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def untouched(module: Any) -> Iterator[None]:
    """Assert that a network and all its parts have the same attributes as before once this is left."""
    before = _attributes(module)
    yield
    after = _attributes(module)
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    assert changed == []


def _attributes(module: Any) -> dict[str, Any]:
    """By full name: plain values as they are, others by identity."""
    plain = (bool, int, float, str, type(None))
    return {
        f"{path}.{name}": value if isinstance(value, plain) else id(value)
        for path, part in module.named_modules()
        for name, value in vars(part).items()
    }
