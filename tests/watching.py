"""The oracle of the watching tests, and the way there: the database must equal an independent walk and hash."""

import fnmatch
import hashlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fake_scorer import FakeScorer
from photod.config import Config, Folder, Intake, Watch
from photod.daemon import Daemon
from running import make_config, running
from waiting import PATIENCE_S, wait_until

PHOTOS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".bmp", ".gif")
BOOKKEEPING = (".*", "@eaDir", "#recycle", "$RECYCLE.BIN", "lost+found", "*.part", "*.crdownload", "*.tmp", "~*")


@lru_cache
def photo_bytes(level: int) -> bytes:
    """A small picture of one brightness, 0 to 255."""
    buffer = BytesIO()
    Image.new("RGB", (32, 32), (level, level, level)).save(buffer, "PNG")
    return buffer.getvalue()


def put(path: Path, level: int = 128) -> Path:
    """Write a picture as most programs do: in place, at once."""
    path.write_bytes(photo_bytes(level))
    return path


def fill(directory: Path, photos: int, first: int = 0) -> None:
    """Put photos of changing brightness in a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + photos):
        put(directory / f"{number:05}.png", number % 251)


def walk(folder: Path, excluded: tuple[str, ...] = ()) -> dict[str, str]:
    """The SHA-256 of every photo that belongs to the folder, by path; knows nothing of photod's code."""
    found = {}
    root = os.path.realpath(folder)
    for place, directories, files in os.walk(root):
        directories[:] = [name for name in directories if not _is_left_out(name, excluded)]
        for name in files:
            location = os.path.join(place, name)
            real = os.path.realpath(location)
            if not name.lower().endswith(PHOTOS) or _is_left_out(name, excluded):
                continue
            if os.path.isfile(real) and real.startswith(root + "/"):
                found[os.path.relpath(location, root)] = hashlib.sha256(Path(real).read_bytes()).hexdigest()
    return found


def _is_left_out(name: str, excluded: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in (*BOOKKEEPING, *excluded))


def rows(folder: Path, database: Path | None = None) -> dict[str, tuple[str, float | None]]:
    """The SHA-256 and score of every photo that the database says is there, by path."""
    database = database or Folder(path=folder).database_path
    if not database.exists():
        return {}
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)
    try:
        found = connection.execute(
            "SELECT path, sha256, score FROM photo JOIN content USING (sha256) WHERE missing_since IS NULL"
        ).fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return {}
        raise
    finally:
        connection.close()
    return {os.fsdecode(path): (sha256, score) for path, sha256, score in found}


def disagreement(folder: Path, excluded: tuple[str, ...] = (), database: Path | None = None) -> str:
    """What keeps the database from being right; empty when each photo is there, with its own bytes' score."""
    truth, held = walk(folder, excluded), rows(folder, database)
    if missing := truth.keys() - held.keys():
        return f"{len(missing)} not in the database, such as {min(missing)!r}"
    if surplus := held.keys() - truth.keys():
        return f"{len(surplus)} not in the folder, such as {min(surplus)!r}"
    scores: dict[str, float | None] = {}
    for path, (sha256, score) in held.items():
        if sha256 != truth[path]:
            return f"{path!r} has other bytes than the database says"
        if sha256 not in scores:
            scores[sha256] = _score(folder / path)
        expected = scores[sha256]
        if (score is None) != (expected is None) or abs((score or 0) - (expected or 0)) > 0.05:
            return f"{path!r} has score {score}, its bytes deserve {expected}"
    return ""


def _score(location: Path) -> float | None:
    try:
        with Image.open(location) as image:
            return 10 * float(np.asarray(image.convert("RGB"), float).mean()) / 255
    except OSError:
        return None


def agrees(folder: Path, patience_s: float = 30.0, excluded: tuple[str, ...] = ()) -> None:
    """Wait until the database is right; fails with what is wrong."""
    deadline = time.monotonic() + patience_s
    began = time.monotonic()
    while wrong := disagreement(folder, excluded):
        now = time.monotonic()
        assert now < deadline, f"after {patience_s} s: {wrong}"
        time.sleep(max(0.1, 2 * (now - began)))  # a look reads every photo: the daemon is to have the processor
        began = time.monotonic()


def answers(config: Config, request: object) -> list[Any]:
    """Every answer of the daemon to one request, until the last; bytes are sent as they are."""
    line = request if isinstance(request, bytes) else json.dumps(request).encode() + b"\n"
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE_S)
        connection.connect(str(config.control.path))
        connection.sendall(line)
        connection.shutdown(socket.SHUT_WR)
        return [json.loads(answer) for answer in connection.makefile("rb")]


def ask(config: Config, command: str, **arguments: object) -> Any:
    """The last answer of the daemon to a request."""
    return answers(config, {"command": command, **arguments})[-1]


def folder_status(config: Config, folder: Path | None = None) -> dict[str, Any]:
    """What `status` says of a folder, or of the only one."""
    folders = ask(config, "status")["folders"]
    return next(each for each in folders if folder in (None, Path(each["path"])))


def quiet(config: Config, patience_s: float = 60.0) -> None:
    """Wait until the daemon has nothing to do, three times in a row."""
    calm = 0

    def is_calm() -> bool:
        nonlocal calm
        status = ask(config, "status")
        still = all(f["state"] in ("idle", "absent") and not f["pending"] for f in status["folders"])
        calm = calm + 1 if still and not any(status["queue"].values()) else 0
        time.sleep(0.05)
        return calm >= 3

    wait_until(is_calm, patience_s)


@contextmanager
def watched(
    folder: Path, scorer: FakeScorer | None = None, decoders: int = 1, **settings: float
) -> Iterator[Config]:
    """A daemon that watches one folder, when it has nothing left to do; at the end the oracle must agree."""
    config = make_config(folder, watch=Watch(**{"settle_s": 0.1, **settings}), intake=Intake(decoders=decoders))
    with running(config, scorer or FakeScorer()) as daemon:
        assert isinstance(daemon, Daemon)
        quiet(config)
        yield config
        agrees(folder)
        quiet(config)
    assert disagreement(folder) == ""


class FakeDaemon:
    """The daemon in a process of its own, with a fake scorer: for signals, limits and figures."""

    def __init__(self, folder: Path, *before: str, settings: str = "settle_s = 0.1") -> None:
        self.config = make_config(folder)
        self._log = folder.parent / "log.jsonl"
        file = folder.parent / "config.toml"
        file.write_text(
            f"folders = [{json.dumps(str(folder))}]\n"
            f"[control]\nsocket = {json.dumps(str(self.config.control.path))}\n"
            f'[log]\nlevel = "debug"\nformat = "json"\n[intake]\ndecoders = 1\n[watch]\n{settings}\n'
        )
        program = [*before, sys.executable, str(Path(__file__).with_name("fake_daemon.py")), str(file)]
        with self._log.open("w") as log:
            self.process = subprocess.Popen(program, stderr=log, stdout=log)

    def __enter__(self) -> "FakeDaemon":
        try:
            wait_until(lambda: self._listens() or self.process.poll() is not None, 60)
            assert self.process.poll() is None, self._log.read_text()
            quiet(self.config)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _listens(self) -> bool:
        """Its socket is there a little earlier."""
        with socket.socket(socket.AF_UNIX) as connection:
            return connection.connect_ex(str(self.config.control.path)) == 0

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(30)
        finally:
            self.process.kill()

    def logged(self, event: str) -> list[dict[str, Any]]:
        """What was logged under this name."""
        entries = (json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{"))
        return [entry for entry in entries if entry.get("event") == event]
