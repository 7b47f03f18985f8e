"""The process that computes: `python -m photod.score.worker`, started by `process`.

It loads the model and embeds what it is given until the daemon closes its side. Then the model rests, or the
daemon has ended, however that came about.
"""

import mmap
import os
import signal
import socket
import threading
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray

from photod.errors import PhotodError
from photod.logs import configure_logs
from photod.score.assembly import assemble
from photod.score.devices import device_memory
from photod.score.protocol import Embedded, LoadRequest, ReadyScorer, pixels_shape
from photod.score.tower_scorer import TowerScorer


def main() -> None:
    """Serve the socket on file descriptor 0. Raises EOFError or ConnectionError when its other side is closed."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTTOU):
        signal.signal(ignored, signal.SIG_IGN)  # the daemon decides when this ends, or waits
    wire = Connection(os.dup(0))
    request: LoadRequest = wire.recv()
    configure_logs(*request.logs)
    try:
        scorers = assemble(request.model, request.cache / "scorer", request.preprocessing)
    except Exception as error:
        wire.send(_portable(error))
        return
    ready = [ReadyScorer(each.identity, each.device, each.text, device_memory(each.device)) for each in scorers]
    wire.send(ready)
    for scorer, told in zip(scorers, ready, strict=True):
        desk, pixels = _open_desk(pixels_shape(request, told))
        threading.Thread(target=_serve, args=(scorer, desk, pixels), daemon=True).start()
    wire.recv()


def _open_desk(shape: tuple[int, int, int, int]) -> tuple[Connection, NDArray[np.uint8]]:
    """A scorer's own socket, and its memory for pixels, whose other ends go to the daemon."""
    ours, theirs = socket.socketpair()
    memory = os.memfd_create("pixels", os.MFD_CLOEXEC)
    size = int(np.prod(shape))
    os.ftruncate(memory, size)
    pixels = np.frombuffer(mmap.mmap(memory, size), np.uint8).reshape(shape)
    with theirs, socket.socket(fileno=os.dup(0)) as wire:
        socket.send_fds(wire, [b"\0"], [theirs.fileno(), memory])
    os.close(memory)
    return Connection(ours.detach()), pixels


def _serve(scorer: TowerScorer, desk: Connection, pixels: NDArray[np.uint8]) -> None:
    while True:
        try:
            count: int = desk.recv()
        except (EOFError, OSError):
            return
        answer: Embedded | Exception
        try:
            answer = Embedded(scorer.embed(pixels[:count]), device_memory(scorer.device))
        except Exception as error:
            answer = _portable(error)
        desk.send(answer)


def _portable(error: Exception) -> Exception:
    """The error as it can be sent: what is none of ours takes its traceback with it as a note."""
    if isinstance(error, PhotodError):
        return error
    portable = RuntimeError(f"{type(error).__name__}: {error}")
    portable.add_note("".join(traceback.format_exception(error)))
    return portable


if __name__ == "__main__":
    with suppress(EOFError, ConnectionError):
        main()
    os._exit(0)  # a device that hangs would keep the interpreter from ending; one that failed, torch aborts on
