"""The claims of SECURITY.md that no other test holds."""

import os
import socket
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from fake_scorer import FakeScorer
from machine import need
from photod.config import Config, Control, Folder
from photod.errors import DatabaseError
from photod.folders import choose_folders
from photod.store.writer import Writer
from photod_ctl.folders import find_archive
from pictures import make_photo
from programs import photod_ctl
from running import make_config, running, score_once
from watching import answers

NOBODY = 65534
FORGED = "a.jpg\n2026-01-01 [error] forged\x1b[2J\u202e.jpg"


def answer_to_nobody(path: Path) -> bytes:
    """What another user gets who asks; the error's name where he may not even connect."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(path))
                connection.sendall(b'{"command": "status"}\n')
                os.write(theirs, b"answer:" + connection.recv(100))
        except OSError as error:
            os.write(theirs, type(error).__name__.encode())
        finally:
            os._exit(0)
    os.close(theirs)
    os.waitpid(child, 0)
    with os.fdopen(ours, "rb") as answer:
        return answer.read()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # the child of the fork only asks
def test_another_user_gets_no_answer(folder: Path, public_place: Path) -> None:
    if os.getuid() != 0:
        need("root, to become another user")
    path = public_place / "control.sock"
    config = make_config(folder, control=Control(socket=str(path)))
    with running(config, FakeScorer()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert answer_to_nobody(path) == b"PermissionError"
        path.chmod(0o666)  # even where somebody opened it to all, the peer is checked
        assert answer_to_nobody(path) in (b"answer:", b"ConnectionResetError", b"BrokenPipeError")


def test_no_path_from_a_client_leaves_the_folders(folder: Path, tmp_path: Path) -> None:
    make_photo(tmp_path / "outside/private.png")
    (folder / "way out").symlink_to(tmp_path / "outside")
    paths = [tmp_path / "outside", folder / "../outside", folder / "way out", "/", "relative", f"{folder}-not"]
    with running(make_config(folder), FakeScorer()) as _:
        for path in paths:
            for command in ("rate", "rescan", "purge"):
                told = answers(make_config(folder), {"command": command, "folder": str(path)})
                assert [answer.get("exit_code") for answer in told] == [2], (command, path, told)


@pytest.mark.parametrize(
    ("owner", "mode", "chosen"),
    [
        pytest.param(NOBODY, 0o1777, "ours", id="a stranger's, in /tmp"),
        pytest.param(0, 0o1777, ".", id="ours, in /tmp"),
        pytest.param(NOBODY, 0o755, ".", id="the service's, where nobody else may write"),
    ],
)
def test_a_directory_above_is_taken_for_an_archive_unless_a_stranger_made_it_one(
    public_place: Path, owner: int, mode: int, chosen: str
) -> None:
    if os.getuid() != 0:
        need("root, to give a directory away")
    public_place.chmod(mode)
    (public_place / "ours").mkdir()
    (public_place / ".photod").mkdir()
    os.chown(public_place / ".photod", owner, owner)
    (folder,), _ = choose_folders(Config(), public_place / "ours")
    assert folder.path == public_place / chosen
    (public_place / ".photod/photos.db").touch()
    found = find_archive(str(public_place / "ours"), Config())
    assert (found is not None) == (chosen == "."), "the client goes by the same rule"
    configured = Config(folders=(Folder(path=public_place),))
    (folder,), _ = choose_folders(configured, public_place / "ours")
    assert folder.path == public_place, "as the user says"
    assert find_archive(str(public_place / "ours"), configured) is not None


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_name_cannot_forge_a_log_line_or_speak_to_a_terminal(form: str) -> None:
    program = f"""
from photod.logs import configure_logs, get_logger
import logging
configure_logs("debug", {form!r})
name = {FORGED!r}
get_logger("test").warning("seen", path=name, paths=[name], error=OSError(name))
logging.getLogger("library").warning("about %s", name)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.count("\n") == 2, done.stderr
    assert all(line.isprintable() for line in done.stderr.splitlines()), done.stderr


def test_a_name_cannot_forge_the_last_words(folder: Path, tmp_path: Path) -> None:
    hostile = folder / "line\nphotod: forged\x1b[2J"
    (hostile / ".photod").mkdir(parents=True)
    (hostile / ".photod/photos.db").write_bytes(b"nonsense" * 1000)
    command = [sys.executable, "-m", "photod", "run", "--once", str(hostile)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 74
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("name", ["../outside/private.png", "{outside}/private.png", "a/../../outside/private.png"])
def test_no_path_in_a_database_leaves_its_folder(folder: Path, tmp_path: Path, name: str) -> None:
    make_photo(tmp_path / "outside/private.png")
    (tmp_path / "outside/notes.txt").write_text("private")
    make_photo(folder / "a.png")
    score_once(folder, FakeScorer())
    database, path = folder / ".photod/photos.db", name.format(outside=tmp_path / "outside")
    with closing(sqlite3.connect(database)) as stranger, stranger:
        stranger.execute("UPDATE photo SET path = ?, directory = ?", (path, os.path.dirname(path)))
    for command in ([], ["--copy", tmp_path / "best"], ["--paths"]):
        done = photod_ctl("top", folder, *command)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (74, "", 1), done.stderr
        assert f"database {database}: it names '{path}', which is no path inside its folder" in done.stderr
    assert photod_ctl("export", "--xmp", folder).returncode == 74
    with pytest.raises(DatabaseError, match="no path inside its folder"):
        score_once(folder, scorer := FakeScorer())
    assert scorer.photos <= 1, "nothing but what is in the folder"
    assert sorted(os.listdir(tmp_path / "outside")) == ["notes.txt", "private.png"]
    assert not (tmp_path / "best").exists()


def test_a_strange_name_beside_true_ones_is_not_looked_for(folder: Path, tmp_path: Path) -> None:
    """Where its directory is that of others, it is only compared with what is listed there."""
    make_photo(folder / "a.png")
    score_once(folder, FakeScorer())
    make_photo(tmp_path / "private.png")
    with closing(sqlite3.connect(folder / ".photod/photos.db")) as stranger, stranger:
        stranger.execute("UPDATE photo SET path = '../private.png'")
    (folder / "a.png").rename(folder / "b.png")
    score_once(folder, scorer := FakeScorer())
    assert scorer.photos == 0, "the bytes are known"
    writer = Writer(folder / ".photod/photos.db")
    with closing(writer), pytest.raises(DatabaseError, match="no path inside its folder"):
        writer.purge(str(folder))
