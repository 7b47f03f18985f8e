"""A terminal that records what a program writes to it, and answers what it asks."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from waiting import PATIENCE_S

CELL_PX = (10, 20)


def run_ctl(
    *arguments: str | Path,
    environment: Mapping[str, str],
    cwd: Path,
    cells: tuple[int, int] = (80, 24),
    answers: Mapping[bytes, bytes] | None = None,
) -> tuple[int, bytes]:
    """Run photod-ctl in a terminal; see `run_module`."""
    return run_module("photod_ctl", *arguments, environment=environment, cwd=cwd, cells=cells, answers=answers)


def run_module(
    module: str,
    *arguments: str | Path,
    environment: Mapping[str, str],
    cwd: Path,
    cells: tuple[int, int] = (80, 24),
    answers: Mapping[bytes, bytes] | None = None,
    stdout: IO[bytes] | None = None,
) -> tuple[int, bytes]:
    """Run a program in a terminal of so many columns and rows; its exit code, and all that it wrote there.

    `answers`: what the terminal says, once, to what it is asked; what begins with a backslash is a pattern.
    `stdout`: where its standard output goes, if not to the terminal.
    """
    master, slave = pty.openpty()
    (columns, rows), (wide, high) = cells, CELL_PX
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, columns * wide, rows * high))
    process = subprocess.Popen(
        [sys.executable, "-m", module, *map(str, arguments)], stdin=slave, stdout=stdout or slave, stderr=slave,
        env={"TERM": "xterm-256color", **environment}, cwd=cwd, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    seen, waiting = b"", dict(answers or {})
    alarm = threading.Timer(PATIENCE_S, process.kill)  # what waits for ever ends, and fails its test
    alarm.start()
    try:
        while data := os.read(master, 1 << 16):
            seen += data
            asked = {question: _place(question, seen) for question in waiting}
            for question in sorted((q for q in asked if asked[q] >= 0), key=lambda q: asked[q]):  # as terminals do
                os.write(master, waiting.pop(question))
    except OSError:  # the program has closed its terminal
        pass
    finally:
        os.close(master)
        alarm.cancel()
    return process.wait(PATIENCE_S), seen


def _place(question: bytes, seen: bytes) -> int:
    """Where it is asked; -1 if it is not."""
    found = re.search(question if question[:1] == b"\\" else re.escape(question), seen)
    return found.start() if found else -1
