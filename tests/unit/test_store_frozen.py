"""A database in a directory that its reader may not write to, while nobody has it open: SQLite can neither lock it
nor notice that it changes."""

import errno
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from invented_archive import MODEL
from photod.errors import EXIT_BUSY, DatabaseError
from photod.photos import Candidate, Facts, Fingerprint, Judged, Scored
from photod.store import connection
from photod.store.care import copy_database, verify
from photod.store.errors import ChangedError, DamagedError, reading_errors
from photod.store.queries import Reader
from photod.store.writer import Writer

PHOTOS = 6000  # of more pages than the first question reads, and more rows than are fetched at once
PAGE = 4096


def judged(number: int) -> tuple[Judged, bool]:
    verdict = Scored(f"{number:064x}", Facts(6, 4), number % 1000 / 100, b"\x00\x3c")
    candidate = Candidate("/f", f"{number % 50}/{number}.jpg", Fingerprint(1, 2, 3, number))
    return Judged(candidate, verdict, duplicate=False), True


def commit(path: Path, numbers: range) -> None:
    """As a daemon does that is started, scores some photos, and ends."""
    writer = Writer(path)
    writer.use_model(MODEL)
    writer.commit([judged(number) for number in numbers])
    writer.close()


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a log beside it, such a reader can take part in the locking; without, it may not make one."""
    path = tmp_path / ".photod/photos.db"
    commit(path, range(PHOTOS))
    fail_without_log(monkeypatch, "SQLITE_CANTOPEN")
    return path


def forbidden(name: str) -> sqlite3.Error:
    error = sqlite3.OperationalError("unable to open database file")
    error.sqlite_errorname = name
    return error


def fail_without_log(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    connect = connection._connect_read_only

    def refuse(uri: str) -> connection.ReadConnection:
        if uri.endswith("mode=ro") and not Path(uri.removeprefix("file://").replace("?mode=ro", "-wal")).exists():
            raise forbidden(name)
        return connect(uri)

    monkeypatch.setattr(connection, "_connect_read_only", refuse)


QUESTIONS: list[Callable[[Reader], int]] = [
    lambda reader: len(reader.top(10**6)),
    lambda reader: reader.ranked(),
    lambda reader: len(list(reader.scores())),
    lambda reader: sum(1 for _ in reader.all_embeddings()),
]


@pytest.mark.parametrize("ask", QUESTIONS)
def test_what_changed_since_is_read_anew(database: Path, ask: Callable[[Reader], int]) -> None:
    reader = Reader(database)
    assert reader.top(500)
    commit(database, range(PHOTOS, 2 * PHOTOS))
    assert ask(reader) == 2 * PHOTOS
    reader.close()


def test_an_answer_that_was_given_in_part_is_not_continued_from_other_files(database: Path) -> None:
    reader = Reader(database)
    scores = reader.scores()
    next(scores)
    commit(database, range(PHOTOS, 2 * PHOTOS))
    with pytest.raises(ChangedError, match="changed while it was read; ask again") as caught:
        list(scores)
    assert caught.value.exit_code == EXIT_BUSY
    others = reader.given()
    next(others)
    assert reader.ranked() == 2 * PHOTOS
    assert len(list(others)) == 2 * PHOTOS - 1
    reader.close()


def test_an_answer_of_one_moment_is_not_continued_from_other_files(database: Path) -> None:
    reader = Reader(database)
    reader.stand_still()
    assert reader.ranked() == PHOTOS
    commit(database, range(PHOTOS, 2 * PHOTOS))
    with pytest.raises(ChangedError, match="ask again"):
        reader.ranked()
    reader.close()


@pytest.mark.parametrize("error", [sqlite3.DatabaseError("malformed"), DamagedError("a photo in it is none")])
def test_what_looks_damaged_since_it_changed_is_not(database: Path, error: Exception) -> None:
    with closing(connection.open_readable(database)) as reading:
        commit(database, range(PHOTOS, PHOTOS + 1))
        with pytest.raises(ChangedError), connection.unchanged(reading, database):
            raise error


def test_what_never_changed_is_damaged_if_it_looks_so(database: Path) -> None:
    with database.open("r+b") as file:
        file.seek(100 * PAGE)
        file.write(b"\xff" * 100 * PAGE)
    reader = Reader(database)
    with pytest.raises(DamagedError):
        reader.top(10**6)
    reader.close()


def test_a_backup_and_a_look_at_everything_are_of_one_moment(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = connection.open_readable
    changes = [range(PHOTOS, 2 * PHOTOS)]

    def open_and_change(path: Path) -> connection.ReadConnection:
        reading = opened(path)
        reading.execute("SELECT count(*) FROM photo").fetchone()
        if changes:
            commit(path, changes.pop())
        return reading

    monkeypatch.setattr(connection, "open_readable", open_and_change)
    copy_database(database, tmp_path / "copy.db")
    assert Reader(tmp_path / "copy.db").ranked() == 2 * PHOTOS
    changes.append(range(2 * PHOTOS, 3 * PHOTOS))
    assert verify(database, tmp_path, samples=0).photos == 3 * PHOTOS


def test_no_other_failure_is_taken_for_that(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_without_log(monkeypatch, "SQLITE_IOERR_READ")
    with pytest.raises(Exception, match="unable to open database file; check the disk it lies on"):
        Reader(database)


def test_a_log_that_was_left_behind_is_answered_with_how_to_read_it(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not with what lies in the database alone."""
    left = database.with_name("photos.db-wal")
    left.write_bytes(b"commits")
    connect = connection._connect_read_only

    def refuse(uri: str) -> connection.ReadConnection:
        if uri.endswith("mode=ro"):
            raise forbidden("SQLITE_CANTOPEN")
        return connect(uri)

    monkeypatch.setattr(connection, "_connect_read_only", refuse)
    with pytest.raises(DatabaseError) as caught:
        Reader(database)
    assert caught.value.remedy == (
        f"it was not closed, and its last commits are in {left}: read it once as its owner,"
        " or copy photos.db and photos.db-wal together to where you may write"
    )


@pytest.mark.parametrize(
    "error", [forbidden("SQLITE_CANTOPEN"), forbidden("SQLITE_READONLY"), PermissionError(errno.EACCES, "no")]
)
def test_who_only_reads_is_not_told_to_write_elsewhere(database: Path, error: Exception) -> None:
    with pytest.raises(DatabaseError) as caught, reading_errors(database):
        raise error
    assert caught.value.remedy == (
        f"ask its owner for the right to read what is in {database.parent}, or run this as another user"
    )


def test_a_database_that_is_gone_is_looked_for_on_its_drive(database: Path) -> None:
    database.unlink()
    with pytest.raises(DatabaseError, match="see whether its drive is mounted"):
        Reader(database)
