"""When nothing is left to do, a database is one whole file, and nobody writes to it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from invented_archive import MODEL
from other_program import opened
from photod.photos import Candidate, Facts, Fingerprint, Judged, Scored
from photod.store.queries import Reader
from photod.store.writer import Writer

DISK = "ef53:1"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".photod/photos.db"


@pytest.fixture
def writer(path: Path) -> Iterator[Writer]:
    with closing(Writer(path)) as writer:
        writer.use_model(MODEL)
        yield writer


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets the writer's clock."""
    return lambda now: monkeypatch.setattr("photod.store.writer.time.time", lambda: now)


def commit(writer: Writer, name: str) -> None:
    judged = Judged(Candidate("/f", name, Fingerprint(1, 2, 3, 4)), Scored(name, Facts(1, 1), 5.0, b""), False)
    writer.commit([(judged, True)])


def log_size(path: Path) -> int:
    return path.with_name("photos.db-wal").stat().st_size


def looks(path: Path) -> tuple[int, int, int]:
    return path.stat().st_mtime_ns, log_size(path), path.with_name("photos.db-wal").stat().st_mtime_ns


def compared_at(path: Path) -> int | None:
    with closing(Reader(path)) as reader:
        return reader.compared_at()


def test_a_settled_database_is_whole_without_its_log(writer: Writer, path: Path, tmp_path: Path) -> None:
    commit(writer, "a.jpg")
    assert log_size(path)
    assert writer.settle()
    assert log_size(path) == 0
    shutil.copy(path, tmp_path / "copy.db")
    assert Reader(tmp_path / "copy.db").ranked() == 1
    commit(writer, "b.jpg")
    assert Reader(path).ranked() == 2


def test_whoever_reads_is_not_waited_for(writer: Writer, path: Path) -> None:
    commit(writer, "a.jpg")
    with closing(Reader(path)) as reader:
        reader.stand_still()
        assert reader.ranked() == 1
        commit(writer, "b.jpg")
        assert not writer.settle()
        assert reader.ranked() == 1
    assert writer.settle()
    assert log_size(path) == 0


def test_whoever_writes_is_not_waited_for_here_and_is_at_the_next_commit(writer: Writer, path: Path) -> None:
    writer.mark_compared("/f", "", {})
    commit(writer, "a.jpg")
    with opened(path) as other:
        other.execute("BEGIN IMMEDIATE")
        assert not writer.settle()
        assert writer._db.execute("PRAGMA busy_timeout").fetchone() == (30_000,)
    assert writer.settle()


def test_what_was_left_by_a_kill_is_settled_by_the_next_writer(writer: Writer, path: Path, tmp_path: Path) -> None:
    commit(writer, "a.jpg")
    shutil.copytree(path.parent, tmp_path / "left")
    with closing(Writer(tmp_path / "left/photos.db")) as again:
        assert log_size(again.path)
        assert again.settle()
        assert log_size(again.path) == 0


def test_neither_a_start_nor_a_comparison_writes_to_a_database_that_stays_the_same(
    writer: Writer, path: Path, at: Callable[[int], None]
) -> None:
    at(1000)
    writer.mark_compared("/f", DISK, {"nas": "ef53:2"})
    commit(writer, "a.jpg")
    writer.close()
    before = path.stat().st_mtime_ns
    with closing(Writer(path)) as again:
        again.use_model(MODEL)
        again.rescore(lambda _: [])
        opened_so = looks(path)
        at(200_000)
        again.mark_compared("/f", DISK, {"nas": "ef53:2"})
        assert again.settle()
        assert (looks(path), again.compared_at) == (opened_so, 200_000)
    assert (path.stat().st_mtime_ns, compared_at(path)) == (before, 1000)


def test_coverage_is_written_down_at_first_and_then_with_what_changed(
    writer: Writer, path: Path, at: Callable[[int], None]
) -> None:
    at(1000)
    writer.settle()
    writer.mark_compared("/f", DISK, {})
    assert compared_at(path) == writer.compared_at == 1000
    at(2000)
    writer.mark_compared("/f", DISK, {})
    commit(writer, "a.jpg")
    at(3000)
    writer.mark_compared("/f", DISK, {})
    assert compared_at(path) == 1000
    writer.close()
    assert compared_at(path) == 3000
    with closing(Writer(path)) as again:
        assert again.compared_at == 3000
