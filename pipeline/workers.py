"""Work done by several threads, in order and with bounded memory."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, nullcontext
from typing import Generic, Self, TypeVar, overload

Owner = TypeVar("Owner")
Value = TypeVar("Value")
Item = TypeVar("Item")
Result = TypeVar("Result")


class once(Generic[Owner, Value]):  # noqa: N801 - used like functools.cached_property
    """A property that is computed when it is first asked for, and only once, however many threads ask."""

    def __init__(self, compute: Callable[[Owner], Value]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: Owner, owner: type) -> Value: ...

    def __get__(self, instance: Owner | None, owner: type) -> Self | Value:
        if instance is None:
            return self
        held = instance.__dict__
        with held.setdefault(f"_lock_of_{self._name}", threading.Lock()):
            if self._name not in held:
                held[self._name] = self._compute(instance)  # found before this descriptor from now on
            value: Value = held[self._name]
            return value


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
