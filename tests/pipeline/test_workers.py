"""Several threads on one stream: order, bounds, endings."""

import threading
from collections.abc import Generator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.workers import in_order


@given(st.lists(st.integers(), max_size=30), st.integers(1, 4))
@settings(max_examples=30)
def test_results_come_in_the_order_of_their_items(items: list[int], workers: int) -> None:
    assert list(in_order(lambda item: item * 2, items, workers)) == [item * 2 for item in items]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_at_most_one_more_than_its_workers_is_read_ahead(workers: int) -> None:
    read = 0

    def source() -> Generator[int]:
        nonlocal read
        for item in range(50):
            read += 1
            yield item

    made = in_order(lambda item: item, source(), workers)
    for index, _ in enumerate(made):
        assert read <= index + workers + 1


def test_threads_work_at_the_same_time() -> None:
    together = threading.Barrier(2, timeout=20)

    def meet(item: int) -> int:
        together.wait()
        return item

    assert list(in_order(meet, range(4), 2)) == [0, 1, 2, 3]


def test_closing_it_early_closes_its_source() -> None:
    closed = []

    def source() -> Generator[int]:
        try:
            yield from range(100)
        finally:
            closed.append(True)

    made = in_order(lambda item: item, source(), 2)
    next(made)
    made.close()
    assert closed == [True]


def test_an_error_of_the_work_ends_it() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_order(lambda item: 1 // item, [1, 2, 0, 3], 2))
