"""Work done by several threads, in order and with bounded memory."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, nullcontext
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(function: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Generator[Result]:
    """Yield `function(item)` for every item, in their order, computed by `workers` threads.

    Items are read by the reader of the results, at most `workers + 1` ahead of it. Closing the generator early, or an
    error, lets the work under way end, starts no other, and closes `items` where that is a generator.
    """
    source = closing(items) if isinstance(items, Generator) else nullcontext()
    pending: deque[Future[Result]] = deque()
    with source, ThreadPoolExecutor(workers, thread_name_prefix="frames") as pool:
        try:
            for item in items:
                pending.append(pool.submit(function, item))
                if len(pending) > workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
