"""Signal handlers, which run between any two steps of the main thread."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import pytest

from fake_scorer import FakeScorer
from running import make_config, running
from waiting import wait_until

if TYPE_CHECKING:
    from _typeshed import TraceFunction


class Interruptions:
    """Has a handler run in the daemon's thread, once before each line that it comes to."""

    def __init__(self) -> None:
        self.lines: set[tuple[str, int]] = set()
        self._handler: Callable[[], object] | None = None

    def begin(self, handler: Callable[[], object]) -> None:
        """With this handler from now on."""
        self.lines.clear()
        self._handler = handler

    def trace(self, frame: FrameType, event: str, _: object) -> "TraceFunction | None":
        """For `threading.settrace`: what is called here is itself not traced, as a handler is not interrupted."""
        line = (frame.f_code.co_filename, frame.f_lineno)
        if event == "line" and self._handler is not None and line not in self.lines:
            self.lines.add(line)
            self._handler()
        return self.trace if threading.current_thread().name == "daemon" else None


@pytest.fixture
def interruptions() -> Iterator[Interruptions]:
    interruptions = Interruptions()
    threading.settrace(interruptions.trace)
    yield interruptions
    threading.settrace(None)


def test_a_reload_and_a_stop_may_come_at_any_moment(folder: Path, interruptions: Interruptions) -> None:
    config = make_config(folder)
    with running(config, FakeScorer(), lambda: config) as daemon:
        for handler in (daemon.reload, daemon.stop):
            interruptions.begin(handler)
            daemon.reload()
            wait_until(lambda: len(interruptions.lines) > 10)
