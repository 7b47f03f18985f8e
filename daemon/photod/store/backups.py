"""Where the backups of a database lie, and which of them are good."""

import sqlite3
from contextlib import closing
from pathlib import Path

BACKUP_DIRECTORY = "backups"


def backups_of(path: Path) -> list[Path]:
    """The rotating backups of the database at `path`, the newest first."""
    return sorted((path.parent / BACKUP_DIRECTORY).glob(f"{path.stem}-*{path.suffix}"), reverse=True)


def newest_good(path: Path) -> Path | None:
    """The newest backup that is sound now; reads it whole."""
    return next((backup for backup in backups_of(path) if is_sound(backup)), None)


def is_sound(path: Path) -> bool:
    """Whether a database that nobody has open, such as a backup, passes SQLite's check."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as database:
            return damage(database) is None
    except sqlite3.Error:
        return False


def damage(database: sqlite3.Connection) -> str | None:
    """What SQLite finds wrong with the structure of a database, in its words; None if all is well.

    Reads every page but compares no index with its table: of 80,000 photos (154 MB), 0.3 s from memory and 2 to
    4 s from a disk.
    """
    answer = str(database.execute("PRAGMA quick_check(1)").fetchone()[0])
    return None if answer == "ok" else " ".join(answer.split())
