"""What happens to the worker process costs one photo its score, and nothing else."""

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from decoding import SIZE, decode, read, when_busy
from dng import make_dng
from photod.errors import DecodeError, DecoderKilledError
from photod.intake import process, protocol
from photod.intake.decode import decode_photo
from photod.intake.decoder import Decoder
from photod.intake.memory import PhotoBytes, PhotoMemory
from photod.intake.read import ReadPhoto
from photod.photos import InputSpec
from pictures import encode
from processes import is_gone


def test_a_photo_becomes_pixels_and_facts(make_decoder: Callable[..., Decoder], small: Path) -> None:
    photo = read(small)
    with photo.data:
        decoded = make_decoder().decode(photo)
    assert (decoded.candidate, decoded.sha256) == (photo.candidate, photo.sha256)
    assert len(decoded.pixels) == SIZE
    assert (decoded.facts.width, decoded.facts.height) == (300, 200)


@pytest.mark.parametrize("spec", [InputSpec(), InputSpec(96, "crop", 3)])
def test_the_worker_makes_of_a_photo_what_the_model_wants(
    make_decoder: Callable[..., Decoder], tmp_path: Path, spec: InputSpec
) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(encode(Image.effect_noise((1600, 1000), 60), "JPEG"))
    decoder = make_decoder(spec, decode_timeout_s=50)
    assert decode(decoder, path).pixels == decode_photo(path.read_bytes(), spec, 1 << 30).pixels
    limits = Path(f"/proc/{decoder.pid}/limits").read_text().split("\n")
    assert 200 <= int(limits[1].split()[3]) <= 210, "seconds of processor time, of which it has used some"


def test_a_raw_file_is_decoded_behind_the_walls_by_a_library_loaded_only_then(
    make_decoder: Callable[..., Decoder], small: Path, tmp_path: Path
) -> None:
    decoder, raw = make_decoder(), tmp_path / "photo.dng"
    raw.write_bytes(make_dng(Image.new("RGB", (600, 400), (0, 0, 255))))
    decode(decoder, small)
    maps = Path(f"/proc/{decoder.pid}/maps")
    assert "rawpy" not in maps.read_text()
    assert decode(decoder, raw).facts.camera == "Test Camera"
    assert "rawpy" in maps.read_text()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGSEGV, "the decoder crashed (SIGSEGV)"),
        (signal.SIGABRT, "the decoder crashed (SIGABRT)"),
        (signal.SIGXCPU, "the decoder crashed (SIGXCPU)"),  # its own limit
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


def test_a_decoder_that_is_killed_from_outside_costs_nothing(
    make_decoder: Callable[..., Decoder], small: Path, slow: Path
) -> None:
    """The out-of-memory killer takes decoders first; what they were decoding is no worse for it."""
    decoder = make_decoder()
    decode(decoder, small)
    first = decoder.pid
    killer = when_busy(decoder, lambda pid: os.kill(pid, signal.SIGKILL))
    assert len(decode(decoder, slow).pixels) == SIZE
    killer.join()
    assert decoder.pid != first


def test_a_photo_whose_decoders_are_killed_twice_gets_no_verdict(
    make_decoder: Callable[..., Decoder], slow: Path, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder, receive = make_decoder(), protocol.receive_answer

    def kill_and_receive(wire: socket.socket, pixels_size: int) -> tuple[int, object, bytes]:
        if pixels_size and decoder.pid:
            os.kill(decoder.pid, signal.SIGKILL)
        return receive(wire, pixels_size)

    with monkeypatch.context() as patched:
        patched.setattr(protocol, "receive_answer", kill_and_receive)
        with pytest.raises(DecoderKilledError) as raised:
            decode(decoder, slow)
    assert str(raised.value) == "the decoder was killed (SIGKILL), as happens when the system runs out of memory"
    assert len(decode(decoder, small).pixels) == SIZE


def test_a_decoder_that_is_killed_at_its_start_was_killed_too(
    make_decoder: Callable[..., Decoder], small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder, start = make_decoder(), process._start

    def start_and_kill(*arguments: Any) -> subprocess.Popen[bytes]:
        child = start(*arguments)
        child.kill()
        return child

    with monkeypatch.context() as patched:
        patched.setattr(process, "_start", start_and_kill)
        with pytest.raises(DecoderKilledError, match="was killed"):
            decode(decoder, small)
    assert len(decode(decoder, small).pixels) == SIZE


def test_a_photo_that_takes_too_long_is_given_up(
    make_decoder: Callable[..., Decoder], small: Path, slow: Path
) -> None:
    decoder = make_decoder(decode_timeout_s=0.7)
    decode(decoder, small)
    first = decoder.pid
    assert first is not None
    with pytest.raises(DecodeError) as raised:
        decode(decoder, slow)
    assert str(raised.value) == "took longer than 0.7 s to decode"
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


def test_a_photo_that_is_itself_larger_than_the_memory_says_so_too(
    make_decoder: Callable[..., Decoder], small: Path
) -> None:
    decoder = make_decoder(decoder_memory_mb=512)
    photo = ReadPhoto(read(small).candidate, "0" * 64, PhotoMemory().take(600 << 20))
    with photo.data, pytest.raises(DecodeError) as raised:
        decoder.decode(photo)
    assert str(raised.value) == "needs more than 512 MB to decode"


def test_too_many_pixels_and_too_many_bytes_are_refused(
    make_decoder: Callable[..., Decoder], slow: Path, small: Path
) -> None:
    decoder = make_decoder(max_megapixels=100, max_file_mb=1)
    with pytest.raises(DecodeError, match=r"larger than 100 megapixels \(14000 x 14000\)"):
        decode(decoder, slow)
    beyond = ReadPhoto(read(small).candidate, "0" * 64, PhotoBytes(5 << 20))
    with pytest.raises(DecodeError, match="larger than 1 MB"):
        decoder.decode(beyond)


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
