"""Logs: one event per line, with a name and the photo it speaks of. Readable on a terminal, JSON elsewhere."""

import logging
import os
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog


def get_logger(name: str) -> Any:
    """The logger of a module."""
    return structlog.get_logger(name)


def configure_logs(level: str, form: str) -> None:
    """Send what is at `level` and above to standard error; libraries speak at warning and above.

    `form` is "text", "json", or "auto": text on a terminal.
    """
    text = form == "text" or (form == "auto" and sys.stderr.isatty())
    colors = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    renderer: Any = structlog.dev.ConsoleRenderer(colors=colors) if text else structlog.processors.JSONRenderer()
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if text else "iso", utc=not text),
        _one_line if text else _unchanged,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)


def _one_line(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape what could forge a line or move the cursor: file names come from strangers."""
    for key, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[key] = value.encode("unicode_escape", "surrogateescape").decode("ascii")
    return event


def _unchanged(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return event
