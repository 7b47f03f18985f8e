"""A database as any other program opens it: to look into it, or to spoil it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


@contextmanager
def opened(database: Path | str) -> Iterator[sqlite3.Connection]:
    """A connection that commits at a good end. `database`: a path, or a URI."""
    with closing(sqlite3.connect(database, uri=str(database).startswith("file:"))) as connection, connection:
        yield connection
