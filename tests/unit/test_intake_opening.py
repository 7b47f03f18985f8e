"""The layout of a TIFF does not show in its picture, and what comes out wrong of a file is not scored."""

import struct
import threading
from typing import Any, BinaryIO, Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from photod.errors import DecodeError
from photod.intake.decode import decode_photo
from photod.photos import InputSpec
from pictures import encode
from tiffs import CMYK, GREYS, GREYS_WITH_WHITE_AT_ZERO, LAB, RGB, make_tiff

SPOT, PREMULTIPLIED, STRAIGHT = (0,), (1,), (2,)
HALVED_COLOURS = bytes.fromhex(
    "ff4fff51002f000000000008000000080000000000000000000000080000000800000000000000000003070101070202070202"
    "ff52000c00000001000004040001ff5c00044040ff90000a0000000000360001ff93"
    "c7d424115054aff9cd80000184846a850c2425ff7fc7d41211504a667720c0b503cfb41014005cafffd9"
)  # a JPEG 2000
Order = Literal["<", ">"]
BOTH_ORDERS = pytest.mark.parametrize("order", "<>")


def slopes(kind: str, channels: int, white: float) -> NDArray[Any]:
    """Samples that rise in another direction in each channel, from black to white."""
    y, x = np.mgrid[0:64, 0:96]
    rising = [(x * (channel + 1) + y * (3 - channel)) % 256 / 255 for channel in range(channels)]
    return (np.stack(rising, axis=-1) * white).astype(kind)


def pixels_of(data: bytes | bytearray) -> bytes:
    return decode_photo(data, InputSpec(), 10**8).pixels


@BOTH_ORDERS
@pytest.mark.parametrize("deflate", [False, True], ids=["plain", "deflate"])
@pytest.mark.parametrize("kind", ["u1", "u2"])
@pytest.mark.parametrize(
    ("photometric", "channels", "extra"),
    [
        pytest.param(RGB, 3, (), id="RGB"),
        pytest.param(RGB, 4, STRAIGHT, id="RGBA"),
        pytest.param(CMYK, 4, (), id="CMYK"),
    ],
)
def test_colours_may_lie_apart(
    photometric: int, channels: int, extra: tuple[int, ...], kind: str, deflate: bool, order: Order
) -> None:
    samples = slopes(kind, channels, np.iinfo(kind).max)
    apart = make_tiff(samples, photometric, order=order, extra=extra, deflate=deflate)
    together = make_tiff(samples, photometric, order=order, extra=extra, separate=False)
    assert pixels_of(apart) == pixels_of(together)


@BOTH_ORDERS
def test_premultiplied_colours_may_lie_apart(order: Order) -> None:
    samples = slopes("u2", 4, 65535)
    apart = make_tiff(samples, RGB, order=order, extra=PREMULTIPLIED)
    assert pixels_of(apart) == pixels_of(make_tiff(samples, RGB, order=order, extra=PREMULTIPLIED, separate=False))


@BOTH_ORDERS
@pytest.mark.parametrize("deflate", [False, True], ids=["plain", "deflate"])
def test_deep_greys_whose_white_is_zero_are_no_negative(deflate: bool, order: Order) -> None:
    samples = slopes("u2", 1, 65535)
    negative = make_tiff(65535 - samples, GREYS_WITH_WHITE_AT_ZERO, separate=False, order=order, deflate=deflate)
    expected = pixels_of(make_tiff(samples, GREYS, separate=False, order=order))
    assert all(abs(a - b) <= 1 for a, b in zip(pixels_of(negative), expected, strict=True))


@BOTH_ORDERS
@pytest.mark.parametrize("photometric", [GREYS, GREYS_WITH_WHITE_AT_ZERO], ids=["black is zero", "white is zero"])
@pytest.mark.parametrize(("bits", "white"), [(1, 1), (8, 255)])
def test_a_single_channel_may_be_called_apart(bits: int, white: int, photometric: int, order: Order) -> None:
    samples = slopes("u1", 1, white)
    apart = make_tiff(samples, photometric, order=order, bits=bits)
    assert pixels_of(apart) == pixels_of(make_tiff(samples, photometric, order=order, bits=bits, separate=False))


@BOTH_ORDERS
@pytest.mark.parametrize("deflate", [False, True], ids=["plain", "deflate"])
@pytest.mark.parametrize("separate", [False, True], ids=["together", "apart"])
@pytest.mark.parametrize(("kind", "white"), [("i2", 32767), ("i4", 65535), ("f4", 1.0)])
def test_deep_greys_are_the_same_in_either_byte_order(
    kind: str, white: float, separate: bool, deflate: bool, order: Order
) -> None:
    samples = slopes(kind, 1, white)
    found = make_tiff(samples, GREYS, order=order, separate=separate, deflate=deflate)
    assert pixels_of(found) == pixels_of(make_tiff(samples, GREYS, separate=False))


def test_of_colours_that_lie_apart_none_may_be_missing() -> None:
    data = make_tiff(slopes("u2", 3, 65535), RGB)
    with pytest.raises(DecodeError):
        pixels_of(data[:-5000])


@pytest.mark.parametrize("deflate", [False, True], ids=["plain", "deflate"])
@pytest.mark.parametrize(
    ("photometric", "channels", "extra"),
    [
        pytest.param(LAB, 3, (), id="LAB"),
        pytest.param(GREYS, 2, STRAIGHT, id="LA"),
        pytest.param(GREYS, 2, PREMULTIPLIED, id="La"),
    ],
)
def test_what_nobody_reads_aright_is_not_scored(
    photometric: int, channels: int, extra: tuple[int, ...], deflate: bool
) -> None:
    with pytest.raises(DecodeError, match="that lie apart is not supported"):
        pixels_of(make_tiff(slopes("u1", channels, 255), photometric, extra=extra, deflate=deflate))


@BOTH_ORDERS
@pytest.mark.parametrize("deflate", [False, True], ids=["plain", "deflate"])
@pytest.mark.parametrize("extra", [PREMULTIPLIED, STRAIGHT, SPOT])
def test_what_was_selected_of_inks_does_not_matter(extra: tuple[int, ...], deflate: bool, order: Order) -> None:
    samples = slopes("u1", 5, 255)
    data = make_tiff(samples, CMYK, order=order, extra=extra, deflate=deflate, separate=False)
    assert pixels_of(data) == pixels_of(make_tiff(samples[..., :4], CMYK, separate=False))
    if extra != SPOT:
        with pytest.raises(DecodeError, match="a TIFF of inks and transparency that lie apart is not supported"):
            pixels_of(make_tiff(samples, CMYK, order=order, extra=extra, deflate=deflate))


@BOTH_ORDERS
@pytest.mark.parametrize(
    ("kind", "photometric", "channels", "extra", "words"),
    [
        ("u2", CMYK, 5, STRAIGHT, "5 x 16 bits"),
        ("u2", GREYS, 2, STRAIGHT, "2 x 16 bits"),
        ("f4", RGB, 3, (), "3 x 32 bits, floating point"),
        ("u2", LAB, 3, (), "3 x 16 bits"),
    ],
)
def test_a_person_is_told_which_kind_is_not_supported(
    kind: str, photometric: int, channels: int, extra: tuple[int, ...], words: str, order: Order
) -> None:
    data = make_tiff(slopes(kind, channels, 1), photometric, order=order, extra=extra, separate=False)
    with pytest.raises(DecodeError) as raised:
        pixels_of(data)
    assert str(raised.value) == f"a TIFF of a kind that is not supported ({words})"


@pytest.mark.parametrize(
    ("lightness", "a", "b", "red", "green", "blue"),
    [(100, 0, 0, 255, 255, 255), (54, 0, 0, 129, 129, 129), (44, 64, 47, 200, 30, 30), (46, -48, 49, 0, 128, 0)],
)
def test_lightness_and_colours_are_seen_as_they_are_meant(
    lightness: int, a: int, b: int, red: int, green: int, blue: int
) -> None:
    """Given what CIELAB of D50 says of white, of a grey, of a red and of a green."""
    samples = np.full((8, 8, 3), (round(lightness * 2.55), a % 256, b % 256), "u1")
    seen = pixels_of(make_tiff(samples, LAB, separate=False))[:3]
    assert all(abs(level - meant) <= 6 for level, meant in zip(seen, (red, green, blue), strict=True)), list(seen)


@pytest.mark.parametrize("compression", [50001, 50002], ids=["WebP", "JPEG XL"])
def test_a_compression_that_is_not_supported_is_named(compression: int) -> None:
    data = make_tiff(slopes("u1", 3, 255), RGB, separate=False).replace(
        struct.pack("<HHII", 259, 3, 1, 1), struct.pack("<HHII", 259, 3, 1, compression)
    )
    with pytest.raises(DecodeError, match=rf"a TIFF of a kind that is not supported \(compression {compression}\)"):
        pixels_of(data)


@pytest.mark.parametrize("bare", [False, True], ids=["file", "codestream"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
def test_deep_colours_of_a_jpeg_2000_are_not_scored(mode: str, bare: bool) -> None:
    """Given a channel of more than 8 bits, whose white would be black."""
    data = bytearray(encode(Image.new(mode, (64, 48)), "JPEG2000", no_jp2=bare))
    assert pixels_of(data)
    data[data.index(b"\xff\x4f\xff\x51") + 45] = 0x80 | 12 - 1  # of the second channel, with a sign
    with pytest.raises(DecodeError, match="a JPEG 2000 of 12 bits a channel is not supported"):
        pixels_of(data)


@pytest.mark.parametrize("bare", [False, True], ids=["file", "codestream"])
def test_deep_greys_of_a_jpeg_2000_are_scored(bare: bool) -> None:
    white = encode(Image.new("I;16", (64, 48), 65535), "JPEG2000", no_jp2=bare)
    assert set(pixels_of(white)) == {255}


def test_colours_of_a_jpeg_2000_may_have_half_the_pixels() -> None:
    """Given 8 x 8 pixels of red."""
    assert pixels_of(HALVED_COLOURS)[:3] == bytes((254, 0, 0))


@pytest.mark.parametrize("side", [8, 12], ids=["width", "height"])
def test_halved_colours_of_an_odd_size_are_not_scored(side: int) -> None:
    """Given a row or a column more than twice the colours', which Pillow would read from the wrong places."""
    data = bytearray(HALVED_COLOURS)
    data[side + 3] = 7
    with pytest.raises(DecodeError, match=r"^a JPEG 2000 of [78] x [78] with halved colours is not supported$"):
        pixels_of(data)


@pytest.mark.parametrize("size", [4, 8, 10, 60, 120])
def test_a_damaged_directory_is_told_as_damage(size: int) -> None:
    with pytest.raises(DecodeError, match=r"^damaged TIFF"):
        pixels_of(make_tiff(slopes("u1", 3, 255), RGB, separate=False)[:size])


def test_to_open_one_by_libtiff_changes_nothing_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a file that ends too early, opened by another thread meanwhile, then its reason is the usual one."""
    deep, cut = make_tiff(slopes("u2", 3, 65535), RGB), make_tiff(slopes("u1", 3, 255), RGB)[:-500]
    reasons: list[str] = []
    others: list[threading.Thread] = []
    pillows_own = Image.open

    def open_cut() -> None:
        try:
            pixels_of(cut)
        except DecodeError as error:
            reasons.append(str(error))

    def open_beside_another(file: BinaryIO, **options: Any) -> Image.Image:
        if TiffImagePlugin.READ_LIBTIFF:
            others.append(threading.Thread(target=open_cut))
            others[0].start()
            others[0].join(0.2)
        return pillows_own(file, **options)

    monkeypatch.setattr(Image, "open", open_beside_another)
    pixels_of(deep)
    others[0].join()
    assert reasons == ["unfinished: the file ends before its picture does"]
    assert not TiffImagePlugin.READ_LIBTIFF
