"""The daemon's socket: one request line, then one answer, or a stream of them. JSON, a line each."""

import json
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from photod.config import Config
from photod.errors import EXIT_BUG, EXIT_BUSY, PhotodError, UsageError

ANSWER_TIMEOUT_S = 10.0  # a daemon answers at once and tells of its progress several times a second


class DaemonError(PhotodError):
    """The daemon refused, or stopped answering."""

    def __init__(self, problem: str, exit_code: int = EXIT_BUG) -> None:
        super().__init__(problem)
        self.exit_code = exit_code


def connect(config: Config) -> socket.socket | None:
    """A connection to the daemon, or None where none runs. Raises DaemonError where too many wait for it."""
    for path in _sockets(config):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(ANSWER_TIMEOUT_S)
        try:
            connection.connect(str(path))
        except BlockingIOError:
            connection.close()
            problem = "too many wait for photod to answer; try again, or look at its log"
            raise DaemonError(problem, EXIT_BUSY) from None
        except OSError:  # no such socket, or left behind by a daemon that is gone
            connection.close()
        else:
            return connection
    return None


def refusal(config: Config) -> str | None:
    """Who may speak to a daemon whose socket is closed to this user, in words; None where none is.

    Whether one runs there, or one that was killed left the socket or its directory behind, only others can see.
    """
    for path in _sockets(config):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(ANSWER_TIMEOUT_S)
            try:
                probe.connect(str(path))
            except PermissionError:
                return _closed(path)
            except OSError:
                continue
    return None


def _closed(path: Path) -> str:
    import grp
    import pwd

    try:
        door, opens_to_group = _door(path)
        user, group = pwd.getpwuid(door.st_uid).pw_name, grp.getgrgid(door.st_gid).gr_name
        me = pwd.getpwuid(os.getuid()).pw_name
    except (OSError, KeyError):
        return f"if it runs, {path} is closed to you"
    if opens_to_group and group == "photod":  # made for that; to be in somebody's own group would mean more
        entry = f"sudo usermod -aG photod {me} puts you in at the next login"
        return f"if it runs, it answers to the group photod; {entry}"
    people = dict.fromkeys((user, "root"))
    named = f"{', '.join(people)} and the group {group}" if opens_to_group else " and ".join(people)
    return f"if it runs, it answers only to {named}"


def _door(path: Path) -> tuple[os.stat_result, bool]:
    """What keeps others out, and whether it lets its group in: the socket, or the directory before it."""
    try:
        door = path.stat()
        return door, bool(door.st_mode & stat.S_IWGRP)
    except PermissionError:
        door = path.parent.stat()
        return door, bool(door.st_mode & stat.S_IXGRP)


def ask(config: Config, request: dict[str, Any], *, may_take_long: bool = False) -> dict[str, Any] | None:
    """The daemon's answer, or None where none runs. Raises DaemonError."""
    connection = connect(config)
    if connection is None:
        return None
    with connection:
        if may_take_long:
            connection.settimeout(None)
        return next(answers(connection, request))


def tell(
    config: Config, request: dict[str, Any], instead: str = "", *, may_take_long: bool = False
) -> dict[str, Any]:
    """Have the daemon do something; its answer. Raises DaemonError, and UsageError where none runs.

    `instead`: what else can be done then, in words.
    """
    answer = ask(config, request, may_take_long=may_take_long)
    if answer is None:
        if closed := refusal(config):
            raise UsageError("photod does not listen to you", closed)
        raise UsageError("photod is not running", f"start it, or {instead}" if instead else "start it")
    return answer


def answers(connection: socket.socket, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Send a request and yield the answers until the daemon closes. Raises DaemonError."""
    try:
        connection.sendall(json.dumps(request).encode() + b"\n")
        with connection.makefile("rb") as lines:
            count = 0
            for count, line in enumerate(lines, 1):  # noqa: B007 - the count is looked at after the loop
                yield _checked(line)
    except TimeoutError:
        problem = "photod does not answer; it may still be starting, else look at its log"
        raise DaemonError(problem, EXIT_BUSY) from None
    except OSError as error:
        problem = f"the connection to photod broke: {error.strerror or error}; look at its log"
        raise DaemonError(problem, EXIT_BUSY) from error
    if not count:
        raise DaemonError("photod closed the connection without an answer; look at its log", EXIT_BUSY)


def _checked(line: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(line)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise DaemonError("what listens on the control socket does not speak photod's language")
    if "error" in answer:
        raise DaemonError(answer["error"], answer["exit_code"])
    return answer


def _sockets(config: Config) -> list[Path]:
    places = [config.control.path]
    if not config.control.socket:
        places.append(Path("/run/photod/control.sock"))
    return list(dict.fromkeys(places))
