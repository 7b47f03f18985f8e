"""Who scores: a running daemon, or a process of our own. Both tell their progress in the same language."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, Any, cast

from photod.config import Config
from photod.errors import EXIT_BUG
from photod.processes import describe_exit
from photod.wire import Progress
from photod_ctl.client import DaemonError, answers, ask, connect


def daemon_has(folder: str | None, config: Config) -> bool:
    """Whether a daemon runs that watches this real path, or one above it; None: whatever it watches."""
    status = ask(config, {"command": "status"})
    if status is None or folder is None:
        return status is not None
    return any(os.path.commonpath([folder, known["path"]]) == known["path"] for known in status["folders"])


def follow_daemon(folder: str, config: Config, retry: bool = False) -> Iterator[Progress]:
    """Have the daemon score a folder, and yield its progress; with `retry`, what failed earlier too.

    Raises DaemonError.
    """
    connection = connect(config)
    if connection is None:
        raise DaemonError("photod has just stopped; try again")
    with connection:
        yield from _progress(connection, folder, retry)


class OwnProcess:
    """`photod run --once FOLDER` as a child that ends when we do, with its last words kept.

    It commits what it has and ends when its socket closes, so no way of ending us loses work.
    """

    def __init__(self, folder: str, config_file: Path | None) -> None:
        self._folder = folder
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._socket, theirs = socket.socketpair()
        # -P: a folder of photos must not be a place to import from.
        command = [sys.executable, "-P", "-m", "photod", "run", "--once", folder]
        command += ["--control-fd", str(theirs.fileno())]
        if config_file:
            command += ["--config", str(config_file)]
        with theirs:
            # A session of its own, so that Ctrl-C reaches it through us alone.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
                pass_fds=[theirs.fileno()], start_new_session=True,
            )  # fmt: skip

    def follow(self, retry: bool = False) -> Iterator[Progress]:
        """Yield the progress; with `retry`, what failed earlier is tried, too.

        Raises DaemonError with the child's own last words.
        """
        with self._until_its_end():
            yield from _progress(self._socket, self._folder, retry)

    def purge(self) -> int:
        """Have it drop what it remembers of missing photos; returns how many.

        Raises DaemonError with the child's own last words.
        """
        with self._until_its_end():
            answer = next(answers(self._socket, {"command": "purge", "folder": self._folder}))
        return int(answer["purged"])

    def stop(self) -> None:
        """Tell it to commit and end; a second time, to end at once."""
        self._process.terminate()

    def close(self) -> None:
        """Wait for its end, which a closed socket brings about."""
        self._socket.close()
        self._process.wait()
        self._log.close()

    @contextmanager
    def _until_its_end(self) -> Iterator[None]:
        """Around what it is asked for: afterwards it commits and ends."""
        try:
            yield
        except DaemonError as error:
            raise self._failure(error) from None
        finally:
            self._socket.close()
        if self._process.wait():
            raise self._failure(DaemonError("the scoring process failed"))

    def _failure(self, otherwise: DaemonError) -> DaemonError:
        code = self._process.wait()
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        told = [line.removeprefix("photod: ") for line in lines if line.startswith("photod: ")]
        if told and code > 0:
            return DaemonError(told[-1], code)
        if code < 0:
            return DaemonError(f"the scoring process {describe_exit(code)}; start again")
        if lines and code:
            return DaemonError(f"the scoring process failed: {lines[-1]}; photod run --once shows all", EXIT_BUG)
        return otherwise


@contextmanager
def interrupts(call: Any) -> Iterator[None]:
    """While inside, Ctrl-C calls `call` instead of raising KeyboardInterrupt."""

    def handle(_: int, __: FrameType | None) -> None:
        call()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _progress(connection: socket.socket, folder: str, retry: bool) -> Iterator[Progress]:
    request = {"command": "rate", "folder": folder} | ({"retry": True} if retry else {})
    # No time limit: loading a model may take minutes, and a process that ends closes its side.
    connection.settimeout(None)
    for answer in answers(connection, request):
        yield cast("Progress", answer.get("progress") or {})
        if answer.get("done"):
            return
