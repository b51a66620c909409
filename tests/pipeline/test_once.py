"""Properties that are computed once, however many threads ask."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.workers import once


class Slow:
    def __init__(self, fails: int = 0) -> None:
        self.computed, self.fails = 0, fails

    @once
    def value(self) -> object:
        """What takes its time."""
        self.computed += 1
        time.sleep(0.05)
        if self.computed <= self.fails:
            raise ValueError("not yet")
        return object()


def test_threads_that_ask_at_once_get_the_same_value_computed_once() -> None:
    slow, ready = Slow(), threading.Barrier(6)

    def ask(_: int) -> object:
        ready.wait()
        return slow.value

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(ask, range(6)))
    assert all(each is found[0] for each in found)
    assert slow.computed == 1


def test_each_instance_has_its_own_value() -> None:
    one, other = Slow(), Slow()
    assert one.value is one.value
    assert one.value is not other.value


def test_what_failed_is_tried_again() -> None:
    slow = Slow(fails=1)
    with pytest.raises(ValueError, match="not yet"):
        _ = slow.value
    assert slow.value is slow.value
    assert slow.computed == 2


def test_the_class_tells_what_it_is() -> None:
    assert isinstance(Slow.value, once)
    assert Slow.value.__doc__ == "What takes its time."
