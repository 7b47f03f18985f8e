from pathlib import Path

import pytest
from PIL import Image

from photod.intake.decode import FORMATS
from photod.intake.formats import PHOTO_SUFFIXES, explain, has_raw_magic, is_photo_name, sniff


@pytest.mark.parametrize(
    "name",
    [
        "a.jpg", "A.JPG", "x.y.HeIc", "IMG 1.CR3", "naïve\n.png", "bad\udcff.webp", "scan.TIFF", "new.jxl",
        "360.INSP", "two.jps", "P1010001.ORI", "a.heics", "a.heifs", "a.avifs", "a.j2c", "a.jpc", "a.apng",
        "IMG0001.PCD", "a.tga", "a.ptx", "a.eip", "a.BAY",
    ],
)  # fmt: skip
def test_names_that_users_give_to_photos_are_photos(name: str) -> None:
    assert is_photo_name(name)


@pytest.mark.parametrize("name", ["a.txt", "jpg", ".jpg", "a.jpg.part", "a.xmp", "a.mp4", "a.", ""])
def test_other_names_are_not(name: str) -> None:
    assert not is_photo_name(name)


def test_a_name_that_is_usual_for_what_can_be_decoded_is_a_photos() -> None:
    usual = [suffix for suffix, kind in Image.registered_extensions().items() if kind in FORMATS]
    assert len(usual) > 20
    assert all(is_photo_name("a" + suffix) for suffix in usual)


def test_suffixes_are_lower_case_and_have_their_dot() -> None:
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in PHOTO_SUFFIXES)


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"", "the file is empty"),
        (bytes(64), "unfinished: the file starts with zeros"),
        (b"\xff\x0a\xfa\x7f", "JPEG XL is not supported"),
        (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL is not supported"),
        (b"8BPS\x00\x01", "Photoshop is not supported"),
        (bytes(2040) + b"\xff" * 8 + b"PCD_IPI", "Photo CD is not supported"),
        (b"%PDF-1.7", "not a picture: the file starts like a PDF"),
        (b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isommp42", "not a picture: the file starts like a film"),
        (b"\x00\x00\x01\xba\x44\x00", "not a picture: the file starts like a film"),
        (b"\xff\xd8\xff\xe0rest", "damaged JPEG, or of a kind that is not supported"),
        (b"FUJIFILMCCD-RAW 0201", "this RAW file is damaged or of an unknown camera"),
        (b"hello", "not a picture, or in a format that is not supported"),
    ],
)
def test_a_person_is_told_what_the_file_looks_like(head: bytes, reason: str) -> None:
    assert explain(head, len(head)) == reason


@pytest.mark.parametrize(
    ("brands", "kind"),
    [
        (b"avif", "AVIF"),
        (b"mif1....miafavif", "AVIF"),
        (b"heic", "HEIF"),
        (b"isom....msf1", "HEIF"),
        (b"qt  ", None),
    ],
)
def test_what_a_box_holds_is_told_by_any_of_its_brands(brands: bytes, kind: str | None) -> None:
    assert sniff(b"\0\0\0\x20ftyp" + brands) == kind


@pytest.mark.parametrize(
    "head",
    [
        b"II*\0\x10\0\0\0CR\2\0", b"II\x1a\0\0\0HEAPCCDR", b"IIRO\x08", b"IIRS\x08", b"MMOR\0",
        b"IIU\0\x18", b"\0MRM\0\1", b"FOVb\0\0", b"ARRI", b"II*\0....IIII.waR", b"MM\0*....MMMMRaw",
    ],
)  # fmt: skip
def test_raw_files_of_many_makers_are_known_by_their_first_bytes(head: bytes) -> None:
    assert has_raw_magic(head + bytes(16))
    assert not has_raw_magic(b"x" + head + bytes(16))


def test_canon_raw_is_neither_heif_nor_a_film() -> None:
    head = b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom"
    assert has_raw_magic(head)
    assert sniff(head) is None


def test_real_photos_are_told_apart_by_their_first_bytes(shared: Path) -> None:
    kinds = {".png": "PNG", ".webp": "WebP", ".avif": "AVIF", ".heic": "HEIF", ".heif": "HEIF", ".jpg": "JPEG"}
    for photo in sorted((shared / "photos").rglob("*.*")):
        if expected := kinds.get(photo.suffix.lower()):
            assert sniff(photo.read_bytes()[:64]) == expected, photo.name
