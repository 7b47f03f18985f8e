"""Decoder processes begin, end and are replaced, and leave nothing behind."""

import gc
import os
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from decoding import decode, when_busy
from photod.channel import Closed
from photod.errors import DecodeError
from photod.intake import process, protocol
from photod.intake.decoder import Decoder
from processes import is_gone
from waiting import wait_until

TAKE = "head -c 8 >/dev/null"  # of a worker that is a shell script: it takes a task


def answer(kind: int, text: str = "") -> str:
    """What such a worker does to answer so."""
    octal = "".join(f"\\{byte:03o}" for byte in struct.pack("=BII", kind, len(text) + 2, 0))
    return f"""printf '{octal}"{text}"' >&0"""


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


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Has workers be this shell script; nobody waits long for them."""

    def write(script: str) -> None:
        stub = tmp_path / "python"
        stub.write_text(f"#!/bin/sh\n{script}\n")
        stub.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(stub))
        monkeypatch.setattr(process, "_DYING_S", 0.5)

    return write


@pytest.mark.parametrize(
    ("script", "fate"),
    [
        ("echo 'libfoo.so.1: cannot open' >&2; exit 3", "ended with code 3: libfoo.so.1: cannot open"),
        ("exec sleep 60", "stopped answering"),
        ("echo a banner of some library >&0; exec sleep 60", "stopped answering"),
        (f"{answer(protocol.STARTED)}; exec sleep 60", "stopped answering"),
    ],
    ids=["ends", "hangs", "babbles", "begins out of turn"],
)
def test_a_worker_that_cannot_start_is_an_error_with_its_last_words(
    make_decoder: Callable[..., Decoder],
    small: Path,
    stand_in: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    fate: str,
) -> None:
    stand_in(script)
    monkeypatch.setattr(process, "_START_TIMEOUT_S", 2.0)
    decoder = make_decoder()
    with pytest.raises(RuntimeError) as raised:
        decode(decoder, small)
    assert str(raised.value) == f"a decoder process {fate} at its start"
    assert decoder.pid is None


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (f"{answer(protocol.STARTED)}; exit 3", "the decoder ended with code 3"),
        (f"{answer(protocol.STARTED)}; echo no luck >&2; exit 3", "the decoder ended with code 3: no luck"),
        (f"{answer(protocol.STARTED)}; exec sleep 60 <&-", "the decoder stopped answering"),
        (
            f"{answer(protocol.STARTED)}; echo a banner of some library >&0; exec sleep 60",
            "the decoder sent an invalid answer",
        ),
        (f"{answer(protocol.FAILED)}; exec sleep 60", "the decoder sent an invalid answer (an answer out of turn)"),
    ],
    ids=["dies", "dies with words", "closes its socket", "babbles", "answers out of turn"],
)
def test_a_worker_that_fails_at_its_second_photo_is_told_of_and_dropped(
    make_decoder: Callable[..., Decoder], small: Path, stand_in: Callable[[str], None], script: str, reason: str
) -> None:
    """What it said about the first is not told of the second."""
    first = f"{TAKE}; {answer(protocol.STARTED)}; echo about the first >&2; {answer(protocol.FAILED, 'first')}"
    stand_in(f"{answer(protocol.HELLO)}; {first}; {TAKE}; {script}")
    decoder = make_decoder()
    with pytest.raises(DecodeError, match="first"):
        decode(decoder, small)
    pid = decoder.pid
    assert pid is not None
    with pytest.raises(DecodeError) as raised:
        decode(decoder, small)
    assert str(raised.value).startswith(reason)
    assert "first" not in str(raised.value)
    assert decoder.pid is None
    assert is_gone(pid)


def test_a_decoder_that_rests_has_no_process_until_the_next_photo(
    make_decoder: Callable[..., Decoder], small: Path
) -> None:
    decoder = make_decoder()
    decoder.rest()
    decode(decoder, small)
    pid = decoder.pid
    assert pid is not None
    decoder.rest()
    assert decoder.pid is None
    assert is_gone(pid)
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
import os, subprocess, time
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
# The worker's socket stays open, so it cannot end by itself: the kernel has to do it.
subprocess.Popen(["cat"], pass_fds=[decoder._worker._wire.fileno()])
print(decoder.pid, flush=True)
time.sleep(60)
"""
    command, pipe = [sys.executable, "-c", program], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as daemon:
        assert daemon.stdout is not None
        pid = int(daemon.stdout.readline())
        daemon.kill()
        wait_until(lambda: is_gone(pid))
