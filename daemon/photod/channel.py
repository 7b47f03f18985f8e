"""Bounded channels between stages: a slow stage slows the ones before it."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")

_receiver = threading.local()  # `at_work`: that of the channel which this thread received from last


@contextmanager
def excused() -> Iterator[None]:
    """This thread waits for what may take however long: it is not at work meanwhile, and begins anew after it."""
    at_work: dict[int, float] = getattr(_receiver, "at_work", {})
    me = threading.get_native_id()
    if me in at_work:  # nobody else changes this entry
        at_work[me] = math.inf
    try:
        yield
    finally:
        if me in at_work:
            at_work[me] = time.monotonic()


class Closed(Exception):
    """The channel takes nothing more, and what it held has been taken."""


class Channel(Generic[T]):
    """A queue bounded in items and in bytes, with an express lane for what landed just now.

    Each lane has the whole item bound to itself, so that a backlog never keeps an arrival waiting outside.
    An item larger than the byte bound passes when the channel is empty. `close()` lets the receivers take
    what is left; `cancel()` drops it. Any number of threads may send and receive.

    `on_room` is called, from the receiving thread, whenever room was made.
    """

    def __init__(self, items: int, max_bytes: int = 1 << 62, *, on_room: Callable[[], None] = lambda: None) -> None:
        self._bound = items
        self._max_bytes = max_bytes
        self._bytes = 0
        self._express: deque[tuple[T, int]] = deque()
        self._ordinary: deque[tuple[T, int]] = deque()
        self._closed = False
        self._changed = threading.Condition()
        self._on_room = on_room
        self._at_work: dict[int, float] = {}  # receiving thread (native) -> since when

    def __len__(self) -> int:
        return len(self._express) + len(self._ordinary)

    def put(self, item: T, *, size: int = 0, express: bool = False) -> None:
        """Send an item of `size` bytes; blocks while the channel is full. Raises Closed."""
        with self._changed:
            if not self._closed and not self._has_room(size, express):
                with excused():
                    self._changed.wait_for(lambda: self._closed or self._has_room(size, express))
            self._send(item, size, express)

    def offer(self, item: T, *, size: int = 0, express: bool = False) -> bool:
        """Send an item if there is room now; never blocks. Raises Closed."""
        with self._changed:
            if not self._closed and not self._has_room(size, express):
                return False
            self._send(item, size, express)
            return True

    def get(self) -> T:
        """Receive the next item; blocks while there is none. Raises Closed."""
        return self.get_batch(1, 0.0)[0]

    def get_batch(
        self,
        most: int,
        wait_s: float,
        all_here: Callable[[], bool] = lambda: False,
        first_s: float | None = None,
    ) -> list[T]:
        """Receive up to `most` items. Raises Closed.

        Waits for the first one, and returns nothing if it does not come within `first_s`. After it, waits at
        most `wait_s` for the rest, and not at all once `all_here()` says that nothing more is on its way; that
        is asked again whenever something was sent, and at `wake`.
        """
        batch: list[T] = []
        me = threading.get_native_id()
        _receiver.at_work = self._at_work
        with self._changed:
            self._at_work.pop(me, None)
            while not batch:  # another receiver may be faster
                if not self._changed.wait_for(lambda: self._closed or len(self), first_s):
                    self._at_work[me] = time.monotonic()
                    return []
                if not len(self):
                    raise Closed
                self._changed.wait_for(
                    lambda: self._closed or len(self) >= min(most, self._bound) or all_here(), wait_s
                )
                batch = [self._receive() for _ in range(min(most, len(self)))]
            self._at_work[me] = time.monotonic()
            self._changed.notify_all()
        self._on_room()
        return batch

    def longest_at_work_s(self) -> float:
        """For how long the slowest receiver has been at work on what it took last; 0 when all wait for more."""
        now = time.monotonic()
        return max((now - since for since in self.at_work().values()), default=0.0)

    def at_work(self) -> dict[int, float]:
        """The receivers (native thread ids) that are at work on what they took, and since when."""
        with self._changed:
            return {thread: since for thread, since in self._at_work.items() if since < math.inf}

    def set_bound(self, items: int) -> None:
        """Change how many items each lane holds; what is already inside stays."""
        with self._changed:
            self._bound = items
            self._changed.notify_all()

    def wake(self) -> None:
        """Have receivers ask again whether all are here."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Take nothing more; receivers get what is left and then Closed."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def cancel(self) -> list[T]:
        """Close, and drop what is left: returns it."""
        with self._changed:
            left = [item for item, _ in (*self._express, *self._ordinary)]
            self._express.clear()
            self._ordinary.clear()
            self._bytes = 0
            self._closed = True
            self._changed.notify_all()
            return left

    def _has_room(self, size: int, express: bool) -> bool:
        lane = self._express if express else self._ordinary
        return len(lane) < self._bound and (self._bytes + size <= self._max_bytes or not len(self))

    def _send(self, item: T, size: int, express: bool) -> None:
        if self._closed:
            raise Closed
        (self._express if express else self._ordinary).append((item, size))
        self._bytes += size
        self._changed.notify_all()

    def _receive(self) -> T:
        item, size = (self._express or self._ordinary).popleft()
        self._bytes -= size
        return item
