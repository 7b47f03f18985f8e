"""Logs: one event per line, with a name and the photo it speaks of.

Readable on a terminal, fields in the journal, JSON elsewhere.
"""

import io
import logging
import os
import select
import sys
import time
from collections import deque
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog

from photod.journal import STALL_S, JournalLogger, escaped, only_from, stderr_is_the_journal, to_record
from photod.wire import LAST_ERRORS

# Kept by the journal whatever the level, as debug records: `journalctl EVENT=unscoreable` is meant to find them.
RECORDS = frozenset({"unscoreable"})

_BESIDES = ("event", "level")  # what is no news in a record


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that was said at warning or above."""

    at: float  # seconds since 1970, UTC
    words: str


_recent: deque[Warned] = deque(maxlen=LAST_ERRORS)  # the process's own; appending is atomic
_configured: deque[tuple[str, str]] = deque([("info", "auto")], maxlen=1)


def logs_configuration() -> tuple[str, str]:
    """What `configure_logs` was last called with: another process may log as this one does."""
    return _configured[0]


def recent_warnings() -> list[Warned]:
    """The last few warnings and errors of this process, the latest first. Any thread may ask."""
    return list(_recent)[::-1]


def get_logger(name: str) -> Any:
    """The logger of a module."""
    return structlog.get_logger(name)


def configure_logs(level: str, form: str) -> None:
    """Send what is at `level` and above to standard error; libraries speak at warning and above.

    `form` is "text", "json", or "auto": text on a terminal, the journal's fields where it listens.
    """
    _configured.append((level, form))
    if form == "auto" and stderr_is_the_journal():
        _configure_for_the_journal(level)
        return
    text = form == "text" or (form == "auto" and sys.stderr.isatty())
    colors = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    file: Any = _Log()
    renderer: Any = structlog.dev.ConsoleRenderer(colors=colors) if text else structlog.processors.JSONRenderer()
    shared: list[Any] = [
        structlog.processors.add_log_level,
        _remember,
        file.tell_lost,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if text else "iso", utc=not text),
        _escaped if text else _unchanged,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=file),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(file)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    _listen_to_libraries(handler)


class _Log(io.TextIOBase):
    """Standard error. A record is lost that its disk has no room for, or that nobody reads: photod goes on."""

    def __init__(self) -> None:
        self._lost = 0  # counted by whichever thread writes: one more or less does not matter

    def write(self, text: str) -> int:
        taken = False
        with suppress(OSError):
            if _is_taken(0.0 if self._lost else STALL_S):
                sys.stderr.write(text)
                taken = True
        self._lost = 0 if taken else self._lost + 1
        return len(text)

    def tell_lost(self, _: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """A processor: the next record says how many were lost before it."""
        return {**event, "records_lost": self._lost} if self._lost else event

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


def tell(text: str) -> None:
    """Write to standard error, unless it takes nothing."""
    _Log().write(text)


def _is_taken(patience_s: float) -> bool:
    """Whether standard error takes a record now: a pipe may be full, and a terminal stopped by Ctrl-S."""
    poll = select.poll()
    poll.register(sys.stderr, select.POLLOUT)
    return bool(poll.poll(patience_s * 1000))


def _configure_for_the_journal(level: str) -> None:
    structlog.configure(
        processors=[
            only_from(level, RECORDS),
            structlog.processors.add_log_level,
            _remember,
            to_record,
        ],
        wrapper_class=structlog.make_filtering_bound_logger("debug"),
        logger_factory=JournalLogger,
        cache_logger_on_first_use=True,
    )
    _listen_to_libraries(_ToJournal())


class _ToJournal(logging.Handler):
    """What libraries say, as records of the journal."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(record.levelno, "library", library=record.name, reason=record.getMessage())


def _listen_to_libraries(handler: logging.Handler) -> None:
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)


def _remember(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if event.get("level") in ("warning", "error", "critical"):
        fields = [
            ", ".join(map(str, value)) if isinstance(value, list) else f"{value}"
            for key, value in event.items()
            if key not in _BESIDES and not key.startswith("_")
        ]
        name = str(event.get("event")).replace("_", " ")
        _recent.append(Warned(time.time(), escaped(f"{name}: {', '.join(fields)}" if fields else name)))
    return event


def _escaped(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = escaped(value)
    return event


def _unchanged(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return event
