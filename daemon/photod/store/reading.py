"""A read-only connection that any thread may use."""

import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from photod.channel import Closed
from photod.store.connection import database_errors, open_readable
from photod.store.keeping import FOR_UNCOUNTED, FOR_UNLINKED
from photod.store.schema import KEPT_SINCE, LINKED_SINCE, migrate, run_script, user_version

T = TypeVar("T")

_STREAMED = 4096  # rows in memory of an answer that is streamed


class ReadOnly:
    """A folder's database, to be read; any thread may ask. Methods raise DatabaseError.

    One that nobody holds any more closes itself.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()  # for what follows: sqlite3 connections serve one thread at a time
        self._closed = False
        with database_errors(path):
            self._db = open_readable(path)
            weakref.finalize(self, self._db.close)
            if user_version(self._db) == 0:
                self._db.close()
                self._db = _nothing_yet()
                weakref.finalize(self, self._db.close)
            else:
                _stand_in(self._db, user_version(self._db))

    def close(self) -> None:
        """Close the connection; who still asks is told Closed, which ends a thread in good order."""
        with self._lock:
            self._closed = True
            self._db.close()

    def _all(self, sql: str, *arguments: object) -> list[Any]:
        with database_errors(self.path), self._lock:
            if self._closed:
                raise Closed
            return self._db.execute(sql, arguments).fetchall()

    def _each(self, make: Callable[..., T], sql: str, *arguments: object) -> list[T]:
        """What `make` makes of the columns of each row."""
        rows = self._all(sql, *arguments)
        with database_errors(self.path):
            return [make(*row) for row in rows]

    def _stream(self, sql: str, *arguments: object) -> Iterator[Any]:
        """Rows as they come, for answers that are as long as the archive; others may ask in between."""
        cursor = None
        while True:
            with database_errors(self.path), self._lock:
                if self._closed:
                    raise Closed
                cursor = cursor or self._db.execute(sql, arguments)
                rows = cursor.fetchmany(_STREAMED)
            if not rows:
                return
            yield from rows

    def _one(self, sql: str, *arguments: object) -> Any:
        return next(iter(self._all(sql, *arguments)), None)


def _nothing_yet() -> sqlite3.Connection:
    """What is known while a database is still being made, or where that was cut short."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    migrate(connection)
    return connection


def _stand_in(connection: sqlite3.Connection, version: int) -> None:
    """Have an older database answer the same questions, if slowly: only a writer brings it up to date."""
    lacking = [(KEPT_SINCE, FOR_UNCOUNTED), (LINKED_SINCE, FOR_UNLINKED)]
    for script in (script for since, script in lacking if version < since):
        run_script(connection, script)
