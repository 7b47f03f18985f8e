"""What happens to the worker process costs one photo its score, and nothing else."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from photod.channel import Closed
from photod.config import Intake
from photod.errors import DecodeError
from photod.intake import process
from photod.intake.decoder import Decoded, Decoder
from photod.intake.read import PhotoBytes, ReadPhoto, read_photo
from photod.photos import Candidate, Fingerprint, InputSpec

PATIENCE_S = 20.0
SIZE = 3 * 224 * 224


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, "what was waited for did not happen"
        time.sleep(0.002)


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small") / "small.jpg"
    path.write_bytes(encode(Image.effect_noise((300, 200), 60), "JPEG"))
    return path


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good photo of 196 megapixels: its transparency makes it cost about two seconds and 1.6 GB to decode."""
    path = tmp_path_factory.mktemp("slow") / "slow.png"
    path.write_bytes(encode(Image.new("1", (14000, 14000)), "PNG", compress_level=1, transparency=0))
    return path


@pytest.fixture
def make_decoder() -> Iterator[Callable[..., Decoder]]:
    with contextlib.ExitStack() as stack:

        def make(**limits: float) -> Decoder:
            decoder = Decoder(Intake.model_validate(limits), InputSpec())
            stack.callback(decoder.close)
            return decoder

        yield make


def read(path: Path) -> ReadPhoto:
    photo = read_photo(Candidate(str(path.parent), path.name, Fingerprint.of(path.stat())), 1 << 30)
    assert isinstance(photo, ReadPhoto)
    return photo


def decode(decoder: Decoder, path: Path) -> Decoded:
    photo = read(path)
    with photo.data:
        return decoder.decode(photo)


def processor_ticks(pid: int) -> int:
    """Clock ticks that a process has used, 0 if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def when_busy(decoder: Decoder, act: Callable[[int], None]) -> threading.Thread:
    """Run `act` with the worker's pid as soon as the worker has used processor time for a photo."""
    pid = decoder.pid
    assert pid is not None
    idle = processor_ticks(pid)

    def wait_and_act() -> None:
        wait_for(lambda: processor_ticks(pid) > idle + 2)
        act(pid)

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    return thread


def test_a_photo_becomes_pixels_and_facts(make_decoder: Callable[..., Decoder], small: Path) -> None:
    photo = read(small)
    with photo.data:
        decoded = make_decoder().decode(photo)
    assert (decoded.candidate, decoded.sha256) == (photo.candidate, photo.sha256)
    assert len(decoded.pixels) == SIZE
    assert (decoded.facts.width, decoded.facts.height) == (300, 200)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGSEGV, "the decoder crashed (SIGSEGV)"),
        (signal.SIGABRT, "the decoder crashed (SIGABRT)"),
        (signal.SIGKILL, "the decoder was killed (SIGKILL), as happens when the system runs out of memory"),
    ],
)
def test_a_crash_costs_the_photo_that_caused_it_and_no_other(
    make_decoder: Callable[..., Decoder], small: Path, slow: Path, number: int, words: str
) -> None:
    decoder = make_decoder()
    decode(decoder, small)
    first = decoder.pid
    killer = when_busy(decoder, lambda pid: os.kill(pid, number))
    with pytest.raises(DecodeError) as raised:
        decode(decoder, slow)
    killer.join()
    assert str(raised.value) == words
    assert len(decode(decoder, small).pixels) == SIZE
    assert decoder.pid != first


def test_a_photo_that_takes_too_long_is_given_up(
    make_decoder: Callable[..., Decoder], small: Path, slow: Path
) -> None:
    decoder = make_decoder(decode_timeout_s=0.3)
    decode(decoder, small)
    first = decoder.pid
    assert first is not None
    with pytest.raises(DecodeError) as raised:
        decode(decoder, slow)
    assert str(raised.value) == "took longer than 0.3 s to decode"
    assert is_gone(first)
    decode(decoder, small)


def test_a_worker_that_hangs_is_given_up_too(make_decoder: Callable[..., Decoder], small: Path, slow: Path) -> None:
    decoder = make_decoder(decode_timeout_s=3)
    decode(decoder, small)
    stopper = when_busy(decoder, lambda pid: os.kill(pid, signal.SIGSTOP))
    with pytest.raises(DecodeError, match="took longer than 3 s to decode"):
        decode(decoder, slow)
    stopper.join()
    decode(decoder, small)


def test_a_photo_that_needs_too_much_memory_says_so(
    make_decoder: Callable[..., Decoder], small: Path, tmp_path: Path
) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(encode(Image.new("1", (16000, 15000)), "PNG"))
    decoder = make_decoder(decoder_memory_mb=512)
    with pytest.raises(DecodeError) as raised:
        decode(decoder, path)
    assert str(raised.value) == "needs more than 512 MB to decode"
    decode(decoder, small)


def test_too_many_pixels_and_too_many_bytes_are_refused(
    make_decoder: Callable[..., Decoder], slow: Path, small: Path
) -> None:
    decoder = make_decoder(max_megapixels=100, max_file_mb=1)
    with pytest.raises(DecodeError, match=r"larger than 100 megapixels \(14000 x 14000\)"):
        decode(decoder, slow)
    beyond = ReadPhoto(read(small).candidate, "0" * 64, PhotoBytes(None, 5 << 20))
    with pytest.raises(DecodeError, match="larger than 1 MB"):
        decoder.decode(beyond)


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
        wait_for(lambda pid=pid: is_gone(pid))  # type: ignore[misc]


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


def test_decoders_side_by_side_never_mix_their_photos_up(
    make_decoder: Callable[..., Decoder], tmp_path: Path
) -> None:
    """Given photos whose grey is their number, among broken ones, then each answer has its photo's grey."""
    wrong: list[str] = []

    def decode_all(decoder: Decoder, first: int) -> None:
        for grey in range(first, 250, 4):
            path = tmp_path / f"{grey}.png"
            path.write_bytes(encode(Image.new("L", (60 + grey, 40), grey), "PNG") if grey % 5 else b"broken")
            try:
                decoded = decode(decoder, path)
            except DecodeError:
                if grey % 5:
                    wrong.append(f"{path.name} failed")
                continue
            found = (decoded.candidate.path, decoded.facts.width, set(decoded.pixels))
            if found != (path.name, 60 + grey, {grey}):
                wrong.append(f"{path.name} gave {found}")

    threads = [threading.Thread(target=decode_all, args=(make_decoder(), first)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_workers_do_not_outlive_a_daemon_that_is_killed(small: Path) -> None:
    program = f"""
import os, time
from pathlib import Path
from photod.config import Intake
from photod.intake.decoder import Decoder
from photod.intake.read import read_photo
from photod.photos import Candidate, Fingerprint, InputSpec
path = Path({str(small)!r})
decoder = Decoder(Intake(), InputSpec())
decoder.decode(read_photo(Candidate(str(path.parent), path.name, Fingerprint.of(path.stat())), 1 << 30))
print(decoder.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        pid = int(daemon.stdout.readline())
        os.kill(pid, signal.SIGSTOP)  # it cannot end by itself: the kernel has to do it
        daemon.kill()
        wait_for(lambda: is_gone(pid))
