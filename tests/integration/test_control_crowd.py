"""The control socket when there is no room: for descriptors, for clients, for those who say nothing."""

import json
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from unittest.mock import Mock

import pytest

from photod import control
from photod.control import ControlServer
from photod.threads import Crew
from waiting import wait_until


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ControlServer]:
    """One that answers a status request with an empty object."""
    crew = Crew(on_failure=lambda: None)
    server = ControlServer(tmp_path / "control.sock", crew)
    server.start(Mock(status=Mock(return_value={})))
    yield server
    server.stop()
    assert crew.failure is None


def connected(server: ControlServer) -> "closing[socket.socket]":
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(server.path))  # with a timeout, a full backlog would be an error
    connection.settimeout(30)
    return closing(connection)


def status(connection: socket.socket) -> dict[str, object]:
    connection.sendall(b'{"command": "status"}\n')
    answer: dict[str, object] = json.loads(connection.makefile().readline())
    return answer


@contextmanager
def no_more_descriptors() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_who_comes_when_there_are_no_descriptors_is_answered_when_there_are(
    server: ControlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "ROOM_LOOK_S", 0.05)
    told: list[str] = []
    monkeypatch.setattr(control, "log", Mock(warning=lambda event, **_: told.append(event)))
    with closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.settimeout(30)
        with no_more_descriptors():
            connection.connect(str(server.path))
            wait_until(lambda: bool(told))
        assert status(connection) == {}
        with connected(server) as later:
            assert status(later) == {}
    assert told == ["not_accepted"]


def test_a_client_too_many_is_told_so_and_finds_room_when_another_has_gone(server: ControlServer) -> None:
    with ExitStack() as stack:
        first, *_ = [stack.enter_context(connected(server)) for _ in range(control.MOST_CLIENTS)]
        assert status(first) == {}
        with connected(server) as one_more:
            assert json.loads(one_more.makefile().readline())["exit_code"] == 75
        first.close()

        def finds_room() -> bool:
            with connected(server) as another, suppress(BrokenPipeError):  # turned away before it asked
                return not status(another)
            return False

        wait_until(finds_room)


def test_a_client_that_says_nothing_is_let_go(server: ControlServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "SILENCE_S", 0.1)
    with connected(server) as silent:
        assert silent.recv(1) == b""
