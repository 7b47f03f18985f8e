"""What a running daemon is asked for, by the real commands: `rescan`, `pause`, `failed --retry`, `status`."""

import calendar
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from other_program import opened
from photod.config import Config, Control
from photod_ctl.client import DaemonError, ask
from programs import FAKED
from waiting import wait_until

Ctl = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def daemon(environment: dict[str, str], tmp_path: Path) -> Iterator[Path]:
    """A real daemon over a folder with one photo and one broken file; its configuration."""
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.radial_gradient("L").save(folder / "good.png")
    (folder / "broken.jpg").write_bytes(b"no picture")
    config = tmp_path / "config.toml"
    config.write_text(f"folders = ['{folder}']\n[watch]\nsettle_s = 0.1\n[intake]\ndecoders = 1\n")
    process = subprocess.Popen([*FAKED, "run", "--config", str(config)], env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _look(environment) == (1, 1, 0))
        yield config
    finally:
        process.terminate()
        process.wait()


def _look(environment: dict[str, str]) -> tuple[int, int, int] | None:
    """How many photos are scored, unscoreable, missing; None: no daemon answers."""
    try:
        socket = Path(environment["XDG_RUNTIME_DIR"], "photod/control.sock")
        status = ask(Config(control=Control(socket=str(socket))), {"command": "status"})
    except DaemonError:
        return None
    return None if status is None else itemgetter("scored", "unscoreable", "missing")(status["folders"][0])


def _status(ctl: Ctl, config: Path) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(ctl("status", "--json", "--config", config).stdout)
    return answer


def test_a_running_daemon_is_asked_and_tells(
    ctl: Ctl, daemon: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    text = ctl("status", "--config", daemon).stdout
    assert "running since" in text
    assert str(tmp_path / "photos") in text
    assert re.search(r"memory  [1-9][\d,]+ MB", text)
    (error,) = _status(ctl, daemon)["last_errors"]
    assert error["path"] == str(tmp_path / "photos/broken.jpg")
    assert abs(error["at"] - time.time()) < 600
    assert error["reason"] in text

    told = ctl("pause", "--for", "2h", "--config", daemon).stdout
    until = time.strptime(told, "photod rests until %Y-%m-%d %H:%M\n")
    assert 7000 < calendar.timegm(until) - time.time() <= 7200
    assert _status(ctl, daemon)["paused"] is True
    assert ", paused" in ctl("status", "--config", daemon).stdout
    assert ctl("resume", "--config", daemon).stdout == "photod goes on\n"
    assert _status(ctl, daemon)["paused"] is False

    assert ctl("rescan", "--config", daemon).stdout == "photod compares all folders\n"
    assert ctl("rescan", "photos", "--config", daemon).stdout == "photod compares the folder\n"

    with opened(tmp_path / "photos/.photod/photos.db") as database:
        database.execute("UPDATE photo SET reason = 'of old' WHERE state = 'unscoreable'")
    assert json.loads(ctl("failed", "--json", "--config", daemon).stdout)[0]["reason"] == "of old"
    retried = json.loads(ctl("failed", "--retry", "--json", "--config", daemon).stdout)
    assert [(Path(f["path"]).name, f["reason"] != "of old") for f in retried] == [("broken.jpg", True)]

    (tmp_path / "photos/broken.jpg").unlink()
    wait_until(lambda: _look(environment) == (1, 0, 1))
    assert ctl("purge", "--config", daemon).stdout == "dropped 1 missing photo of all folders\n"
    assert _look(environment) == (1, 0, 0)
    assert ctl("purge", "photos", "--config", daemon).stdout == f"dropped no photo of {tmp_path}/photos\n"

    released = ctl("release", "photos", "--config", daemon).stdout
    assert released == f"photod lets go of {tmp_path / 'photos'} until it was unmounted\n"
    ctl("rescan", "photos", "--config", daemon)
    wait_until(lambda: _status(ctl, daemon)["folders"][0]["state"] == "idle")

    assert "photod_up 1" in ctl("status", "--prometheus", "--config", daemon).stdout.splitlines()

    followed = json.loads(ctl("rate", "photos", "--json", "--config", daemon).stdout)
    assert (followed["phase"], followed["unchanged"], followed["interrupted"]) == ("done", 1, False)


def test_a_daemon_that_is_killed_while_it_is_followed_is_an_interruption(
    ctl: Ctl, daemon: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    ctl("pause", "--config", daemon)
    Image.new("L", (64, 64)).save(tmp_path / "photos/new.png")
    command = [sys.executable, "-m", "photod_ctl", "rate", str(tmp_path / "photos"), "--config", str(daemon)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "photod is paused; photod-ctl resume continues\n"
        os.kill(_status(ctl, daemon)["pid"], signal.SIGKILL)
        told, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "photos goes on from here\n" in told


def test_an_empty_length_of_time_is_no_pause_without_end(ctl: Ctl) -> None:
    run = ctl("pause", "--for", "")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == "photod-ctl: --for '' is not a length of time; write 45m, 2h or 1h30m\n"


def test_a_daemon_for_which_too_many_wait_is_not_taken_for_none(ctl: Ctl, environment: dict[str, str]) -> None:
    path = Path(environment["XDG_RUNTIME_DIR"], "photod/control.sock")
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as waiting:
        listener.bind(str(path))
        listener.listen(0)
        waiting.connect(str(path))
        run = ctl("rescan")
    assert (run.returncode, run.stdout, run.stderr.count("\n")) == (75, "", 1)
    assert "too many wait for photod" in run.stderr


def test_a_daemon_that_does_not_answer_is_busy_and_no_bug(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photod_ctl.client.ANSWER_TIMEOUT_S", 0.1)
    path = Path(environment["XDG_RUNTIME_DIR"], "photod/control.sock")
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(1)
        with pytest.raises(DaemonError, match="does not answer") as caught:
            ask(Config(control=Control(socket=str(path))), {"command": "status"})
    assert caught.value.exit_code == 75


def test_where_a_socket_is_configured_no_other_daemon_is_asked(ctl: Ctl, daemon: Path, tmp_path: Path) -> None:
    (config := tmp_path / "other.toml").write_text(f"[control]\nsocket = '{tmp_path}/other.sock'\n")
    run = ctl("pause", "--config", config)
    assert (run.returncode, run.stderr) == (2, "photod-ctl: photod is not running; start it\n")
    assert _status(ctl, daemon)["paused"] is False


@pytest.mark.parametrize(
    ("reads", "answer", "words", "code"),
    [
        (True, b"", "closed the connection without an answer; look at its log", 75),
        (False, b"", "broke: .*; look at its log", 75),
        (True, b"HTTP/1.1 400 Bad Request\r\n", "does not speak photod's language", 70),
        (True, b"[]\n", "does not speak photod's language", 70),
    ],
)
def test_a_daemon_that_ends_before_it_answers_is_told_from_a_stranger(
    tmp_path: Path, reads: bool, answer: bytes, words: str, code: int
) -> None:
    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            select.select([connection], [], [])
            if reads:  # what is left unread, the kernel tells the other side
                connection.recv(1 << 10)
            connection.sendall(answer)

    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as listener, ThreadPoolExecutor() as pool:
        listener.bind(str(path))
        listener.listen()
        pool.submit(serve, listener)
        with pytest.raises(DaemonError, match=words) as caught:
            ask(Config(control=Control(socket=str(path))), {"command": "status"})
    assert caught.value.exit_code == code


@pytest.mark.parametrize("command", ["rescan", "purge"])
def test_an_empty_name_does_not_mean_all_folders(ctl: Ctl, command: str) -> None:
    run = ctl(command, "")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == "photod-ctl: '' is not a folder; name a folder of photos\n"


@pytest.mark.parametrize("command", ["rescan", "pause", "resume"])
def test_without_a_daemon_it_says_what_to_do(ctl: Ctl, command: str) -> None:
    run = ctl(command)
    assert (run.returncode, run.stdout, run.stderr.count("\n")) == (2, "", 1)
    assert "photod is not running; start it" in run.stderr
