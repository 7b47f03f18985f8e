"""A supervised worker process that decodes: whatever a photo does to it, one photo gets one verdict."""

import threading
from dataclasses import dataclass, field

from photod.channel import Closed
from photod.config import Intake
from photod.errors import DecodeError, DecoderKilledError
from photod.intake import protocol
from photod.intake.process import LostError, WorkerProcess
from photod.intake.read import ReadPhoto
from photod.photos import Candidate, Facts, InputSpec

_TRIES = 3  # workers in a row that may be lost between two photos


@dataclass(frozen=True, slots=True)
class Decoded:
    """A photo that is ready for the model."""

    candidate: Candidate
    sha256: str
    pixels: bytes = field(repr=False)  # InputSpec.size squared x RGB, row by row from the top left
    facts: Facts


class Decoder:
    """One worker process, used by one thread; `close()` alone may be called from another.

    The process is started by the first photo, and again after it rested, died or has grown. It ends when the thread
    that started it ends.
    """

    def __init__(self, limits: Intake, spec: InputSpec) -> None:
        self._limits = limits
        self._spec = spec
        self._worker: WorkerProcess | None = None
        self._closed = False
        self._lock = threading.Lock()  # for the two above

    @property
    def pid(self) -> int | None:
        """The worker's process id, if there is a worker now."""
        worker = self._worker
        return worker.pid if worker else None

    def decode(self, photo: ReadPhoto) -> Decoded:
        """Decode a photo; blocks for at most the configured time, and that of starting a process.

        Raises DecodeError with the reason for all that is the photo's fault, DecoderKilledError if two workers in a
        row are killed from outside, Closed after `close()`, RuntimeError with the child's last words if no worker
        can be started.
        """
        if photo.data.fd is None:
            raise DecodeError(f"larger than {self._limits.max_file_mb} MB")
        try:
            facts, pixels = self._try(photo.data.fd, photo.data.size)
        except DecoderKilledError:  # when memory runs out, the photo that was being decoded was there by chance
            facts, pixels = self._try(photo.data.fd, photo.data.size)
        return Decoded(photo.candidate, photo.sha256, pixels, facts)

    def rest(self) -> None:
        """End the worker until the next photo; for the thread that decodes. Raises Closed after `close()`."""
        if self._worker is not None:
            self._drop(self._worker)

    def close(self) -> None:
        """End the worker at once; a `decode` that is under way raises Closed. May be called more than once."""
        with self._lock:
            self._closed = True
            worker, self._worker = self._worker, None
        if worker:
            worker.end()

    def _try(self, descriptor: int, size: int) -> tuple[Facts, bytes]:
        """Facts and pixels, from a worker that took the photo."""
        for _ in range(_TRIES):
            worker = self._ready_worker()
            try:
                return self._ask(worker, descriptor, size)
            except LostError:  # it died between two photos: not this one's fault
                fate = worker.fate()
                self._drop(worker)
        raise RuntimeError(f"decoder processes keep dying while they wait; the last one {fate}")

    def _ready_worker(self) -> WorkerProcess:
        worker = self._worker
        if worker is None:
            worker = WorkerProcess(self._limits, self._spec)
            with self._lock:
                if not self._closed:
                    self._worker = worker
        if self._closed:
            worker.end()
            raise Closed
        try:
            worker.wait_until_ready()
        except (RuntimeError, DecoderKilledError):
            self._drop(worker)
            raise
        return worker

    def _ask(self, worker: WorkerProcess, descriptor: int, size: int) -> tuple[Facts, bytes]:
        """Facts and pixels. A worker that failed otherwise than by saying so is dropped."""
        killed = False
        try:
            kind, value, pixels = worker.ask(descriptor, size)
            if worker.is_worn():
                self._drop(worker)
            if kind == protocol.DECODED:
                return protocol.unpack_facts(value), pixels
            reason = protocol.unpack_reason(value)
        except TimeoutError:
            reason = f"took longer than {self._limits.decode_timeout_s:g} s to decode"
            self._drop(worker)
        except (EOFError, OSError):
            killed = worker.was_killed()
            reason = f"the decoder {worker.fate()}"
            self._drop(worker)
        except ValueError as error:
            self._drop(worker)
            reason = f"the decoder sent an invalid answer ({error})"
        if self._closed:
            raise Closed
        raise DecoderKilledError(reason) if killed else DecodeError(reason)

    def _drop(self, worker: WorkerProcess) -> None:
        with self._lock:
            self._worker = None
            closed = self._closed
        worker.end()
        if closed:
            raise Closed
