"""Grey pictures of every depth: black and white are where the file says."""

import struct

import pytest
from PIL import Image

from dng import LONG, SHORT, Entry, directory, picture
from photod.errors import DecodeError
from photod.intake.decode import decode_for_view
from pictures import encode

SIDE, DIRECTORY, DATA = 64, 8, 512
WHITE_IS_ZERO, BLACK_IS_ZERO = 0, 1
INTEGER, FLOAT = 1, 3
PREMULTIPLIED, STRAIGHT = 1, 2


def tiff(bits: list[int], photometric: int, pixel: bytes, *more: Entry) -> bytes:
    """A picture of one grey; `pixel` may be two pixels where one is no whole number of bytes."""
    pixels = pixel * (SIDE * SIDE * sum(bits) // 8 // len(pixel))
    entries = picture(0, (SIDE, SIDE), bits, 1, photometric)
    entries += [(273, LONG, [DATA]), (279, LONG, [len(pixels)]), *more]
    return (struct.pack("<2sHI", b"II", 42, DIRECTORY) + directory(entries, DIRECTORY)).ljust(DATA, b"\0") + pixels


def grey_of(data: bytes, at: tuple[int, int] = (32, 32)) -> int:
    red, green, blue = decode_for_view(data, SIDE).getpixel(at)  # type: ignore[misc]
    assert red == green == blue
    return int(red)


THREE_QUARTERS = {
    8: bytes([191]),
    12: bytes([0xBF, 0xFB, 0xFF]),  # 3071 twice
    16: struct.pack("<H", 49151),
}


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_white_is_the_largest_number_of_a_pixels_bits(bits: int) -> None:
    assert grey_of(tiff([bits], BLACK_IS_ZERO, THREE_QUARTERS[bits])) == 191


@pytest.mark.parametrize("bits", [8, 16])
def test_a_tiff_whose_white_is_zero_is_no_negative(bits: int) -> None:
    assert grey_of(tiff([bits], WHITE_IS_ZERO, THREE_QUARTERS[bits])) == 64


def test_floats_have_their_white_at_zero_too() -> None:
    sample_format: Entry = (339, SHORT, [FLOAT])
    assert grey_of(tiff([32], WHITE_IS_ZERO, struct.pack("<f", 0.75), sample_format)) == 64
    assert grey_of(tiff([32], BLACK_IS_ZERO, struct.pack("<f", 0.75), sample_format)) == 191


def test_floats_that_reach_white_are_not_stretched() -> None:
    data = tiff([32], BLACK_IS_ZERO, struct.pack("<2f", 0.5, 1.0), (339, SHORT, [FLOAT]))
    assert (grey_of(data, (32, 32)), grey_of(data, (33, 32))) == (128, 255)


def test_a_picture_of_one_number_is_white_wherever_it_lies() -> None:
    sample_format: Entry = (339, SHORT, [FLOAT])
    assert grey_of(tiff([32], BLACK_IS_ZERO, struct.pack("<f", -7.5), sample_format)) == 255


@pytest.mark.parametrize(("alpha", "grey"), [(PREMULTIPLIED, 50), (STRAIGHT, 100)])
def test_half_transparent_greys_let_white_through(alpha: int, grey: int) -> None:
    assert grey_of(tiff([8, 8], BLACK_IS_ZERO, bytes([grey, 128]), (338, SHORT, [alpha]))) == 177


def test_the_grey_that_a_deep_png_declares_transparent_is_white() -> None:
    """Given two greys that differ in the last bit, one of them declared transparent, then the other stays."""
    row = struct.pack("<H", 0x8001) * (SIDE // 2) + struct.pack("<H", 0x8000) * (SIDE // 2)
    image = Image.frombytes("I;16", (SIDE, SIDE), row * SIDE)
    data = encode(image, "PNG", transparency=0x8000)
    assert (grey_of(data, (10, 32)), grey_of(data, (54, 32))) == (128, 255)


def test_greys_that_wrap_around_are_not_scored() -> None:
    """Given 32 bits without sign, of which some are beyond what fits with one."""
    low, high = struct.pack("<I", 0x40000000), struct.pack("<I", 0xC0000000)
    assert grey_of(tiff([32], BLACK_IS_ZERO, struct.pack("<I", 49151), (339, SHORT, [INTEGER]))) == 191
    with pytest.raises(DecodeError, match="a TIFF of greys above 2147483647 is not supported"):
        grey_of(tiff([32], BLACK_IS_ZERO, low + high, (339, SHORT, [INTEGER])))
