"""The local socket: lines of JSON. Each request, one after the other, is answered by an object or a stream of them.

    {"command": "status"}                     -> one object
    {"command": "rate", "folder": "/..."}     -> {"progress": {...}} until one has "done": true; with "retry": true,
                                                 the unscoreable photos in it are tried again
    {"command": "rescan", "folder": "/..."}   -> {"ok": true}; without a folder: all
    {"command": "purge", "folder": "/..."}    -> {"ok": true, "purged": n}; drops the rows of its missing photos
    {"command": "pause", "seconds": null}     -> {"ok": true}
    {"command": "resume"}                     -> {"ok": true, "resting": "quiet hours until 07:00"}, or ""

An error is {"error": "one line", "exit_code": n}. Names that are not UTF-8 are surrogate-escaped.
"""

import errno
import json
import os
import socket
import stat
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from photod.answers import Answers
from photod.errors import BusyError, ConfigError, DatabaseError, PhotodError, UsageError
from photod.files import is_gone
from photod.logs import get_logger
from photod.threads import Crew
from photod.wire import Progress

REQUEST_BYTES = 64 << 10
BACKLOG = 16
ADDRESS_BYTES = 108  # of a unix socket's path and the NUL after it: sun_path
MOST_CLIENTS = 64  # at once: each takes a thread and a descriptor
SILENCE_S = 60.0  # a client that asks nothing, or takes no answer, for so long is let go
ROOM_LOOK_S = 1.0  # between two looks whether there are descriptors again
# What accept says of this moment or of a client, not of the socket.
_PASSING = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ECONNABORTED)

log = get_logger(__name__)


class ControlServer:
    """Listens on a unix socket that is private to its user, or open to a group as well.

    The kernel asks for write access to the socket when somebody connects, so its mode is the check. It is the only
    one for a group: in a user namespace (PrivateUsers=) all other users look the same.
    """

    def __init__(self, path: Path, crew: Crew, *, group: bool = False) -> None:
        self.path = path
        self._crew = crew
        self._group = group
        self._stopping = threading.Event()
        self._room = threading.Semaphore(MOST_CLIENTS)
        self._made_directory = not path.parent.exists()
        self._listener = _listen(path, 0o660 if group else 0o600)

    def start(self, answers: Answers) -> None:
        """Answer from now on, each connection in a thread of its own."""
        self._crew.start("control", lambda: self._accept(answers))

    def stop(self) -> None:
        """Stop listening, and take away the socket and the directory that was made for it."""
        self._stopping.set()
        self.path.unlink(missing_ok=True)
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        if self._made_directory:
            with suppress(OSError):  # others have put something there
                self.path.parent.rmdir()

    def _accept(self, answers: Answers) -> None:
        told = False
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError as error:
                if self._stopping.is_set():
                    return
                if error.errno not in _PASSING:
                    raise
                if not told:
                    log.warning("not_accepted", reason=error.strerror, note="clients wait until that is over")
                    told = True
                self._stopping.wait(ROOM_LOOK_S)
                continue
            told = False
            if self._room.acquire(blocking=False):
                self._crew.start("control-client", partial(self._serve, connection, answers))
            else:
                _turn_away(connection)

    def _serve(self, connection: socket.socket, answers: Answers) -> None:
        try:
            with connection:
                if self._group or _peer(connection) in (os.getuid(), 0):
                    connection.settimeout(SILENCE_S)
                    answer(connection, answers)
        finally:
            self._room.release()


def answer(connection: socket.socket, answers: Answers) -> None:
    """Answer the requests that come on a connection until its other side closes it."""
    try:
        with connection.makefile("rb") as requests:
            while line := requests.readline(REQUEST_BYTES):
                for reply in _replies(line, answers):
                    connection.sendall(_line(reply))
    except (ConnectionError, TimeoutError):
        pass  # the client has gone, or sleeps


def _turn_away(connection: socket.socket) -> None:
    error = BusyError(f"photod answers {MOST_CLIENTS} clients already", "try again when some have ended")
    with connection, suppress(OSError):
        connection.sendall(_line(_told(error)))


def _line(reply: Mapping[str, object]) -> bytes:
    return json.dumps(reply).encode() + b"\n"


def _told(error: PhotodError) -> dict[str, object]:
    return {"error": str(error), "exit_code": error.exit_code}


def _replies(line: bytes, answers: Answers) -> Iterator[Mapping[str, object]]:
    try:
        yield from _perform(_parse(line), answers)
    except PhotodError as error:
        yield _told(error)
        if isinstance(error, DatabaseError):  # whoever noticed it: the daemon ends
            raise


def _parse(line: bytes) -> dict[str, object]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        request = None
    if not isinstance(request, dict):
        raise UsageError("the request is not a JSON object")
    return request


def _perform(request: Mapping[str, object], answers: Answers) -> Iterator[Mapping[str, object]]:
    folder = _folder(request.get("folder"))
    match request.get("command"):
        case "status":
            yield answers.status()
        case "rate" if folder is not None:
            last: Progress = {}
            for last in answers.rate(folder, retry=request.get("retry") is True):
                yield {"progress": last}
            yield {"progress": last, "done": True}
        case "rescan":
            answers.rescan(folder)
            yield {"ok": True}
        case "purge":
            yield {"ok": True, "purged": answers.purge(folder)}
        case "release" if folder is not None:
            yield {"ok": True, "folders": answers.release(folder)}
        case "pause":
            answers.rest.pause(_seconds(request.get("seconds")))
            yield {"ok": True}
        case "resume":
            answers.rest.resume()
            yield {"ok": True, "resting": answers.rest.scheduled}
        case "rate" | "release":
            raise UsageError("the request names no folder")
        case str(unknown):
            raise UsageError(f"unknown request {unknown!r}")
        case _:
            raise UsageError("the request names no command")


def _folder(named: object) -> str | None:
    if named is None:
        return None
    try:
        if isinstance(named, str) and b"\0" not in os.fsencode(named):
            return named
    except UnicodeEncodeError:  # surrogates that escape no byte
        pass
    raise UsageError("the folder is not a path")


def _seconds(named: object) -> float | None:
    if named is None:
        return None
    if isinstance(named, int | float) and 0 < named <= threading.TIMEOUT_MAX:  # NaN is not
        return float(named)
    most = int(threading.TIMEOUT_MAX)
    raise UsageError("that is not a valid duration", f"name seconds above 0 and up to {most}, or none")


def _listen(path: Path, mode: int) -> socket.socket:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_way(path)
        with ExitStack() as failing:
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
            failing.callback(listener.close)
            mask = os.umask(0o777 & ~mode)
            try:
                listener.bind(str(path))
            finally:
                os.umask(mask)
            listener.listen(BACKLOG)
            failing.pop_all()
    except OSError as error:
        raise _cannot_listen(path, error.strerror or error) from error
    return listener


def why_unusable(path: Path) -> ConfigError | None:
    """Why no daemon can listen there, as far as can be told without making anything. That one does is no fault."""
    if len(os.fsencode(path)) >= ADDRESS_BYTES:
        return _cannot_listen(path, "AF_UNIX path too long")
    try:
        _is_taken(path)
    except ConfigError as error:
        return error
    except OSError as error:
        return _cannot_listen(path, error.strerror)
    there = next(place for place in path.absolute().parents if not is_gone(str(place)))
    if not os.path.isdir(there):
        return _cannot_listen(path, f"{there} is not a directory")
    if not os.access(there, os.W_OK | os.X_OK):
        return _cannot_listen(path, f"{there} cannot be written to")
    return None


def _cannot_listen(path: Path, reason: object) -> ConfigError:
    return ConfigError(f"cannot listen on {path}: {reason}", "set control.socket to a path of yours")


def _make_way(path: Path) -> None:
    """Take away a socket that a daemon left behind which was killed, and nothing else."""
    if _is_taken(path):
        _refuse_if_answered(path)
        path.unlink(missing_ok=True)


def _is_taken(path: Path) -> bool:
    """Whether a socket is there. Raises ConfigError for anything else, OSError."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    if not stat.S_ISSOCK(found.st_mode):
        raise ConfigError(f"what lies at {path} is no socket", "set control.socket to a path of its own")
    return True


def _refuse_if_answered(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return
        except (TimeoutError, BlockingIOError):
            pass  # somebody listens, and is busy
        raise BusyError(f"another photod listens on {path}", "end it, or give this one its own control.socket")


def _peer(connection: socket.socket) -> int:
    """The user at the other end."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])
