"""A read-only connection that any thread may use."""

import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar

from photod.channel import Closed
from photod.store.connection import open_readable, unchanged
from photod.store.errors import ChangedError, changed, reading_errors
from photod.store.keeping import FOR_UNCOUNTED, FOR_UNLINKED
from photod.store.schema import KEPT_SINCE, LINKED_SINCE, ForeignError, migrate, run_script, user_version

T = TypeVar("T")

# What may come of a column, by its name; all others are whole numbers. SQLite keeps any value in any column.
_INTEGER: frozenset[type] = frozenset({int})
_TYPES: dict[str, frozenset[type]] = {
    **dict.fromkeys(("path", "directory"), frozenset({str, bytes})),
    **dict.fromkeys(("sha256", "key", "state", "filesystem"), frozenset({str})),
    **dict.fromkeys(
        ("description", "reason", "taken_at", "camera", "year", "confirmed_on"), frozenset({str, NoneType})
    ),
    **dict.fromkeys(("score", "mean", "points"), frozenset({float})),
    **dict.fromkeys(
        ("width", "height", "scored_at", "missing_since", "compared_at", "confirmed_at"), frozenset({int, NoneType})
    ),
    "vector": frozenset({bytes}),
    "any_score": frozenset({float, NoneType}),
}
# The most that these may be; they are never less than 0. No clock can show a moment that is much later.
_MOST = {
    "photos": (1 << 31) - 1,
    **dict.fromkeys(
        ("first_seen_at", "committed_at", "scored_at", "missing_since", "compared_at", "confirmed_at", "until"),
        1 << 40,
    ),
}

_STREAMED = 4096  # rows in memory of an answer that is streamed


class ReadOnly:
    """A folder's database, to be read; any thread may ask. Methods raise DatabaseError.

    One that nobody holds any more closes itself.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()  # for what follows: sqlite3 connections serve one thread at a time
        self._closed = False
        with reading_errors(path):
            self._db = _open(path)
        self._give_back = weakref.finalize(self, self._db.close)

    def close(self) -> None:
        """Close the connection; who still asks is told Closed, which ends a thread in good order."""
        with self._lock:
            self._closed = True
            self._give_back()

    def stand_still(self) -> None:
        """Have all answers be of one moment, until it is closed: soon, since no log is written back meanwhile.

        Where it cannot lock the database, who asks is told ChangedError once that changes.
        """
        with reading_errors(self.path), self._lock:
            self._db.execute("BEGIN")

    def _all(self, sql: str, *arguments: object) -> list[Any]:
        with reading_errors(self.path), self._lock:
            return self._ask(lambda: fetched(self._db.execute(sql, arguments)))

    def _all_unseen(self, sql: str, *arguments: object) -> list[Any]:
        """The same, and any column may be of any type: for what is asked of each photo at each look."""
        with reading_errors(self.path), self._lock:
            return self._ask(lambda: self._db.execute(sql, arguments).fetchall())

    def _each(self, make: Callable[..., T], sql: str, *arguments: object) -> list[T]:
        """What `make` makes of the columns of each row."""
        rows = self._all(sql, *arguments)
        with reading_errors(self.path), foreign_rows():
            return [make(*row) for row in rows]

    def _stream(self, sql: str, *arguments: object) -> Iterator[Any]:
        """Rows as they come, for answers that are as long as the archive; others may ask in between."""

        def begin() -> tuple[sqlite3.Cursor, list[Any]]:
            cursor = self._db.execute(sql, arguments)
            return cursor, fetched(cursor, _STREAMED)

        with reading_errors(self.path), self._lock:
            cursor, rows = self._ask(begin)
        while rows:
            yield from rows
            with reading_errors(self.path), self._lock:
                rows = self._go_on(cursor)

    def _ask(self, question: Callable[[], T]) -> T:
        """Ask within the lock, once more if the database changed under a connection that does not notice."""
        if self._closed:
            raise Closed
        try:
            with unchanged(self._db, self.path):
                return question()
        except ChangedError:
            if self._db.in_transaction:  # other answers are of the moment before
                raise
            fresh = _open(self.path)
            self._give_back()
            self._db, self._give_back = fresh, weakref.finalize(self, fresh.close)
        with unchanged(self._db, self.path):
            return question()

    def _go_on(self, cursor: sqlite3.Cursor) -> list[Any]:
        """The next rows, within the lock. What was given before them cannot be taken back."""
        if self._closed:
            raise Closed
        if cursor.connection is not self._db:
            raise changed(self.path)
        with unchanged(self._db, self.path):
            return fetched(cursor, _STREAMED)

    def _one(self, sql: str, *arguments: object) -> Any:
        return next(iter(self._all(sql, *arguments)), None)


def _open(path: Path) -> sqlite3.Connection:
    connection: sqlite3.Connection = open_readable(path)
    try:
        with unchanged(connection, path):
            if version := user_version(connection):
                _stand_in(connection, version)
    except BaseException:
        connection.close()
        raise
    if version == 0:
        connection.close()
        return _nothing_yet()
    return connection


def fetched(cursor: sqlite3.Cursor, count: int = -1) -> list[Any]:
    """The next so many rows, or all. Raises ForeignError where a column is not of its type."""
    rows = cursor.fetchall() if count < 0 else cursor.fetchmany(count)
    for (name, *_), values in zip(cursor.description, zip(*rows, strict=True), strict=False):
        known = _TYPES.get(name, _INTEGER).issuperset(map(type, values))
        if not known or (name in _MOST and not _are_within(_MOST[name], values)):
            raise ForeignError(f"a {name} in it is none")
    return rows


def _are_within(most: int, values: tuple[int | None, ...]) -> bool:
    numbers = list(filter(None, values))
    return min(numbers, default=0) >= 0 and max(numbers, default=0) <= most


@contextmanager
def foreign_rows() -> Iterator[None]:
    """What breaks inside is not the code but the row that it is given: ForeignError."""
    try:
        yield
    except (LookupError, RecursionError, TypeError, ValueError) as error:
        raise ForeignError(f"a row in it cannot be read: {error}") from error


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
