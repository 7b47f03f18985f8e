import errno
import os
import shutil
import sqlite3
import stat
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fake_scorer import FakeScorer
from machine import need
from other_program import opened
from photod.config import Store
from photod.errors import DatabaseError
from photod.photos import EMBEDDING_DTYPE
from photod.store import care
from photod.store.backups import backups_of, is_sound, newest_good
from photod.store.care import Report, add_backup, copy_database, is_backup_due, verify
from photod.store.errors import DamagedError
from photod.store.queries import Reader
from photod.store.writer import Writer
from pictures import make_photo
from running import make_config, ranking, running, score_once
from waiting import wait_until

PHOTOS = 5


@pytest.fixture
def database(folder: Path) -> Path:
    """Of five photos."""
    for level in range(PHOTOS):
        make_photo(folder / f"{level}.png", 50 * level)
    score_once(folder, FakeScorer())
    return folder / ".photod/photos.db"


def change(database: Path, sql: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(sql)


def scores_of(vectors: list[bytes]) -> list[float]:
    rows = np.frombuffer(b"".join(vectors), EMBEDDING_DTYPE).reshape(len(vectors), -1)
    return [float(score) for score in FakeScorer().score(rows)]


def test_a_sound_database_has_no_findings(database: Path, folder: Path) -> None:
    report = verify(database, folder, 100, scores_of)
    assert (report.findings, report.photos, report.hashed, report.rescored) == ((), PHOTOS, PHOTOS, PHOTOS)


def test_a_database_without_tables_has_no_photos_and_no_findings(tmp_path: Path) -> None:
    """A start may be cut short before there are any."""
    path = tmp_path / "photos.db"
    path.touch()
    assert verify(path, tmp_path, 100) == Report((), 0, 0, 0)


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("UPDATE content SET score = 11 WHERE id = 1", "1 scores outside 0 to 10"),
        ("UPDATE content SET photos = 7 WHERE id = 1", "1 contents whose photos are counted wrongly"),
        ("UPDATE model SET photos = photos + 1", "1 models whose photos are counted wrongly"),
        ("DELETE FROM embedding WHERE content = 2", "1 scores without the embedding"),
        (
            "INSERT INTO tower VALUES (9, 'another'); UPDATE embedding SET tower = 9 WHERE content = 2",
            "1 scores without the embedding",
        ),
        ("PRAGMA foreign_keys = OFF; DELETE FROM content WHERE id = 3", "1 photos of no content"),
        ("PRAGMA foreign_keys = OFF; DELETE FROM content WHERE id = 3", "1 embeddings of no content"),
        (
            "UPDATE content SET score = NULL, model = NULL WHERE id = 1",
            "1 photos called scored, of contents without a score",
        ),
        ("UPDATE content SET sha256 = upper(sha256)", f"{PHOTOS} photos whose hash is not that of their content"),
        ("UPDATE content SET score = score + 1 WHERE id = 1", "its embedding gives"),
        ("UPDATE embedding SET vector = zeroblob(4) WHERE content = 4", "its embedding is damaged"),
        ("UPDATE embedding SET vector = zeroblob(3) WHERE content = 4", "its embedding is damaged"),
    ],
)
def test_what_cannot_be_true_is_found(database: Path, folder: Path, sql: str, words: str) -> None:
    for statement in sql.split(";"):
        change(database, statement)
    assert any(words in finding for finding in verify(database, folder, 100, scores_of).findings)


def test_scores_of_an_earlier_model_are_not_computed_again(database: Path, folder: Path) -> None:
    with closing(Writer(database)) as writer:
        writer.use_model(replace(FakeScorer().identity, weights_sha256="1" * 64))
    assert verify(database, folder, 100, scores_of).rescored == 0


def test_bytes_that_changed_by_themselves_are_found(database: Path, folder: Path) -> None:
    photo = folder / "1.png"
    before = photo.stat()
    data = bytearray(photo.read_bytes())
    data[60] ^= 1
    photo.write_bytes(data)
    os.utime(photo, ns=(before.st_atime_ns, before.st_mtime_ns))
    change(database, f"UPDATE photo SET ctime_ns = {photo.stat().st_ctime_ns} WHERE path = '1.png'")
    assert verify(database, folder, 100).findings == (
        f"{photo}: its bytes changed, though its size and times did not",
    )


def test_a_photo_that_was_edited_or_deleted_since_is_no_finding(database: Path, folder: Path) -> None:
    make_photo(folder / "1.png", 3)
    (folder / "2.png").unlink()
    report = verify(database, folder, 100)
    assert (report.findings, report.hashed) == ((), PHOTOS - 2)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["FIFO", "directory"])
def test_a_photo_in_whose_place_something_else_stands_is_no_finding(
    database: Path, folder: Path, make: Callable[[Path], None]
) -> None:
    (folder / "1.png").unlink()
    make(folder / "1.png")
    report = verify(database, folder, 100)
    assert (report.findings, report.hashed) == ((), PHOTOS - 1)


def test_a_photo_whose_directory_became_a_file_is_no_finding(folder: Path) -> None:
    make_photo(folder / "a/1.png")
    score_once(folder, FakeScorer())
    shutil.rmtree(folder / "a")
    (folder / "a").touch()
    report = verify(folder / ".photod/photos.db", folder, 100)
    assert (report.findings, report.photos, report.hashed) == ((), 1, 0)


def test_a_photo_that_cannot_be_read_is_named(database: Path, folder: Path) -> None:
    (folder / "1.png").unlink()
    (folder / "1.png").symlink_to("1.png")
    report = verify(database, folder, 100)
    words = os.strerror(errno.ELOOP)
    assert (report.findings, report.hashed) == ((f"{folder}/1.png: {words}",), PHOTOS - 1)


def test_a_backup_is_one_file_that_can_take_its_place(database: Path, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere/copy.db"
    copy_database(database, target)
    assert os.listdir(target.parent) == ["copy.db"]
    with opened(target) as copy:
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",), "to be read with nothing beside it"
    assert len(Reader(target).top(9)) == PHOTOS
    database.unlink()
    target.rename(database)
    score_once(folder, scorer := FakeScorer())
    assert scorer.photos == 0
    assert len(ranking(folder)) == PHOTOS


def test_a_backup_can_be_made_while_photos_are_committed(folder: Path, tmp_path: Path) -> None:
    done = threading.Event()
    with running(make_config(folder, store=Store(group=1)), FakeScorer()):
        made: list[Path] = []
        lander = threading.Thread(target=lambda: _land(folder, 80, done))
        lander.start()
        wait_until(lambda: bool(ranking(folder)))
        while not done.is_set() or len(made) < 3:
            made.append(tmp_path / f"{len(made)}.db")
            copy_database(folder / ".photod/photos.db", made[-1])
        lander.join()
    counts = [Reader(copy).totals().scored for copy in made]
    assert counts == sorted(counts)
    assert all(map(is_sound, made))


def _land(folder: Path, count: int, done: threading.Event) -> None:
    for level in range(count):
        make_photo(folder / f"{level}.png", level)
    wait_until(lambda: len(ranking(folder)) > count // 2)
    done.set()


def test_old_backups_go(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for hour in range(5):
        monkeypatch.setattr("time.strftime", lambda *_, hour=hour: f"20260101T{hour:02}0000Z")
        made.append(add_backup(database, keep=2))
    assert backups_of(database) == [made[4], made[3]]


def test_what_was_left_of_a_backup_that_was_cut_short_goes(database: Path) -> None:
    place = add_backup(database, keep=3).parent
    old, young = (place / f"photos-20260101T0{hour}0000Z.db.part" for hour in range(2))
    journal, other = place / f"{old.name}-journal", place / "holidays.part"
    for file in (old, young, journal, other):
        file.touch()
    directory = place / "photos-2020.db.part"
    directory.mkdir()
    for file in (old, journal, other, directory):
        os.utime(file, (1e9, 1e9))
    made = add_backup(database, keep=1)
    assert sorted(place.iterdir()) == sorted([young, made, other, directory])


def test_a_backup_can_be_written_by_whoever_may_write_the_database(database: Path, tmp_path: Path) -> None:
    mask = os.umask(0o002)
    try:
        made = [add_backup(database, keep=3), tmp_path / "copy.db"]
        copy_database(database, made[1])
    finally:
        os.umask(mask)
    assert [stat.S_IMODE(copy.stat().st_mode) for copy in made] == [0o664, 0o664]


def test_a_backup_that_root_makes_belongs_to_the_owner_of_the_database(database: Path, tmp_path: Path) -> None:
    if os.getuid() != 0:
        need("root, to give a database away")
    for place in (database.parent, database):
        os.chown(place, 2001, 3001)
    made = add_backup(database, keep=3)
    assert [(place.stat().st_uid, place.stat().st_gid) for place in (made, made.parent)] == [(2001, 3001)] * 2
    copy_database(database, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").stat().st_uid == 0, "it is where root wanted it"


@pytest.mark.parametrize("lead", [os.symlink, os.link])
def test_root_gives_away_nothing_that_a_link_in_a_backups_place_leads_to(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lead: Callable[[Path, Path], None]
) -> None:
    if os.getuid() != 0:
        need("root, to give a database away")
    (precious := tmp_path / "precious").touch()
    for place in (database.parent, database):
        os.chown(place, 2001, 3001)

    def make(_: Path, target: Path) -> None:
        """And its owner is quick to put something else there."""
        target.parent.mkdir()
        lead(precious, target)

    monkeypatch.setattr(care, "copy_database", make)
    add_backup(database, keep=3)
    assert precious.stat().st_uid == 0


def test_no_backup_goes_where_a_link_leads(database: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (database.parent / "backups").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DatabaseError, match="backups is a symlink"):
        add_backup(database, keep=1)
    copy, precious = tmp_path / "copy.db", tmp_path / "precious.db"
    (tmp_path / "copy.db.part").symlink_to(precious)
    copy_database(database, copy)
    assert is_sound(copy)
    assert not precious.exists()
    assert list((tmp_path / "elsewhere").iterdir()) == []
    (database.parent / "backups").unlink()
    database.parent.rename(tmp_path / "moved")
    database.parent.symlink_to(tmp_path / "moved")
    with pytest.raises(DatabaseError, match=f"{database.parent} is a symlink"):
        add_backup(database, keep=1)


def test_a_damaged_database_does_not_push_out_its_good_backups(database: Path) -> None:
    good = add_backup(database, keep=1)
    with database.open("r+b") as file:
        file.seek(4096 * 4)
        file.write(b"\xff" * 4096 * 4)
    with pytest.raises(DamagedError, match=f"copy {good} to {database}"):
        add_backup(database, keep=1)
    assert backups_of(database) == [good]
    assert newest_good(database) == good
    assert os.listdir(good.parent) == [good.name]


def test_a_copy_that_cannot_be_read_back_is_no_damage_of_the_database(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = add_backup(database, keep=3)
    monkeypatch.setattr(care, "is_sound", lambda _: False)  # its disk begins to fail
    with pytest.raises(DatabaseError, match=r"photos-.* cannot be read back; check the disk") as caught:
        add_backup(database, keep=3)
    assert not isinstance(caught.value, DamagedError)
    assert backups_of(database) == [good]


def test_a_backup_made_when_the_clock_was_ahead_counts_for_nothing(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("time.strftime", lambda *_: "29990101T000000Z")
        ahead = add_backup(database, keep=1)
    os.utime(ahead, (4e9, 4e9))
    assert is_backup_due(database, 3600.0)
    made = add_backup(database, keep=1)
    assert backups_of(database) == [ahead, made]
    assert not is_backup_due(database, 3600.0)


def test_a_backup_is_due_when_the_last_is_old_and_something_changed(database: Path) -> None:
    assert is_backup_due(database, 3600.0)
    made = add_backup(database, keep=3)
    assert not is_backup_due(database, 3600.0)
    old = made.stat().st_mtime - 4000
    os.utime(made, (old, old))
    assert is_backup_due(database, 3600.0)
    os.utime(database, (old - 1, old - 1))
    assert not is_backup_due(database, 3600.0)


def test_the_daemon_makes_backups_by_itself(folder: Path) -> None:
    make_photo(folder / "a.png")
    with running(make_config(folder, store=Store(backup_s=0.5)), FakeScorer()):
        wait_until(lambda: bool(backups_of(folder / ".photod/photos.db")))
    assert newest_good(folder / ".photod/photos.db") is not None
