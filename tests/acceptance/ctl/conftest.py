"""The real command, and archives with known scores for it to read."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from machine import need
from photod.fingerprints import fingerprint_of
from photod.photos import (
    Candidate,
    Facts,
    InputSpec,
    Judged,
    ModelIdentity,
    Scored,
    Unscoreable,
    Verdict,
)  # fmt: skip
from photod.store.writer import Writer
from scripted_daemon import ScriptedDaemon
from x_screen import COLOURS, Screen

Start = Callable[..., "subprocess.Popen[str]"]

FACTS = Facts(600, 400, "2021-02-03 04:05:06", "Canon EOS 6D")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A user with a home of their own and no configuration."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "CI") if name in os.environ}
    return kept | {"HOME": str(home), "XDG_RUNTIME_DIR": str(home / "run"), "LANG": "C.UTF-8", "TZ": "UTC"}


@pytest.fixture
def without_model(environment: dict[str, str]) -> None:
    """What photod-ctl starts has a fake scorer."""
    environment["PYTHONPATH"] = str(Path(__file__).parents[2] / "without_model")


@pytest.fixture
def ctl(environment: dict[str, str], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs photod-ctl with these arguments, in a pipe, in `tmp_path`."""

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "photod_ctl", *map(str, arguments)],
            capture_output=True, encoding="utf-8", errors="surrogateescape", env=environment, cwd=tmp_path,
            timeout=60, check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def archive(tmp_path: Path) -> Callable[..., Path]:
    """Writes a folder's database: scores by path, reasons of those without; returns the folder.

    `bytes_of` gives paths the same bytes: a name for them, by path.
    """

    def write(
        name: str,
        scores: Mapping[str, float],
        failed: Mapping[str, str] | None = None,
        model: str = "builtin",
        bytes_of: Mapping[str, str] | None = None,
        facts: Facts = FACTS,
        embedding: bytes = bytes(1024),
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        verdicts: dict[str, Verdict] = {}
        for path, score in scores.items():
            sha256 = hashlib.sha256(os.fsencode((bytes_of or {}).get(path, path))).hexdigest()
            verdicts[path] = Scored(sha256, facts, score, embedding)
        for path, reason in (failed or {}).items():
            verdicts[path] = Unscoreable(hashlib.sha256(os.fsencode(path)).hexdigest(), reason)
        writer = Writer(folder / ".photod" / "photos.db")
        writer.use_model(_identity(model))
        writer.commit([(_judged(str(folder), path, verdict), True) for path, verdict in verdicts.items()])
        writer.mark_compared("", "", {})
        writer.close()
        return folder

    return write


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `photod-ctl demo` writes, to be read or copied: drawing it takes seconds."""
    from photod_ctl.demo.command import write_demo

    target = tmp_path_factory.mktemp("demo") / "photos"
    write_demo(target)
    return target


@pytest.fixture
def daemon(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., ScriptedDaemon]]:
    started = []

    def start(folder: Path, *answers: dict[str, Any]) -> ScriptedDaemon:
        path = Path(environment["XDG_RUNTIME_DIR"], "photod/control.sock")
        started.append(ScriptedDaemon(path, folder, list(answers)))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def screen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Screen]:
    """A screen of 800 x 600 pixels, or by parameter one of another width, height and density."""
    for program in ("Xvfb", "xdotool"):
        if shutil.which(program) is None:
            need(program)
    screen = Screen(tmp_path / "screen", *getattr(request, "param", ()))
    yield screen
    screen.close()


@pytest.fixture
def start(screen: Screen, environment: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Starts `photod-ctl slideshow` on the screen."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str | Path, **more: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "photod_ctl", "slideshow", *map(str, arguments)]
        place = {"DISPLAY": screen.display, "XDG_DATA_HOME": str(tmp_path / "data")}
        started.append(subprocess.Popen(command, env=environment | place | more, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def folder(archive: Callable[..., Path]) -> Path:
    """Four photos of one colour each, from the best to the worst: red, green, blue, grey."""
    folder = archive("photos", dict(zip((f"{name}.png" for name in COLOURS), (9.0, 8.0, 7.0, 6.0), strict=True)))
    for name, colour in COLOURS.items():
        Image.new("RGB", (600, 400), colour).save(folder / f"{name}.png")
    return folder


def _judged(folder: str, path: str, verdict: Verdict) -> Judged:
    location = Path(folder, path)
    location.parent.mkdir(parents=True, exist_ok=True)
    location.write_bytes(b"not looked at by the client")
    return Judged(Candidate(folder, path, fingerprint_of(location.stat())), verdict, duplicate=False)


def _identity(name: str) -> ModelIdentity:
    digest = hashlib.sha256(name.encode()).hexdigest()
    return ModelIdentity(name, "ViT-B-16", digest, InputSpec(), "fp32", 1, (("good image", "bad image"),), 100.0)
