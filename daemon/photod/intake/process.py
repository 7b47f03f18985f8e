"""The parent's side of one worker process: start, ask, end."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import BinaryIO

from photod.config import Intake
from photod.errors import DecoderKilledError
from photod.intake import protocol
from photod.intake.words import one_line
from photod.photos import InputSpec
from photod.processes import describe_exit, resident_bytes

_START_TIMEOUT_S = 60.0  # a busy machine with a cold disk
_MOST_TASKS = 2000  # then a fresh process: libraries leak
_MOST_GROWTH = 256 << 20  # bytes of resident memory since the start that earn a fresh process too
_KEPT_ENVIRONMENT = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")
_DYING_S = 5.0  # that a process may take from closing its socket to its end
_LAST_WORDS = 2000  # characters


class LostError(Exception):
    """The worker was gone before it took the photo."""


class WorkerProcess:
    """One process of `worker`. Used by one thread; `end()` may be called from any."""

    def __init__(self, limits: Intake, spec: InputSpec) -> None:
        self._limits = limits
        self._reply_size = spec.size * spec.size * 3
        self._open = ExitStack()
        self._stderr = self._open.enter_context(_open_stderr())
        self._wire, theirs = socket.socketpair()
        self._open.enter_context(self._wire)
        with theirs:
            self._process = _start(_arguments(limits, spec), theirs, self._stderr)
        self._ready = False
        self._tasks = 0
        self._resident = 0  # bytes, when it was ready

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def wait_until_ready(self) -> None:
        """Wait until the worker has shut itself in.

        Raises RuntimeError with its last words if it does not, DecoderKilledError if it was killed from outside.
        """
        if self._ready:
            return
        self._wire.settimeout(_START_TIMEOUT_S)
        try:
            protocol.expect(self._wire, protocol.HELLO)
        except (EOFError, OSError, ValueError) as error:
            if self.was_killed():
                raise DecoderKilledError(f"the decoder {self.fate()}") from error
            raise RuntimeError(f"a decoder process {self.fate()} at its start") from error
        self._resident = resident_bytes(self.pid)
        self._ready = True

    def ask(self, descriptor: int, size: int) -> tuple[int, object, bytes]:
        """Have a photo decoded: kind, value and pixels of the answer.

        Raises LostError if the worker had not taken the photo, TimeoutError, and EOFError or OSError if it died.
        """
        deadline = time.monotonic() + self._limits.decode_timeout_s
        self._tasks += 1
        self._stderr.truncate(0)
        try:
            self._wire.settimeout(_START_TIMEOUT_S)
            socket.send_fds(self._wire, [protocol.TASK.pack(size)], [descriptor])
            protocol.expect(self._wire, protocol.STARTED)
        except (EOFError, OSError) as error:
            raise LostError from error
        self._wire.settimeout(max(0.001, deadline - time.monotonic()))
        return protocol.receive_answer(self._wire, self._reply_size)

    def is_worn(self) -> bool:
        """Whether a fresh process would be better."""
        return self._tasks >= _MOST_TASKS or resident_bytes(self.pid) > self._resident + _MOST_GROWTH

    def end(self) -> None:
        """Kill the process and wait for its end; whoever waits for its answer is woken."""
        self._process.kill()
        self._process.wait()

    def was_killed(self) -> bool:
        """Whether it was ended by SIGKILL, which only `end()` sends here: the limits of the sandbox send others.

        To be asked before `fate()`.
        """
        try:
            return self._process.wait(_DYING_S) == -signal.SIGKILL
        except subprocess.TimeoutExpired:
            return False

    def fate(self) -> str:
        """How the process ended, in words, and what it said before. One that went silent is still to be ended."""
        try:
            code = self._process.wait(_DYING_S)
        except subprocess.TimeoutExpired:
            return "stopped answering"
        said = self._last_words()
        return f"{describe_exit(code)}: {said}" if said else describe_exit(code)

    def _last_words(self) -> str:
        self._stderr.seek(0)
        lines = self._stderr.read().decode("utf-8", "replace").split("\n")
        return " | ".join(words for line in lines if (words := one_line(line)))[-_LAST_WORDS:]

    def __del__(self) -> None:
        self._open.close()  # not in end(): another thread may still be waiting on the wire then


def sandbox_report() -> list[str]:
    """Which walls around the decoder this machine cannot build, in words; empty if all stand."""
    command = _command([*_arguments(Intake(), InputSpec()), "--report"])
    answer = subprocess.run(
        command,
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env=_environment(),
        timeout=_START_TIMEOUT_S,
    )
    return [str(line) for line in json.loads(answer.stdout)]


def _open_stderr() -> BinaryIO:
    """A file in memory. Appending, so that it can be emptied from this side."""
    memory = os.memfd_create("decoder-stderr", os.MFD_CLOEXEC)
    fcntl.fcntl(memory, fcntl.F_SETFL, os.O_APPEND)
    return os.fdopen(memory, "rb+", buffering=0)


def _start(arguments: list[str], stdin: socket.socket, stderr: BinaryIO) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            _command(arguments),
            stdin=stdin.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=_environment(),
            process_group=0,  # Ctrl-C on the terminal is for the daemon
        )
    except OSError as error:
        raise RuntimeError(f"a decoder process cannot be started: {error}") from error


def _command(arguments: list[str]) -> list[str]:
    # -P: a folder of photos must not be a place to import from.
    return [sys.executable, "-P", "-m", "photod.intake.worker", *arguments]


def _arguments(limits: Intake, spec: InputSpec) -> list[str]:
    options = {
        "--size": spec.size,
        "--resize": spec.resize,
        "--decode-sides": spec.decode_sides,
        "--max-pixels": limits.max_megapixels * 1_000_000,
        "--memory-mb": limits.decoder_memory_mb,
        "--cpu-s": 4 * limits.decode_timeout_s,
    }
    return [str(part) for option in options.items() for part in option]


def _environment() -> dict[str, str]:
    """What the worker needs to know; no secrets. One thread each: photos are decoded side by side already."""
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    return {**kept, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
