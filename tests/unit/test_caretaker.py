"""The backups that a daemon makes by itself."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from photod.caretaker import Caretaker
from photod.config import Store
from photod.store.backups import backups_of
from photod.store.errors import DamagedError
from photod.store.writer import Writer
from photod.threads import Crew
from waiting import wait_until


@pytest.fixture
def database(folder: Path) -> Path:
    writer = Writer(folder / ".photod/photos.db")
    writer.close()
    return writer.path


def test_a_drive_that_hangs_holds_up_no_backup_but_its_own(database: Path) -> None:
    looks, go_on = threading.Semaphore(0), threading.Event()

    def hang() -> None:
        looks.release()
        go_on.wait(30)

    crew = Crew(on_failure=lambda: None)
    caretaker = Caretaker(Store(), lambda: {"/hangs": hang, "/works": lambda: database}, crew)
    for _ in range(3):
        caretaker.request()
    assert looks.acquire(timeout=30)
    wait_until(lambda: bool(backups_of(database)))
    assert not looks.acquire(blocking=False)  # nobody else waits for that drive
    go_on.set()

    request_until(caretaker, lambda: looks.acquire(blocking=False))
    assert crew.failure is None


def test_where_no_backups_are_kept_no_drive_is_asked_for_its_database() -> None:
    crew = Crew(on_failure=lambda: None)
    Caretaker(Store(backups=0), lambda: pytest.fail("asked"), crew).request()


def test_a_damaged_database_ends_the_daemon_and_a_copy_that_fails_does_not(database: Path) -> None:
    failed = threading.Event()
    crew = Crew(on_failure=failed.set)
    copies = database.parent / "backups"
    copies.write_text("a file in the way")
    looks, go_on = threading.Semaphore(0), threading.Semaphore(0)

    def find() -> Path:
        looks.release()
        assert go_on.acquire(timeout=30)
        return database

    caretaker = Caretaker(Store(), lambda: {"/photos": find}, crew)
    request_until(caretaker, lambda: looks.acquire(blocking=False))
    with capture_logs() as told:
        go_on.release()
        request_until(caretaker, lambda: looks.acquire(blocking=False))  # the first look has ended, then
    assert [(record["event"], record["database"]) for record in told] == [("backup_failed", str(database))]
    assert crew.failure is None
    copies.unlink()
    database.write_bytes(database.read_bytes()[:4096] + b"\xff" * 4096 * 20)
    go_on.release(2)  # it is looked for again, in case its drive was pulled out
    wait_until(failed.is_set)
    assert isinstance(crew.failure, DamagedError)


def test_a_database_that_is_gone_with_its_drive_is_not_damaged(database: Path) -> None:
    database.write_bytes(database.read_bytes()[:4096] + b"\xff" * 4096 * 20)
    looks: list[Path | None] = [None, database]  # the last one comes first
    crew = Crew(on_failure=lambda: None)
    caretaker = Caretaker(Store(), lambda: {"/photos": looks.pop}, crew)
    caretaker.request()
    caretaker._at_work["/photos"].join(30)
    assert (looks, crew.failure) == ([], None)


def request_until(caretaker: Caretaker, condition: Callable[[], bool]) -> None:
    def is_met() -> bool:
        caretaker.request()
        return condition()

    wait_until(is_met)
