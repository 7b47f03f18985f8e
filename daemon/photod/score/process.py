"""Scorers in a process of their own, which is there while there is work.

torch, the weights and a driver's context take hundreds of megabytes, of the machine's memory and of a GPU's. Only
the end of their process gives all of that back. Nor does a driver that crashes take the daemon with it: what was
being embedded is known, as after any other failure of a device.
"""

import mmap
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photod import config
from photod.channel import excused
from photod.errors import ConfigError, DeviceError, PhotodError
from photod.logs import logs_configuration
from photod.patience import until_device_is_free
from photod.photos import ModelIdentity
from photod.processes import describe_exit
from photod.score.protocol import Embedded, LoadRequest, ReadyScorer, pixels_shape
from photod.score.scorer import Floats, scores

WORKER = "photod.score.worker"  # the module that is run
_ENDING_S = 5.0  # that the process may take to end
_SEE = "see the system's log"


def start(model: config.Model, cache: Path, preprocessing: int) -> tuple["DistantScorer", ...]:
    """See `photod.score.start_scorers`."""
    process = ModelProcess(LoadRequest(model, cache, preprocessing, logs_configuration()))
    return tuple(DistantScorer(process, number, scorer) for number, scorer in enumerate(process.ready))


class ModelProcess:
    """The process that computes for the scorers of one model, started and ended as they need it. For any thread."""

    def __init__(self, request: LoadRequest) -> None:
        self._request = request
        self._lock = threading.Lock()
        self._running: _Running | None = _Running(request)
        self.ready = self._running.ready
        self._at_work = set(range(len(self.ready)))

    def embed(self, number: int, pixels: NDArray[np.uint8]) -> Embedded:
        """Have a scorer embed photos, after loading the model anew if it rests; waits for a device that is busy.

        Raises what the scorer raises; DeviceError as well if the process ends meanwhile, or if the model is not
        what it was any more.
        """
        with self._lock:
            self._at_work.add(number)
            running = self._running = self._running or until_device_is_free(self._load_again, _wait)
        return running.embed(number, pixels)

    def prepare(self) -> None:
        """Have the model loaded by a thread of its own, if it rests; never blocks."""
        if self._running is None and not self._lock.locked():  # else somebody is loading it already
            threading.Thread(target=self._prepare, name="prepare", daemon=True).start()

    def rest(self, number: int) -> None:
        """This scorer has nothing to do; when none has, the process ends."""
        with self._lock:
            self._at_work.discard(number)
            if self._running is not None and not self._at_work:
                self._running.end()
                self._running = None

    def _prepare(self) -> None:
        with suppress(PhotodError), self._lock:  # `embed` meets it as well, and its thread may fail
            self._running = self._running or self._load_again()

    def _load_again(self) -> "_Running":
        try:
            running = _Running(self._request)
        except ConfigError as error:  # what was right at the start
            raise DeviceError(error.problem, error.remedy) from error
        if _who(running.ready) != _who(self.ready):
            running.end()
            raise DeviceError("the model, or what computes it, changed while it rested", "start again")
        return running


def _wait(seconds: float) -> None:
    with excused():
        time.sleep(seconds)


def _who(ready: Sequence[ReadyScorer]) -> list[tuple[ModelIdentity, str]]:
    return [(scorer.identity, scorer.device) for scorer in ready]


class DistantScorer:
    """One scorer of a `ModelProcess`; see `photod.score.scorer.RestingScorer` for the methods."""

    def __init__(self, process: ModelProcess, number: int, scorer: ReadyScorer) -> None:
        self.identity = scorer.identity
        self.device = scorer.device
        self.held = scorer.held
        self._process = process
        self._number = number
        self._text = scorer.text

    def embed(self, pixels: NDArray[np.uint8]) -> Floats:
        """Unit embeddings; takes seconds longer after a rest."""
        answer = self._process.embed(self._number, pixels)
        self.held = answer.held
        return answer.embeddings

    def score(self, embeddings: NDArray[np.floating]) -> Floats:
        """Scores by the configured prompts, computed here."""
        return scores(embeddings, self._text, self.identity.logit_scale)

    def prepare(self) -> None:
        """Have the model loaded meanwhile."""
        self._process.prepare()

    def release(self) -> None:
        """Let the process end, unless another scorer has work for it."""
        self._process.rest(self._number)
        self.held = None if self.held is None else 0


class _Running:
    """One life of the process."""

    def __init__(self, request: LoadRequest) -> None:
        self._desks: list[tuple[Connection, NDArray[np.uint8]]] = []  # of each scorer: see `protocol`
        ours, theirs = socket.socketpair()
        self._wire = ours  # the process ends when this is closed
        with theirs:
            self._process = _start(theirs)
        try:
            self.ready = self._load(request)
            for scorer in self.ready:
                self._desks.append(self._open_desk(pixels_shape(request, scorer)))
        except (EOFError, OSError) as error:
            fate = self._fate()
            self.end()
            raise DeviceError(f"the process that loads the model {fate}", _SEE) from error
        except BaseException:
            self.end()
            raise

    def embed(self, number: int, pixels: NDArray[np.uint8]) -> Embedded:
        desk, memory = self._desks[number]
        memory[: len(pixels)] = pixels
        try:
            desk.send(len(pixels))
            answer: Embedded | Exception = desk.recv()
        except (EOFError, OSError) as error:
            device = self.ready[number].device
            raise DeviceError(f"{device}: the process that computes {self._fate()}", _SEE) from error
        if isinstance(answer, Exception):
            raise answer
        return answer

    def end(self) -> None:
        """End the process and wait for that."""
        self._wire.close()
        for desk, _ in self._desks:
            desk.close()
        try:
            self._process.wait(_ENDING_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            with suppress(subprocess.TimeoutExpired):  # a driver that hangs holds even what was killed
                self._process.wait(_ENDING_S)

    def _load(self, request: LoadRequest) -> list[ReadyScorer]:
        with Connection(os.dup(self._wire.fileno())) as control:
            control.send(request)
            answer: list[ReadyScorer] | Exception = control.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _open_desk(self, shape: tuple[int, int, int, int]) -> tuple[Connection, NDArray[np.uint8]]:
        _, handles, _, _ = socket.recv_fds(self._wire, 1, 2)
        if not handles:  # it ended just now
            raise EOFError
        desk, memory = handles
        try:
            pixels = mmap.mmap(memory, int(np.prod(shape)))
        finally:
            os.close(memory)
        return Connection(desk), np.frombuffer(pixels, np.uint8).reshape(shape)

    def _fate(self) -> str:
        try:
            return describe_exit(self._process.wait(_ENDING_S))
        except subprocess.TimeoutExpired:
            self._process.kill()
            return "stopped answering"


def _start(stdin: socket.socket) -> subprocess.Popen[bytes]:
    # -P: a folder of photos must not be a place to import from. A group of its own: Ctrl-C is for the daemon.
    command = [sys.executable, "-P", "-m", WORKER]
    try:
        return subprocess.Popen(
            command, stdin=stdin.fileno(), stdout=subprocess.DEVNULL, cwd=_directory(), process_group=0
        )
    except OSError as error:
        raise DeviceError(f"the process that computes cannot be started: {error}", _SEE) from error


def _directory() -> str | None:
    """Where it is started: here, or at the root if the current directory is no more, since torch crashes there."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return "/"
    return None
