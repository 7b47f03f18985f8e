"""Fixtures for all tests. No test touches what belongs to the user who runs it."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

from machine import need
from mounts import Mounts
from photod.intake.memory import PhotoMemory
from photod.intake.read import ReadPhoto, read_photo
from photod.photos import Candidate, Passed

SHARED = Path(__file__).resolve().parents[2] / "shared"

# On a busy machine any example may be slow.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


# Started in the background of a script, all of this would ignore it, and the programs that tests interrupt, too.
signal.signal(signal.SIGINT, signal.default_int_handler)


class ByFile(LoadFileScheduling):  # type: ignore[misc]
    """Gives each process whole files, whose tests share fixtures; the tests of the systemd box all go to one."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        return "the box" if file.startswith("tests/systemd/") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The box first: it takes longest and mostly waits, so that the others fill the gaps."""
    items.sort(key=lambda item: "systemd" not in item.path.parts)


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory of the test's own: configuration, state and sockets go there."""
    home = tmp_path_factory.mktemp("home")
    for name, place in {
        "HOME": ".", "XDG_CONFIG_HOME": "config", "XDG_STATE_HOME": "state", "XDG_RUNTIME_DIR": "run",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, str(home / place))
    for name in (
        "PHOTOD_CONFIG", "STATE_DIRECTORY", "RUNTIME_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
        "JOURNAL_STREAM", "HF_HOME", "HF_HUB_OFFLINE", "XDG_DATA_HOME", "DBUS_SESSION_BUS_ADDRESS", "PAGER",
        "PHOTOD_PAGER",
    ):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture(scope="session")
def shared() -> Path:
    """The real photos that lie beside a developer's checkout."""
    if not SHARED.is_dir():
        need("../shared, which only developers have")
    return SHARED


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for photos."""
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


@pytest.fixture
def mounts() -> Iterator[Mounts]:
    """Filesystems of the test's own, mounted as it says and taken away at its end."""
    mounts = Mounts()
    yield mounts
    mounts.close()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The photos that the reading stage opens, in order."""
    opened: list[str] = []

    def read(candidate: Candidate, max_bytes: int, memory: PhotoMemory) -> ReadPhoto | Passed:
        opened.append(candidate.path)
        return read_photo(candidate, max_bytes, memory)

    monkeypatch.setattr("photod.pipeline.read_photo", read)
    return opened
