"""The set of real photos, through a real worker process."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from decoding import read
from photod.config import Intake
from photod.errors import DecodeError
from photod.intake.decoder import Decoded, Decoder
from photod.intake.formats import is_photo_name
from photod.intake.metadata import camera_name, parse_date
from photod.photos import InputSpec


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    decoder = Decoder(Intake(), InputSpec())
    yield decoder
    decoder.close()


def manifest(shared: Path) -> list[dict[str, str]]:
    with (shared / "photos-manifest.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_real_photo_is_decoded_and_its_facts_are_those_of_the_manifest(
    shared: Path, decoder: Decoder
) -> None:
    rows = [row for row in manifest(shared) if not row["file"].endswith(".jxl")]
    assert len(rows) == 88
    for row in rows:
        assert is_photo_name(row["file"])
        photo = read(shared / "photos" / row["file"])
        with photo.data:
            decoded = decoder.decode(photo)
        assert isinstance(decoded, Decoded)
        assert (decoded.candidate, decoded.sha256) == (photo.candidate, photo.sha256)
        assert len(decoded.pixels) == 224 * 224 * 3
        assert len(set(decoded.pixels)) > 30, f"{row['file']} came out flat"
        width, height = int(row["w"]), int(row["h"])
        if row["orientation"] in ("5", "6", "7", "8"):
            width, height = height, width
        facts = decoded.facts
        assert (facts.width, facts.height) == (width, height), row["file"]
        if row["taken"]:  # it knows DateTimeOriginal only
            assert facts.taken_at == parse_date(row["taken"]), row["file"]
        expected = camera_name(row["make"], row["model"])
        assert (facts.camera or "") in (expected or ""), row["file"]
        assert bool(facts.camera) == bool(expected), row["file"]


def test_jpeg_xl_is_listed_with_its_reason(shared: Path, decoder: Decoder) -> None:
    photo = read(shared / "photos" / "immich-test-assets/8bit-sRGB.jxl")
    with photo.data, pytest.raises(DecodeError) as raised:
        decoder.decode(photo)
    assert str(raised.value) == "JPEG XL is not supported"


def test_a_photo_and_its_turned_twin_give_the_same_pixels(shared: Path, decoder: Decoder) -> None:
    """Given the same scene stored twice, once upright and once sideways with an orientation."""
    found = []
    for name in ("Landscape_2.jpg", "Landscape_6.jpg", "Landscape_5.jpg"):
        photo = read(shared / "photos" / f"exif-orientation/{name}")
        with photo.data:
            found.append(decoder.decode(photo).pixels)
    for other in found[1:]:
        differences = [abs(a - b) for a, b in zip(found[0], other, strict=True)]
        assert sum(differences) / len(differences) < 8  # each carries its number in the picture
