"""A control socket that is closed to a user: what the client says of it, and the daemon does about it."""

import grp  # loaded here: another user may not read it  # noqa: F401
import os
import pwd
import socket
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from machine import need
from photod.config import Config, Control
from photod.control import ControlServer
from photod.threads import Crew
from photod_ctl.client import refusal
from photod_ctl.status import _answer
from waiting import PATIENCE_S

NOBODY = pwd.getpwnam("nobody")


@contextmanager
def as_nobody() -> Iterator[None]:
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(NOBODY.pw_gid)
    os.seteuid(NOBODY.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


@pytest.fixture
def config(public_place: Path) -> Config:
    if os.getuid() != 0:
        need("root, to become another user")
    (public_place / "photod").mkdir()
    return Config(control=Control(socket=str(public_place / "photod/control.sock")))


@pytest.mark.parametrize(
    ("mode", "answers_to"),
    [(0o700, "root"), (0o750, "root and the group root"), (0o755, None)],
)
def test_a_directory_that_was_left_behind_is_no_daemon_that_runs(
    config: Config, mode: int, answers_to: str | None
) -> None:
    config.control.path.parent.chmod(mode)
    with as_nobody():
        status = _answer(config)
    assert status["running"] is False
    assert status["refused"] == (answers_to and f"if it runs, it answers only to {answers_to}")


@pytest.mark.parametrize(
    ("mode", "answers_to"), [(0o600, "daemon and root"), (0o660, "daemon, root and the group daemon")]
)
def test_a_socket_says_itself_to_whom_it_is_open(config: Config, mode: int, answers_to: str) -> None:
    config.control.path.parent.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(config.control.path))
        config.control.path.chmod(mode)
        other = pwd.getpwnam("daemon")
        os.chown(config.control.path, other.pw_uid, other.pw_gid)
        with as_nobody():
            assert refusal(config) == f"if it runs, it answers only to {answers_to}"


def test_who_is_neither_the_daemons_user_nor_root_is_not_answered(config: Config) -> None:
    """Though somebody gave the socket another mode."""
    answers: Any = SimpleNamespace(status=lambda: {"running": True})
    server = ControlServer(config.control.path, Crew(on_failure=lambda: None))
    server.start(answers)
    config.control.path.chmod(0o666)
    config.control.path.parent.chmod(0o755)
    told = []
    for user in (nullcontext(), as_nobody()):
        with socket.socket(socket.AF_UNIX) as connection:
            with user:
                connection.connect(str(config.control.path))
            connection.settimeout(PATIENCE_S)
            with suppress(OSError):  # it may be closed by now
                connection.sendall(b'{"command": "status"}\n')
                connection.shutdown(socket.SHUT_WR)
            with suppress(ConnectionResetError):
                told.append(connection.recv(100))
    server.stop()
    assert told in ([b'{"running": true}\n'], [b'{"running": true}\n', b""])
