"""`photod-ctl verify` and `photod-ctl backup`, and what a damaged database is answered with."""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from fake_scorer import FakeScorer
from other_program import opened
from photod.fingerprints import fingerprint_of
from photod.photos import EMBEDDING_DTYPE, Candidate, Facts, Judged, Scored
from photod.store.writer import Writer
from pictures import make_photo
from programs import FAKED, photod, photod_ctl, write_config

PAGE = 4096
EMBEDDING = np.array([0.6, 0.8], EMBEDDING_DTYPE).tobytes()


@pytest.fixture
def photos(folder: Path, tmp_path: Path) -> Path:
    """A folder of photos."""
    for level in range(40):
        make_photo(folder / f"{level}.png", 5 * level)
    write_config(tmp_path / "config.toml", folder)
    return folder


@pytest.fixture
def scored(photos: Path) -> Path:
    """A folder of photos that have scores."""
    writer = Writer(photos / ".photod/photos.db")
    writer.use_model(FakeScorer().identity)
    writer.commit([(judged(photo), True) for photo in photos.glob("*.png")])
    writer.close()
    return photos


def judged(photo: Path) -> Judged:
    candidate = Candidate(str(photo.parent), photo.name, fingerprint_of(photo.stat()))
    sha256 = hashlib.sha256(photo.read_bytes()).hexdigest()
    return Judged(candidate, Scored(sha256, Facts(64, 48, None, None), 5.0, EMBEDDING), duplicate=False)


def once(folder: Path, config: Path) -> subprocess.CompletedProcess[str]:
    return photod("run", "--once", folder, "--config", config, program=FAKED)


def test_a_sound_database_is_verified_and_backed_up(photos: Path, tmp_path: Path) -> None:
    assert once(photos, tmp_path / "config.toml").returncode == 0
    done = photod_ctl("verify", photos)
    assert (done.returncode, done.stdout) == (0, f"{photos}: 40 photos, 40 read again, nothing wrong\n")
    assert json.loads(photod_ctl("verify", photos, "--json").stdout)[0]["findings"] == []
    done = photod_ctl("backup", photos, tmp_path / "copy.db")
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'copy.db'}\n")
    assert photod_ctl("backup", photos, tmp_path / "copy.db").returncode == 0, "over the one before"
    done = photod_ctl("backup", photos)
    assert Path(done.stdout.strip()).parent == photos / ".photod/backups"


def test_a_backup_makes_its_directory_and_goes_where_a_link_leads(scored: Path, tmp_path: Path) -> None:
    (tmp_path / "latest.db").symlink_to("new/copy.db")
    for _ in range(2):
        assert photod_ctl("backup", scored, tmp_path / "latest.db").returncode == 0
    assert (tmp_path / "latest.db").is_symlink()
    assert (tmp_path / "new/copy.db").is_file()


def test_a_backup_is_kept_where_photod_keeps_none_of_its_own(scored: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path / "config.toml", scored, more="[store]\nbackups = 0\n")
    done = photod_ctl("backup", scored, "--config", config)
    assert Path(done.stdout.strip()).is_file()


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("", "is not a file; name one, such as "),
        ("/dev/null", "is not a file"),
        ("photos/.photod/photos.db", "belongs to the database itself; name a file elsewhere"),
        ("photos/.photod/photos.db-wal", "belongs to the database itself"),
        ("hard-link", "belongs to the database itself"),
        ("symlink", "belongs to the database itself"),
        ("photos/0.png/copy.db", "cannot write "),
        ("photos/0.png", "is there, and is no database of photod's; name another file"),
        ("browser.sqlite", "is there, and is no database of photod's; name another file"),
        ("killed.db", "killed.db-wal is there, and would undo the copy"),
        ("interrupted.db", "interrupted.db-journal is there, and would undo the copy"),
        ("x" * 256, "File name too long; name a place that you can write"),
    ],
)
def test_a_backup_goes_to_a_file_of_its_own(scored: Path, tmp_path: Path, target: str, words: str) -> None:
    database = scored / ".photod/photos.db"
    os.link(database, tmp_path / "hard-link")
    (tmp_path / "symlink").symlink_to(database)
    with closing(sqlite3.connect(tmp_path / "browser.sqlite")) as others, others:
        others.execute("CREATE TABLE bookmarks (x)")
    shutil.copy(database, tmp_path / "killed.db")
    for log in ("killed.db-wal", "interrupted.db-journal"):
        (tmp_path / log).write_bytes(b"commits")
    before = database.stat()
    done = photod_ctl("backup", scored, tmp_path / target)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert words in done.stderr
    assert (database.stat().st_ino, database.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert photod_ctl("verify", scored).returncode == 0


def test_a_damaged_database_is_refused_with_the_way_back_which_works(scored: Path, tmp_path: Path) -> None:
    backup = photod_ctl("backup", scored).stdout.strip()
    sound = shutil.copytree(scored, tmp_path / "sound")
    database = scored / ".photod/photos.db"
    with database.open("r+b") as file:
        file.seek(4 * PAGE)
        file.write(b"\x55" * PAGE)
    found = photod_ctl("verify", scored, sound)
    assert (found.returncode, found.stderr.count("\n")) == (74, 1)
    assert found.stdout.startswith(f"{sound}: 40 photos"), "the next one is looked at all the same"
    assert "is damaged" in found.stderr
    assert backup in found.stderr
    done = once(scored, tmp_path / "config.toml")
    assert (done.returncode, done.stderr.count("\n")) == (74, 1)
    assert f"move {database}* aside, copy {backup} to {database}, then start again" in done.stderr
    (tmp_path / "aside").mkdir()
    for part in (scored / ".photod").glob("photos.db*"):
        part.rename(tmp_path / "aside" / part.name)
    os.link(backup, database)
    assert once(scored, tmp_path / "config.toml").returncode == 0
    assert photod_ctl("verify", scored).returncode == 0


def test_a_device_that_fails_ends_with_69_and_one_line(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_photo(folder / "a.png")
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "seen"))
    monkeypatch.setenv("FAKE_DEVICE_FAULT", "1")
    done = once(folder, write_config(tmp_path / "config.toml", folder))
    last = done.stderr.splitlines()[-1]
    assert (done.returncode, done.stderr.count("photod: ")) == (69, 1)
    assert last.startswith("photod: device cpu: CUDA error: an illegal memory access")
    assert last.endswith("then start again")


def test_check_hashes_and_scores_again(folder: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path / "config.toml", folder)
    make_photo(folder / "a.png", 40)
    assert once(folder, config).returncode == 0
    done = photod("check", "--config", config, program=FAKED)
    assert f"{folder}: 1 photos hashed again, 1 scores computed again: nothing wrong" in done.stdout, done.stderr
    with opened(folder / ".photod/photos.db") as database:
        database.execute("UPDATE content SET score = 10 - score")
    done = photod("check", "--config", config, program=FAKED)
    assert (done.returncode, done.stderr.count("\n")) == (74, 1), done.stderr
    assert "a.png: its score is " in done.stdout
    assert "sandbox:" in done.stdout, "the rest is told all the same"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("noise", ""),
        ("newer", "newer photod"),
        ("log in the way", ""),
        ("directory in the way", ""),
    ],
)
def test_every_fault_of_a_database_ends_with_74_and_one_line(
    scored: Path, tmp_path: Path, fault: str, words: str
) -> None:
    database = scored / ".photod/photos.db"
    match fault:
        case "noise":
            database.write_bytes(b"nonsense" * 1000)
        case "newer":
            with database.open("r+b") as file:
                file.seek(60)  # where user_version is
                file.write((999).to_bytes(4, "big"))
        case "log in the way":
            database.with_name("photos.db-wal").mkdir()
        case "directory in the way":
            database.unlink()
            database.mkdir()
    done = photod("run", "--config", tmp_path / "config.toml", program=FAKED)
    assert (done.returncode, done.stderr.count("\n")) == (74, 1), done.stderr
    assert str(database) in done.stderr
    assert words in done.stderr
    assert "; " in done.stderr  # the remedy follows
