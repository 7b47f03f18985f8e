"""The journal's own protocol: a record is one datagram of fields, which `journalctl FIELD=value` finds again."""

import os
import socket
import struct
import sys
from collections.abc import MutableMapping
from typing import Any

from structlog import DropEvent

SOCKET = "/run/systemd/journal/socket"
PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
FIELD_NAMES = {"photo": "PHOTO_PATH"}  # others are the event's keys in capitals
LONGEST = 32 << 10  # bytes of one field: a record of a few must fit into a datagram
STALL_S = 1  # that a record waits for whoever reads the log; later ones do not, until it is read again


def stderr_is_the_journal() -> bool:
    """Whether standard error leads to journald, as it does in a service."""
    try:
        device, inode = os.environ["JOURNAL_STREAM"].split(":")
        status = os.fstat(sys.stderr.fileno())
    except (KeyError, ValueError, OSError):
        return False
    return (status.st_dev, status.st_ino) == (int(device), int(inode)) and os.path.exists(SOCKET)


class JournalLogger:
    """The end of structlog's chain: takes the event that `to_record` made."""

    def __init__(self, *_: object, path: str = SOCKET) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        # The kernel waits: it calls a socket without a peer ready to send to anybody, so Python would wait busily.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", STALL_S, 0))
        self._path = path
        self._lost = False  # the last record; whichever thread writes says so

    def msg(self, record: bytes) -> None:
        """Send a record. One that journald does not take is lost; photod does not stop for it."""
        try:
            self._socket.sendto(record, socket.MSG_DONTWAIT if self._lost else 0, self._path)
            self._lost = False
        except OSError:
            self._lost = True

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    log = debug = info = warning = error = critical = exception = fatal = msg


def to_record(_: Any, __: str, event: MutableMapping[str, Any]) -> bytes:
    """Render an event as a record. Values are counted, not delimited: no file name can add a field or a line."""
    name = str(event.pop("event"))
    level = str(event.pop("level", "info"))
    fields = {"MESSAGE": _message(name, event), "EVENT": name, "SYSLOG_IDENTIFIER": "photod"}
    fields["PRIORITY"] = str(PRIORITIES.get(level, 6))
    fields |= {FIELD_NAMES.get(key, key.upper().lstrip("_")): str(value) for key, value in event.items()}
    return b"".join(_field(name, value) for name, value in fields.items())


def only_from(level: str, always: frozenset[str]) -> Any:
    """A processor that drops what is below `level`, but for the events named in `always`."""
    least = PRIORITIES[level]

    def drop(_: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if PRIORITIES.get(method, 6) > least and event["event"] not in always:
            raise DropEvent
        return event

    return drop


def _message(name: str, event: MutableMapping[str, Any]) -> str:
    """What `journalctl` shows by default: one line, whatever a file is called."""
    return " ".join([name, *(f"{key}={escaped(str(value))}" for key, value in event.items())])


def escaped(text: str) -> str:
    """Escape what could forge a line or move the cursor: file names come from strangers."""
    return text if text.isprintable() else text.encode("unicode_escape", "surrogateescape").decode("ascii")


def _field(name: str, value: str) -> bytes:
    data = value.encode("utf-8", "surrogateescape")[:LONGEST]
    return name.encode("ascii", "replace") + b"\n" + struct.pack("<Q", len(data)) + data + b"\n"
