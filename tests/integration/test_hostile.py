"""Files made to break decoders: each ends decoded or unscoreable with a reason, and the daemon feels nothing."""

import io
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from photod.config import Intake
from photod.errors import DecodeError
from photod.fingerprints import fingerprint_of
from photod.intake.decoder import Decoder
from photod.intake.memory import PhotoMemory
from photod.intake.read import ReadPhoto, read_photo
from photod.photos import Candidate, Fingerprint, InputSpec
from processes import resident_bytes

LIMIT_S = 20.0
MOST_GROWTH = 16 << 20  # bytes of resident memory; one leaked photo in a hundred would be more
SEED = 20260101
MEMORY = PhotoMemory()


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    decoder = Decoder(Intake(decode_timeout_s=LIMIT_S), InputSpec())
    yield decoder
    decoder.close()


def verdict(decoder: Decoder, photo: ReadPhoto) -> str | None:
    """The reason why a photo is unscoreable, None if it was decoded. Any other exception fails the test."""
    with photo.data:
        try:
            decoded = decoder.decode(photo)
        except DecodeError as error:
            return str(error)
    assert len(decoded.pixels) == 3 * 224 * 224
    assert decoded.facts.width > 0
    assert decoded.facts.height > 0
    return None


def assert_readable(reason: str, name: str) -> None:
    """A person understands it: one short line without Python's or a library's inner words."""
    assert 8 <= len(reason) <= 300, (name, reason)
    assert reason.isprintable(), (name, reason)
    for inner in ("Traceback", "object at 0x", "<class", "Error(", "Errno", "PIL.", "NoneType"):
        assert inner not in reason, (name, reason)
    assert "took longer" not in reason, (name, reason)


def test_every_hostile_file_is_decoded_or_unscoreable_with_a_reason(shared: Path, decoder: Decoder) -> None:
    paths = sorted(path for path in (shared / "hostile").iterdir() if path.is_file())
    assert len(paths) == 200
    reasons: dict[str, str | None] = {}
    before = 0
    for turn in range(2):
        if turn == 1:
            before = resident_bytes()
        for path in paths:
            candidate = Candidate(str(path.parent), path.name, fingerprint_of(path.stat()))
            photo = read_photo(candidate, 1 << 30, MEMORY)
            assert isinstance(photo, ReadPhoto)
            reason = verdict(decoder, photo)
            assert turn == 0 or reason == reasons[path.name], f"two verdicts on {path.name}"
            reasons[path.name] = reason
    assert resident_bytes() - before < MOST_GROWTH
    for name, reason in reasons.items():
        if reason is not None:
            assert_readable(reason, name)


def photo_of(data: bytes) -> ReadPhoto:
    """Bytes as if they had been read from a file."""
    kept = MEMORY.take(len(data))
    with kept.view() as view:
        view[:] = data
    return ReadPhoto(Candidate("/nowhere", "fuzzed", Fingerprint(len(data), 0, 0, 0)), "", kept)


def mutate(data: bytes, chance: random.Random) -> bytes:
    """A damaged copy, as disks, networks and attackers make them."""
    file = bytearray(data)
    at, length = chance.randrange(len(file)), chance.choice((1, 16, 512, 4096, 65536))
    kind = chance.randrange(7)
    if kind == 0:  # bytes flipped anywhere
        for _ in range(chance.choice((1, 8, 64))):
            file[chance.randrange(len(file))] = chance.randrange(256)
    elif kind == 1:  # bytes flipped where the structure is
        for _ in range(chance.choice((1, 4, 16))):
            file[chance.randrange(min(len(file), 1024))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
    elif kind == 2:
        del file[at:]
    elif kind == 3:
        file[at : at + length] = bytes(min(length, len(file) - at))
    elif kind == 4:  # two segments change places
        other = chance.randrange(len(file))
        first, second = sorted((at, other))
        size = min(length, second - first, len(file) - second)
        file[first : first + size], file[second : second + size] = (
            file[second : second + size],
            file[first : first + size],
        )
    elif kind == 5:
        file[at:at] = chance.randbytes(length)
    else:
        del file[at : at + length]
    return bytes(file)


def real_photos(shared: Path) -> list[bytes]:
    """Small real photos of every format; those that cameras do not write are converted."""
    files = sorted(
        path for path in (shared / "photos").rglob("*") if path.is_file() and path.stat().st_size < 130_000
    )
    photos = [path.read_bytes() for path in files if "fox" not in path.name or "8bpc" in path.name]
    picture = Image.open(shared / "photos" / "flower-photos" / "495094547_fd2d999c44.jpg")
    for kind in ("TIFF", "GIF", "BMP", "PNG", "JPEG2000"):
        converted = io.BytesIO()
        picture.save(converted, kind)
        photos.append(converted.getvalue())
    progressive, deflated = io.BytesIO(), io.BytesIO()
    picture.save(progressive, "JPEG", progressive=True)
    picture.save(deflated, "TIFF", compression="tiff_deflate")
    return [*photos, progressive.getvalue(), deflated.getvalue()]


def fuzz(shared: Path, decoder: Decoder, count: int) -> None:
    photos, chance = real_photos(shared), random.Random(SEED)
    outcomes = {"decoded": 0, "unscoreable": 0}
    before = 0
    for turn in range(count):
        if turn == count // 3:
            before = resident_bytes()
        damaged = mutate(photos[turn % len(photos)], chance)
        reason = verdict(decoder, photo_of(damaged))
        outcomes["decoded" if reason is None else "unscoreable"] += 1
        if reason is not None:
            assert_readable(reason, f"variant {turn}")
    assert resident_bytes() - before < MOST_GROWTH
    assert min(outcomes.values()) > count // 20, outcomes
    print(f"{count} variants: {outcomes}")


def test_damaged_copies_of_real_photos_are_decoded_or_unscoreable_with_a_reason(
    shared: Path, decoder: Decoder
) -> None:
    fuzz(shared, decoder, 300)


@pytest.mark.slow
def test_ten_thousand_damaged_copies_are_decoded_or_unscoreable_with_a_reason(
    shared: Path, decoder: Decoder
) -> None:
    fuzz(shared, decoder, 10_000)
