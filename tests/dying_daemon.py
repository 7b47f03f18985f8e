"""`photod` with a fake scorer: `python tests/dying_daemon.py run --config FILE`, or `check`. All else is the real
program.

FAKE_LOG names a file that is told every photo that the model sees; FAKE_KILL_AT ends the process by SIGKILL right
before that many statements have reached a database; FAKE_MIGRATIONS adds so many steps to the schema;
FAKE_DEVICE_FAULT makes the device fail.
"""

import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import photod.daemon
import photod.store.writer as store_writer
from fake_scorer import FakeScorer
from photod.__main__ import main
from photod.store import connection, schema


class LoggingScorer(FakeScorer):
    """Writes down the colour of each photo that it has seen: plain pictures are known by it."""

    def __init__(self, log: Path) -> None:
        super().__init__()
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def embed(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        if "FAKE_DEVICE_FAULT" in os.environ:
            raise RuntimeError(
                "CUDA error: an illegal memory access was encountered\nCompile with TORCH_USE_CUDA_DSA"
            )
        embeddings = super().embed(pixels)
        os.write(self._log, "".join(f"{bytes(picture[0, 0]).hex()}\n" for picture in pixels).encode())
        return embeddings


def kill_at(count: int, open_writable: Callable[[Path], sqlite3.Connection], path: Path) -> sqlite3.Connection:
    """A connection that ends this process before its `count`-th statement."""
    database = open_writable(path)
    left = [count]

    def trace(_: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    database.set_trace_callback(trace)
    return database


def rewrite(connection: sqlite3.Connection) -> None:
    """A migration that touches every row and goes on for some statements."""
    for column in ("size", "mtime_ns", "ctime_ns", "inode"):
        connection.execute(f"UPDATE photo SET {column} = {column} + 1")
        connection.execute(f"UPDATE photo SET {column} = {column} - 1")


if __name__ == "__main__":
    environment = os.environ
    scorer = LoggingScorer(Path(environment["FAKE_LOG"])) if "FAKE_LOG" in environment else FakeScorer()
    if sys.argv[1:2] == ["check"]:
        import photod.check

        photod.check.load_scorers = scorer.load  # type: ignore[attr-defined,assignment]
        photod.check.describe = lambda scorers: [("model", scorers[0].identity.name)]  # type: ignore[attr-defined]
    photod.daemon.Daemon = partial(photod.daemon.Daemon, load=scorer.load)  # type: ignore[assignment,misc]
    if steps := int(environment.get("FAKE_MIGRATIONS", "0")):
        schema.MIGRATIONS += (rewrite,) * steps
        schema.VERSION += steps
        connection.VERSION += steps  # type: ignore[attr-defined]
    if number := int(environment.get("FAKE_KILL_AT", "0")):
        store_writer.open_writable = partial(kill_at, number, connection.open_writable)  # type: ignore[attr-defined]
    main()
