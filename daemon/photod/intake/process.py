"""The parent's side of one worker process: start, ask, end."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time

from photod.config import Intake
from photod.intake import protocol
from photod.photos import InputSpec

_START_TIMEOUT_S = 60.0  # a busy machine with a cold disk
_MOST_TASKS = 2000  # then a fresh process: libraries leak
_MOST_GROWTH = 256 << 20  # bytes of resident memory since the start that earn a fresh process too
_KEPT_ENVIRONMENT = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "TZ", "LANG", "LC_ALL")
_DYING_S = 5.0  # that a process may take from closing its socket to its end
_LAST_WORDS = 2000  # characters
_PAGE = os.sysconf("SC_PAGE_SIZE")


class LostError(Exception):
    """The worker was gone before it took the photo."""


class WorkerProcess:
    """One process of `worker`. Used by one thread; `end()` may be called from any."""

    def __init__(self, limits: Intake, spec: InputSpec) -> None:
        self._limits = limits
        self._reply_size = spec.size * spec.size * 3
        self._stderr = os.memfd_create("decoder-stderr", os.MFD_CLOEXEC)
        fcntl.fcntl(self._stderr, fcntl.F_SETFL, os.O_APPEND)  # so that it can be emptied from this side
        self._wire, theirs = socket.socketpair()
        with theirs:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                _command(_arguments(limits, spec)),
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                env=_environment(),
                process_group=0,  # Ctrl-C on the terminal is for the daemon
            )
        self._ready = False
        self._tasks = 0
        self._resident = 0  # bytes, when it was ready

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def wait_until_ready(self) -> None:
        """Wait until the worker has shut itself in. Raises RuntimeError with its last words if it does not."""
        if self._ready:
            return
        self._wire.settimeout(_START_TIMEOUT_S)
        try:
            kind, _, _ = protocol.receive_answer(self._wire, 0)
        except (EOFError, OSError, ValueError) as error:
            self._process.kill()
            raise RuntimeError(f"the decoder process {self.fate()} at its start; {self.last_words()}") from error
        if kind != protocol.HELLO:
            raise RuntimeError("the decoder process speaks another protocol")
        self._resident = _resident_bytes(self.pid)
        self._ready = True

    def ask(self, descriptor: int, size: int) -> tuple[int, object, bytes]:
        """Have a photo decoded: kind, value and pixels of the answer.

        Raises LostError if the worker had not taken the photo, TimeoutError, and EOFError or OSError if it died.
        """
        deadline = time.monotonic() + self._limits.decode_timeout_s
        self._tasks += 1
        os.ftruncate(self._stderr, 0)
        try:
            self._wire.settimeout(_START_TIMEOUT_S)
            socket.send_fds(self._wire, [protocol.TASK.pack(size)], [descriptor])
            protocol.receive_answer(self._wire, 0)  # STARTED
        except (EOFError, OSError) as error:
            raise LostError from error
        self._wire.settimeout(max(0.001, deadline - time.monotonic()))
        return protocol.receive_answer(self._wire, self._reply_size)

    def is_worn(self) -> bool:
        """Whether a fresh process would be better."""
        return self._tasks >= _MOST_TASKS or _resident_bytes(self.pid) > self._resident + _MOST_GROWTH

    def end(self) -> None:
        """Kill the process and wait for its end; whoever waits for its answer is woken."""
        self._process.kill()
        self._process.wait()

    def fate(self) -> str:
        """How the process ended, in words. Kills it if it only went silent."""
        try:
            code = self._process.wait(_DYING_S)
        except subprocess.TimeoutExpired:
            self.end()
            return "stopped answering"
        if code >= 0:
            return f"ended with code {code}: {self.last_words().splitlines()[-1]}"
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return (
            f"was killed ({name}), as happens when the system runs out of memory"
            if name == "SIGKILL"
            else f"crashed ({name})"
        )

    def last_words(self) -> str:
        """The end of what the process wrote to its stderr."""
        text = os.pread(self._stderr, 1 << 16, 0).decode("utf-8", "replace").strip()
        return text[-_LAST_WORDS:] or "it said nothing"

    def __del__(self) -> None:
        os.close(self._stderr)
        self._wire.close()


def sandbox_report() -> list[str]:
    """Which walls around the decoder this machine cannot build, in words; empty if all stand."""
    command = _command(["--report", "--parent", str(os.getpid())])
    answer = subprocess.run(
        command,
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env=_environment(),
        timeout=_START_TIMEOUT_S,
    )
    return [str(line) for line in json.loads(answer.stdout)]


def _command(arguments: list[str]) -> list[str]:
    # -P: a folder of photos must not be a place to import from.
    return [sys.executable, "-P", "-m", "photod.intake.worker", *arguments]


def _arguments(limits: Intake, spec: InputSpec) -> list[str]:
    options = {
        "--parent": os.getpid(),
        "--size": spec.size,
        "--resize": spec.resize,
        "--max-pixels": limits.max_megapixels * 1_000_000,
        "--memory-mb": limits.decoder_memory_mb,
        "--cpu-s": 4 * limits.decode_timeout_s,
    }
    return [str(part) for option in options.items() for part in option]


def _environment() -> dict[str, str]:
    """What the worker needs to know; no secrets. One thread each: photos are decoded side by side already."""
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    return {**kept, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def _resident_bytes(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm", "rb") as statistics:
            return int(statistics.read().split()[1]) * _PAGE
    except OSError:
        return 0
