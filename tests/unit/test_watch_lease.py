"""Whether somebody has a file open for writing: real files, real leases."""

import mmap
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from photod.filesystem import TMPFS, filesystem_identity, filesystem_type, is_remote
from photod.watch.lease import Writing, probe


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "a.jpg"
    file.write_bytes(b"x" * 5000)
    return file


def test_a_file_that_nobody_writes_has_no_writer(file: Path) -> None:
    with file.open("rb"):
        assert probe(str(file)) is Writing.NONE


def test_a_file_open_for_writing_has_one_even_if_nothing_is_written(file: Path) -> None:
    with file.open("r+b"):
        assert probe(str(file)) is Writing.OPEN
    assert probe(str(file)) is Writing.NONE


def test_a_shared_mapping_keeps_its_writer_after_the_descriptor_is_closed(file: Path) -> None:
    with file.open("r+b") as opened:
        mapping = mmap.mmap(opened.fileno(), 0)
    assert probe(str(file)) is Writing.OPEN
    mapping.close()
    assert probe(str(file)) is Writing.NONE


def test_what_cannot_be_opened_is_unknown(tmp_path: Path) -> None:
    assert probe(str(tmp_path / "gone.jpg")) is Writing.UNKNOWN


def test_a_network_filesystem_is_not_asked(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photod.watch.lease.is_remote", lambda _: True)
    with file.open("r+b"):
        assert probe(str(file)) is Writing.UNKNOWN


def test_a_writer_that_comes_while_the_lease_is_held_does_not_end_the_process(file: Path) -> None:
    """The kernel signals the holder; SIGIO, its default, would kill it."""
    prober = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from photod.watch.lease import probe\n"
            "print('ready', flush=True)\n"
            "for _ in range(30000): probe(sys.argv[1])",
            str(file),
        ],
        stdout=subprocess.PIPE,
    )
    assert prober.stdout is not None
    prober.stdout.readline()
    while prober.poll() is None:
        try:
            os.close(os.open(file, os.O_WRONLY | os.O_NONBLOCK))
        except BlockingIOError:
            pass  # the lease was held
    prober.stdout.close()
    assert prober.returncode == 0, signal.Signals(-prober.returncode)


def test_filesystems_are_told_apart(tmp_path: Path) -> None:
    assert filesystem_identity(str(tmp_path)) == filesystem_identity(str(tmp_path))
    assert filesystem_identity(str(tmp_path)) != filesystem_identity("/proc")
    assert not is_remote(str(tmp_path))
    assert is_remote(str(tmp_path / "gone"))
    if os.path.ismount("/dev/shm"):  # noqa: S108
        assert filesystem_type("/dev/shm") == TMPFS  # noqa: S108
