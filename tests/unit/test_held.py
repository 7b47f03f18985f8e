"""A database keeps its locks, whatever has the name of a photo."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from photod.fingerprints import fingerprint_of
from photod.held import open_beside
from photod.intake.memory import PhotoMemory
from photod.intake.read import read_photo
from photod.photos import Candidate, Passed
from photod.store.queries import Reader
from photod.store.writer import Writer
from photod.watch.lease import Writing, probe


def locks() -> list[str]:
    """What of SQLite's locks this process has, as the kernel lists them."""
    with open("/proc/locks") as table:
        return sorted(line.split(maxsplit=1)[1] for line in table if f" {os.getpid()} " in line and "POSIX" in line)


@pytest.fixture(params=[".photod", "state/of this folder"])
def database(request: pytest.FixtureRequest, folder: Path) -> Iterator[Path]:
    """One that the daemon has open, beside its photos or elsewhere."""
    path = folder / request.param / "photos.db"
    writer = Writer(path)
    reader = Reader(path)
    yield path
    reader.close()
    writer.close()


@pytest.mark.parametrize("make", [Path.symlink_to, Path.hardlink_to])
@pytest.mark.parametrize("file", ["photos.db", "photos.db-shm"])
def test_a_link_to_a_database_is_never_opened(database: Path, folder: Path, file: str, make) -> None:  # type: ignore[no-untyped-def]
    link = folder / "a.jpg"
    make(link, database.with_name(file))
    before = locks()
    assert before
    assert probe(str(link)) is Writing.UNKNOWN
    candidate = Candidate(str(folder), link.name, fingerprint_of(link.stat()))
    read = read_photo(candidate, 1 << 20, PhotoMemory())
    assert isinstance(read, Passed)
    assert (read.why, read.reason) == ("unreadable", "it belongs to a database that photod has open")
    assert locks() == before


def test_a_database_that_is_opened_once_more_keeps_its_locks_too(folder: Path) -> None:
    path = folder / ".photod/photos.db"
    Writer(path).close()
    writer = Writer(path)
    before = locks()
    assert probe(str(path)) is Writing.UNKNOWN
    assert locks() == before
    writer.close()


def test_of_a_look_at_a_photo_one_descriptor_is_left(folder: Path) -> None:
    (folder / "a.jpg").touch()
    before = os.listdir("/proc/self/fd")
    os.close(open_beside(str(folder / "a.jpg"), os.O_RDONLY))
    assert os.listdir("/proc/self/fd") == before
