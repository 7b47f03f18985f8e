"""Decoder processes begin, end and are replaced, and leave nothing behind."""

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from decoding import decode, when_busy
from photod.channel import Closed
from photod.errors import DecodeError
from photod.intake import process
from photod.intake.decoder import Decoder
from processes import is_gone
from waiting import wait_until


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_worker_that_dies_between_two_photos_costs_none(
    make_decoder: Callable[..., Decoder], small: Path, number: int
) -> None:
    decoder = make_decoder()
    for _ in range(3):
        decode(decoder, small)
        pid = decoder.pid
        assert pid is not None
        os.kill(pid, number)
        wait_until(lambda pid=pid: is_gone(pid))  # type: ignore[misc]


def test_workers_that_die_again_and_again_are_no_photos_fault(
    make_decoder: Callable[..., Decoder], small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die_first(worker: process.WorkerProcess, descriptor: int, size: int) -> tuple[int, object, bytes]:
        os.kill(worker.pid, signal.SIGKILL)
        wait_until(lambda: is_gone(worker.pid))
        return ask(worker, descriptor, size)

    ask = process.WorkerProcess.ask
    monkeypatch.setattr(process.WorkerProcess, "ask", die_first)
    with pytest.raises(RuntimeError, match="keep dying while they wait; the last one was killed"):
        decode(make_decoder(), small)


def test_signals_for_the_daemon_do_not_reach_its_workers(make_decoder: Callable[..., Decoder], small: Path) -> None:
    decoder = make_decoder()
    decode(decoder, small)
    pid = decoder.pid
    assert pid is not None
    assert os.getpgid(pid) == pid  # Ctrl-C goes to the terminal's group
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(pid, number)
    decode(decoder, small)
    assert decoder.pid == pid


def test_close_ends_a_decode_that_is_under_way(
    make_decoder: Callable[..., Decoder], small: Path, slow: Path
) -> None:
    decoder = make_decoder()
    decode(decoder, small)
    closer = when_busy(decoder, lambda _: decoder.close())
    with pytest.raises(Closed):
        decode(decoder, slow)
    closer.join()
    assert decoder.pid is None
    with pytest.raises(Closed):
        decode(decoder, small)


def test_close_before_any_photo_starts_no_process(make_decoder: Callable[..., Decoder], small: Path) -> None:
    decoder = make_decoder()
    decoder.close()
    decoder.close()
    with pytest.raises(Closed):
        decode(decoder, small)
    assert decoder.pid is None


def test_workers_are_replaced_before_they_grow_old(
    make_decoder: Callable[..., Decoder], small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_MOST_TASKS", 2)
    decoder = make_decoder()
    pids = []
    for _ in range(5):
        decode(decoder, small)
        pids.append(decoder.pid)
    assert pids[0] is not None
    assert pids[1] is None  # done with two
    assert len({pid for pid in pids if pid}) == 3


def test_workers_that_only_saw_broken_photos_are_replaced_too(
    make_decoder: Callable[..., Decoder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_MOST_TASKS", 1)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 and no more")
    decoder = make_decoder()
    with pytest.raises(DecodeError, match="unfinished"):
        decode(decoder, broken)
    assert decoder.pid is None


def test_workers_are_replaced_when_they_have_grown(
    make_decoder: Callable[..., Decoder], small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_MOST_GROWTH", -(1 << 40))
    decoder = make_decoder()
    decode(decoder, small)
    assert decoder.pid is None
    decode(decoder, small)


def test_failures_leave_no_descriptor_and_no_process(
    make_decoder: Callable[..., Decoder], small: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(small.read_bytes()[:500])
    decoder = make_decoder()
    decode(decoder, small)
    gc.collect()  # what earlier tests left would be counted, and might go meanwhile
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        with pytest.raises(DecodeError):
            decode(decoder, broken)
    pid = decoder.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    decode(decoder, small)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_worker_that_cannot_start_is_an_error_with_its_last_words(
    make_decoder: Callable[..., Decoder], small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = tmp_path / "python"
    stub.write_text("#!/bin/sh\necho 'libfoo.so.1: cannot open shared object file' >&2\nexit 3\n")
    stub.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(stub))
    decoder = make_decoder()
    with pytest.raises(RuntimeError, match=r"ended with code 3.*libfoo.so.1: cannot open"):
        decode(decoder, small)


def test_a_program_that_is_not_there_is_an_error(
    make_decoder: Callable[..., Decoder], small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(RuntimeError, match="cannot be started"):
        decode(make_decoder(), small)


def test_a_folder_of_photos_is_no_place_to_import_from(
    make_decoder: Callable[..., Decoder], small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIL", "pillow_heif", "photod", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported from the current directory')\n")
    monkeypatch.chdir(tmp_path)
    decode(make_decoder(), small)


def test_workers_do_not_outlive_a_daemon_that_is_killed(small: Path) -> None:
    program = f"""
import os, time
from pathlib import Path
from photod.config import Intake
from photod.intake.decoder import Decoder
from photod.intake.memory import PhotoMemory
from photod.intake.read import read_photo
from photod.fingerprints import fingerprint_of
from photod.photos import Candidate, InputSpec
path = Path({str(small)!r})
decoder = Decoder(Intake(), InputSpec())
candidate = Candidate(str(path.parent), path.name, fingerprint_of(path.stat()))
decoder.decode(read_photo(candidate, 1 << 30, PhotoMemory()))
print(decoder.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        pid = int(daemon.stdout.readline())
        os.kill(pid, signal.SIGSTOP)  # it cannot end by itself: the kernel has to do it
        daemon.kill()
        wait_until(lambda: is_gone(pid))
