"""A database or a disk that fails: one message with the remedy, nothing half written, and it goes on after that."""

import hashlib
import os
import random
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest

from fake_scorer import FakeScorer
from machine import need
from mounts import Mounts
from photod.config import Folder
from photod.daemon import Daemon
from photod.errors import EXIT_BUSY, EXIT_DATABASE, DatabaseError
from photod.photos import EMBEDDING_DTYPE, Candidate, Facts, Fingerprint, Judged, Scored
from photod.store.care import add_backup, verify
from photod.store.errors import DamagedError
from photod.store.writer import Writer
from pictures import make_photo
from running import make_config, ranking, running, score_once
from waiting import wait_until

PAGE = 4096
PHOTOS = 60
BALLAST = "ballast"  # what fills a disk


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No drive is pulled out here: what fails is to blame soon."""
    monkeypatch.setattr("photod.open_folder.GOING_S", 0.1)


def database_of(folder: Path) -> Path:
    return Folder(path=folder).database_path


def fill(folder: Path, first: int = 0, count: int = PHOTOS) -> None:
    """So many photos of different brightness; they are large enough to be different contents twice over."""
    for level in range(first, first + count):
        make_photo(folder / f"{level:03}.png", level % 256, size=(64 + level // 256, 48))


def run_into_fault(folder: Path, cause: Callable[[], None], exit_code: int = EXIT_DATABASE) -> str:
    """Have a fault happen to a daemon that watches, and photos land in it; returns the message."""
    config = make_config(folder)
    with pytest.raises(DatabaseError) as caught, running(config, FakeScorer()) as daemon:  # noqa: PT012 - it waits
        wait_until(lambda: len(ranking(folder)) == PHOTOS)
        cause()
        fill(folder, PHOTOS, PHOTOS)
        wait_until(daemon.is_stopping)
    assert caught.value.exit_code == exit_code
    message = str(caught.value)
    assert str(database_of(folder)) in message
    assert "\n" not in message
    return message


def assert_goes_on(folder: Path) -> None:
    """What was committed is whole and is not scored again; the rest is scored now."""
    database = database_of(folder)
    assert verify(database, folder, samples=100).findings == ()
    committed = len(ranking(folder))
    assert committed >= PHOTOS
    score_once(folder, scorer := FakeScorer())
    assert len(ranking(folder)) == 2 * PHOTOS
    assert scorer.photos <= 2 * PHOTOS - committed
    assert verify(database, folder, samples=100).findings == ()


def fill_the_disk(place: Path, free_kb: int) -> None:
    room = os.statvfs(place)
    with suppress(OSError):  # a daemon writes, too, and may be faster
        (place / BALLAST).write_bytes(b"\0" * max(0, room.f_bavail * room.f_frsize - free_kb * 1024))


@pytest.mark.parametrize("free_kb", [0, 4, 16, 40])
def test_a_full_disk_in_the_middle_of_a_commit(folder: Path, mounts: Mounts, free_kb: int) -> None:
    mounts(folder / ".photod", "-t", "tmpfs", "-o", "size=2m", "none")
    fill(folder)
    place = folder / ".photod"
    assert "free some space" in run_into_fault(folder, lambda: fill_the_disk(place, free_kb))
    (place / BALLAST).unlink()
    assert_goes_on(folder)


@pytest.mark.parametrize("free_kb", [0, 20])
def test_a_full_disk_at_the_start(folder: Path, mounts: Mounts, free_kb: int) -> None:
    place = folder / ".photod"
    mounts(place, "-t", "tmpfs", "-o", "size=2m", "none")
    fill(folder)
    score_once(folder, FakeScorer())
    fill_the_disk(place, free_kb)
    assert len(ranking(folder)) == PHOTOS  # who only reads needs no room
    with pytest.raises(DatabaseError, match="free some space"):
        score_once(folder, FakeScorer())
    (place / BALLAST).unlink()
    fill(folder, PHOTOS, PHOTOS)
    assert_goes_on(folder)


@pytest.mark.parametrize("power_cut", [False, True])
def test_a_disk_that_turns_read_only_at_an_error(
    folder: Path, mounts: Mounts, tmp_path: Path, power_cut: bool
) -> None:
    image = tmp_path / "disk"
    with image.open("wb") as file:
        file.truncate(16 << 20)
    if subprocess.run(["mkfs.ext4", "-q", str(image)], check=False).returncode:
        need("mkfs.ext4")
    options = ("-o", "loop,errors=remount-ro", str(image))
    place = folder / ".photod"
    mounts(place, *options)
    fill(folder)

    def fail() -> None:
        if not power_cut:
            os.sync()  # what the disk had not yet written is lost with it, as in a power cut
        mounts.remount(place, "abort")

    assert "start again" in run_into_fault(folder, fail)
    mounts.take_away(place)
    mounts(place, *options)
    if power_cut:
        score_once(folder, FakeScorer())
    assert_goes_on(folder)
    mounts.take_away(place)


def test_a_read_only_disk_at_the_start(folder: Path, mounts: Mounts, monkeypatch: pytest.MonkeyPatch) -> None:
    place = folder / ".photod"
    mounts(place, "-t", "tmpfs", "-o", "size=2m", "none")
    fill(folder)
    score_once(folder, FakeScorer())
    mounts.remount(place, "ro")
    assert len(ranking(folder)) == PHOTOS  # who only reads needs no right to write
    with pytest.raises(DatabaseError, match="make its directory writable") as caught:
        score_once(folder, FakeScorer())
    assert str(place) in str(caught.value)
    with monkeypatch.context() as service:
        service.setenv("STATE_DIRECTORY", str(folder.parent))
        with pytest.raises(DatabaseError, match="Read-only file system; restart the service"):
            score_once(folder, FakeScorer())
    mounts.remount(place, "rw")
    fill(folder, PHOTOS, PHOTOS)
    assert_goes_on(folder)


def test_a_disk_without_an_inode_for_the_log(folder: Path, mounts: Mounts) -> None:
    mounts(folder / ".photod", "-t", "tmpfs", "-o", "nr_inodes=3", "none")
    with pytest.raises(DatabaseError, match=r"see whether its disk takes new files \(df -i\)"):
        score_once(folder, FakeScorer())


def test_a_lock_that_is_held_too_long(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photod.store.connection.BUSY_TIMEOUT_S", 0.3)
    fill(folder)
    score_once(folder, FakeScorer())
    with closing(sqlite3.connect(database_of(folder), isolation_level=None)) as other:
        # With this code systemd starts it again.
        message = run_into_fault(folder, lambda: _lock(other), EXIT_BUSY)
        assert "end the program that holds it open for writing" in message
        with pytest.raises(DatabaseError, match="end the program that holds it open for writing"):
            score_once(folder, FakeScorer())
        other.execute("ROLLBACK")
    assert_goes_on(folder)


def test_a_write_ahead_log_that_cannot_be_made(folder: Path) -> None:
    fill(folder)
    score_once(folder, FakeScorer())
    fill(folder, PHOTOS, PHOTOS)
    in_the_way = database_of(folder).with_name("photos.db-wal")
    in_the_way.mkdir()
    with pytest.raises(DatabaseError) as caught:
        score_once(folder, FakeScorer())
    assert str(database_of(folder)) in str(caught.value)
    in_the_way.rmdir()
    assert_goes_on(folder)


def test_a_database_that_is_damaged_while_in_use(folder: Path) -> None:
    fill(folder)

    def damage() -> None:
        with database_of(folder).open("r+b") as file, closing(sqlite3.connect(database_of(folder))) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            size = os.fstat(file.fileno()).st_size
            file.seek(PAGE)
            file.write(random.Random(1).randbytes(size - PAGE))

    message = run_into_fault(folder, damage)
    assert "is damaged" in message
    # What SQLite calls damage may be a cable: nothing is to be thrown away before that is known.
    in_order = ("look at the disk first", "`photod-ctl verify FOLDER` then says so again", "aside", "start again")
    places = [message.index(words) for words in in_order]
    assert places == sorted(places)


def _lock(database: sqlite3.Connection) -> None:
    database.execute("BEGIN IMMEDIATE")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database with every kind of page."""
    path = tmp_path_factory.mktemp("written") / ".photod/photos.db"
    writer = Writer(path)
    writer.use_model(FakeScorer().identity)
    for group in range(4):
        numbers = range(group * 100, group * 100 + 100)
        writer.commit([(_judged(number), True) for number in numbers])
    writer.suspect(["aa"])
    writer.close()
    return path.read_bytes()


def _unit(number: int) -> bytes:
    vector = np.random.default_rng(number).normal(size=512)
    return (vector / np.linalg.norm(vector)).astype(EMBEDDING_DTYPE).tobytes()


def _judged(number: int) -> Judged:
    sha256 = hashlib.sha256(str(number).encode()).hexdigest()
    candidate = Candidate("/f", f"{number % 7}/{number}.jpg", Fingerprint(number, number, number, number))
    verdict = Scored(sha256, Facts(4000, 3000, "2020-01-02 03:04:05", "Canon"), number / 40, _unit(number))
    return Judged(candidate, verdict, duplicate=False)


Damage = Callable[[bytes, int], bytes]


def noise(_: bytes, page: int) -> bytes:
    return random.Random(page).randbytes(PAGE)


def zeros(_: bytes, __: int) -> bytes:
    return bytes(PAGE)


def another_page(written: bytes, page: int) -> bytes:
    other = (page + len(written) // PAGE // 2) % (len(written) // PAGE)
    return written[other * PAGE : (other + 1) * PAGE]


def with_each_page_damaged(written: bytes, path: Path, damage: Damage) -> Iterator[int]:
    """Writes the database with one page after the other damaged."""
    path.parent.mkdir()
    pages = len(written) // PAGE
    assert pages > 100
    for page in range(pages):
        path.write_bytes(written[: page * PAGE] + damage(written, page) + written[(page + 1) * PAGE :])
        yield page


@pytest.mark.parametrize("damage", [noise, zeros])
def test_any_page_that_was_overwritten_is_noticed_at_the_start(
    written: bytes, tmp_path: Path, damage: Damage
) -> None:
    path = tmp_path / ".photod/photos.db"
    for _ in with_each_page_damaged(written, path, damage):
        with pytest.raises(DamagedError, match=f"{path}.* then start again"):
            Writer(path)


def test_pages_that_took_each_others_place_are_found_by_verify(written: bytes, tmp_path: Path) -> None:
    path = tmp_path / ".photod/photos.db"
    unfound = [page for page in with_each_page_damaged(written, path, another_page) if not is_found(path)]
    assert len(unfound) <= 1  # when the folder was compared, or what no question finds: no photo depends on it


def is_found(path: Path) -> bool:
    try:
        return bool(verify(path, path.parent, samples=0).findings)
    except DatabaseError:
        return True


def test_what_is_damaged_is_answered_with_the_newest_good_backup_and_goes_on_from_it(folder: Path) -> None:
    fill(folder)
    score_once(folder, FakeScorer())
    database = database_of(folder)
    good = add_backup(database, keep=3)
    bad = good.with_name("photos-99990101T000000Z.db")
    bad.write_bytes(good.read_bytes()[:PAGE] + random.Random(1).randbytes(8 * PAGE))
    with database.open("r+b") as file:
        file.seek(3 * PAGE)
        file.write(b"\xff" * PAGE)
    with pytest.raises(DatabaseError, match=f"copy {good} to {database}, then start again"):
        score_once(folder, FakeScorer())
    # As the message says.
    for part in database.parent.glob("photos.db*"):
        part.rename(folder.parent / part.name)
    shutil.copy(good, database)
    fill(folder, PHOTOS, PHOTOS)
    assert_goes_on(folder)


def test_an_empty_database_that_has_been_backed_up_is_damage_and_no_new_one(folder: Path) -> None:
    """As a power cut may leave it."""
    fill(folder)
    score_once(folder, FakeScorer())
    database = database_of(folder)
    backup = add_backup(database, keep=3)
    database.write_bytes(b"")
    with pytest.raises(DamagedError, match=f"empty.*copy {backup} to {database}, then start again"):
        score_once(folder, FakeScorer())
    with pytest.raises(DamagedError, match="empty"):
        add_backup(database, keep=1)
    shutil.copy(backup, database)
    score_once(folder, scorer := FakeScorer())
    assert scorer.photos == 0


def test_the_devices_failure_is_told_even_when_the_database_fails_later(folder: Path) -> None:
    class Failing(FakeScorer):
        def embed(self, _: object) -> None:  # type: ignore[override]
            database_of(folder).write_bytes(b"nonsense" * 9999)
            raise RuntimeError("CUDA error: out of luck")

    make_photo(folder / "a.png", 1)
    daemon = Daemon(make_config(folder), once=folder, load=Failing().load)
    with pytest.raises(Exception, match="out of luck"):
        daemon.run()
