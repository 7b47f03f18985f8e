"""Threads that do not die quietly: the first failure is kept, and somebody is told."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

from photod.channel import Closed


class Crew:
    """Named threads. The first exception that leaves one is kept in `failure`; later ones follow from it."""

    def __init__(self, on_failure: Callable[[], object]) -> None:
        self.failure: BaseException | None = None
        self._on_failure = on_failure
        self._lock = threading.Lock()

    def start(self, name: str, work: Callable[[], None]) -> threading.Thread:
        """Do the work in a thread of this name, as `run` does it."""
        thread = threading.Thread(target=self.run, args=(work,), name=name, daemon=True)
        thread.start()
        return thread

    def run(self, work: Callable[[], None]) -> None:
        """Do the work here. Closed ends it as a return does; any other exception is the crew's failure."""
        try:
            work()
        except Closed:
            pass
        except BaseException as error:  # the end of every thread: nothing passes unseen
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """Keep the first failure, and tell."""
        with self._lock:
            if self.failure is not None:
                return
            self.failure = error
        self._on_failure()


class Wakeup:
    """Wakes the thread that waits for it, or that will.

    A signal handler may call it, even in the midst of `wait`: an Event would have that thread wait for itself.
    """

    def __init__(self) -> None:
        self._calls: SimpleQueue[None] = SimpleQueue()  # its `put` is reentrant

    def call(self) -> None:
        """Have `wait` return. Any thread may call, and any signal handler."""
        self._calls.put(None)

    def wait(self, timeout_s: float | None) -> None:
        """Return at a call, or after so many seconds."""
        with suppress(Empty):
            self._calls.get(timeout=timeout_s)


# The number of the futex system call, by which threads wait for locks.
_FUTEX = {"x86_64": "202", "aarch64": "98", "riscv64": "98", "ppc64le": "221", "s390x": "238"}.get(
    os.uname().machine
)


def waits_for_lock(native_id: int) -> bool:
    """Whether a thread of this process waits for another one right now, and not for a file, a device or the clock.

    False where the kernel does not tell.
    """
    try:
        with open(f"/proc/self/task/{native_id}/syscall", encoding="ascii") as call:
            return call.read().partition(" ")[0] == _FUTEX
    except OSError:
        return False


def join_all(threads: list[threading.Thread], deadline: float) -> bool:
    """Wait for the threads until `deadline` (monotonic seconds); True when all have ended."""
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)
