"""A photo that carries no profile but names its colour space is seen in its true colours."""

import io
import math
import struct
import zlib
from collections.abc import Callable

import pytest
from PIL import Image, ImageCms

from dng import make_dng
from photod.intake import profiles
from photod.intake.decode import decode_for_view
from photod.intake.metadata import read
from pictures import encode

Colour = tuple[int, int, int]
Matrix = tuple[tuple[float, ...], ...]
RED, GREEN, SKIN, GREY, WHITE = (200, 30, 30), (70, 160, 60), (220, 170, 140), (128, 128, 128), (255, 255, 255)
COLOURS = (RED, GREEN, SKIN, GREY, WHITE)
EXIF_IFD, INTEROP_IFD, COLOR_SPACE = 0x8769, 0xA005, 0xA001
UNCALIBRATED, SRGB = 65535, 1
# Light in sRGB's primaries -> light in the others', as published.
SAME = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
TO_ADOBE_RGB = ((0.71512, 0.28488, 0.0), (0.0, 1.0, 0.0), (0.0, 0.04117, 0.95883))
TO_DISPLAY_P3 = ((0.82246, 0.17754, 0.0), (0.03319, 0.96681, 0.0), (0.01708, 0.07240, 0.91052))
TO_BT2020 = ((0.627404, 0.329282, 0.043314), (0.069097, 0.919541, 0.011362), (0.016391, 0.088013, 0.895595))
REFERENCE_WHITE = 203  # candela per square metre


def light_of(colour: Colour, matrix: Matrix) -> list[float]:
    levels = [level / 255 for level in colour]
    light = [level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4 for level in levels]
    return [sum(part * amount for part, amount in zip(row, light, strict=True)) for row in matrix]


def plain(light: list[float], curve: Callable[[float], float]) -> Image.Image:
    """A picture of one colour, whose values are made of its light by a curve."""
    red, green, blue = (round(255 * curve(part)) for part in light)
    return Image.new("RGB", (64, 64), (red, green, blue))


def adobe_rgb(colour: Colour) -> Image.Image:
    return plain(light_of(colour, TO_ADOBE_RGB), lambda light: math.pow(light, 256 / 563))


def srgb_curve(light: float) -> float:
    return float(light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055)


def pq(light: float) -> float:
    power = (REFERENCE_WHITE * light / 10000) ** (1305 / 8192)
    return float(((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** (2523 / 32))


def hlg(light: float) -> float:
    scene = (REFERENCE_WHITE * light / 1000) ** (1 / 1.2)
    return math.sqrt(3 * scene) if scene <= 1 / 12 else 0.17883277 * math.log(12 * scene - 0.28466892) + 0.55991073


def heif(picture: Image.Image, primaries: int, curve: int, **options: object) -> bytes:
    named = {"color_primaries": primaries, "transfer_characteristics": curve, "save_nclx_profile": True}
    return encode(picture, "HEIF", quality=98, matrix_coefficients=6, full_range_flag=1, **named, **options)


def avif(picture: Image.Image, primaries: int, curve: int) -> bytes:
    """Pillow writes sRGB's numbers, so they are exchanged."""
    before, mark, after = encode(picture, "AVIF", quality=100, subsampling="4:4:4").partition(b"colrnclx")
    assert mark
    return before + mark + struct.pack(">HH", primaries, curve) + after[4:]


def png(picture: Image.Image, primaries: int, curve: int, **options: object) -> bytes:
    data = encode(picture, "PNG", **options)
    chunk = b"cICP" + bytes((primaries, curve, 0, 1))
    return data[:33] + struct.pack(">I", 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[33:]


def exif(index: object = "R03", color_space: int | None = UNCALIBRATED) -> Image.Exif:
    made = Image.Exif()
    details = made.get_ifd(EXIF_IFD)
    details[INTEROP_IFD] = {1: index}
    if color_space is not None:
        details[COLOR_SPACE] = color_space
    return made


def assert_seen(data: bytes, colour: Colour, tolerance: int = 3) -> None:
    seen = decode_for_view(data, 64).getpixel((32, 32))
    assert isinstance(seen, tuple)
    assert all(abs(a - b) <= tolerance for a, b in zip(seen, colour, strict=True)), (seen, colour)


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF"])
def test_adobe_rgb_by_dcf_is_seen_in_its_true_colours(kind: str, colour: Colour) -> None:
    options: dict[str, object] = {} if kind == "PNG" else {"quality": 98}
    data = encode(adobe_rgb(colour), kind, exif=exif().tobytes(), **options)
    assert_seen(data, colour, 4)


@pytest.mark.parametrize(
    "said",
    [exif("R98"), exif("\x11\x06\x06\x08"), exif("R03", SRGB), exif(7), Image.Exif()],
    ids=["R98", "nonsense", "sRGB all the same", "a number", "nothing"],
)
def test_what_is_not_said_to_be_adobe_rgb_is_srgb(said: Image.Exif) -> None:
    assert_seen(encode(Image.new("RGB", (64, 64), RED), "JPEG", quality=98, exif=said.tobytes()), RED)


def test_an_embedded_profile_goes_before_what_exif_says() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = encode(Image.new("RGB", (64, 64), RED), "JPEG", quality=98, exif=exif().tobytes(), icc_profile=profile)
    assert_seen(data, RED)


def test_an_interoperability_directory_that_is_nowhere_costs_no_photo() -> None:
    """Given EXIF whose Interop IFD lies behind its end, then the photo is sRGB, and keeps its orientation."""
    said = exif()
    said[0x0112] = 6
    data = said.tobytes()
    at = data.index(b"\x05\xa0") if b"\x05\xa0" in data else data.index(b"\xa0\x05")
    broken = data[: at + 8] + b"\x7f\xff\xff\x7f" + data[at + 12 :]
    photo = encode(Image.new("RGB", (64, 64), RED), "JPEG", quality=98, exif=broken)
    assert_seen(photo, RED)
    assert read(Image.open(io.BytesIO(photo))).orientation == 6


def test_greys_have_no_primaries_and_stay() -> None:
    assert_seen(encode(Image.new("L", (64, 64), 128), "JPEG", exif=exif().tobytes()), GREY, 1)


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(
    ("matrix", "curve", "primaries", "number", "tolerance"),
    [
        (TO_DISPLAY_P3, srgb_curve, 12, 13, 6),
        (TO_BT2020, srgb_curve, 9, 14, 6),
        (TO_BT2020, pq, 9, 16, 15),  # in whose 8 bits what the encoders round is much
        (TO_BT2020, hlg, 9, 18, 8),
        (SAME, hlg, 1, 18, 8),
        (SAME, srgb_curve, 1, 13, 2),
        (SAME, srgb_curve, 2, 2, 2),
    ],
    ids=["Display P3", "BT.2020", "PQ", "HLG", "HLG of narrow primaries", "sRGB", "unspecified"],
)
@pytest.mark.parametrize("write", [heif, avif, png])
def test_a_colour_space_that_is_named_by_numbers_is_obeyed(
    write: Callable[[Image.Image, int, int], bytes],
    matrix: Matrix,
    curve: Callable[[float], float],
    primaries: int,
    number: int,
    tolerance: int,
    colour: Colour,
) -> None:
    assert_seen(write(plain(light_of(colour, matrix), curve), primaries, number), colour, tolerance)


@pytest.mark.parametrize(("curve", "number"), [(pq, 16), (hlg, 18)])
def test_what_is_brighter_than_white_is_white(curve: Callable[[float], float], number: int) -> None:
    assert_seen(heif(plain([4.0, 4.0, 4.0], curve), 9, number), WHITE, 1)


def test_white_is_white() -> None:
    assert_seen(png(Image.new("RGB", (64, 64), WHITE), 12, 13), WHITE, 0)


def test_the_colours_of_a_film_behind_a_photo_are_not_the_photos() -> None:
    photo = encode(Image.new("RGB", (64, 64), RED), "JPEG", quality=98)
    assert_seen(photo + struct.pack(">I8s3Hx", 19, b"colrnclx", 9, 16, 9), RED)


def test_the_white_of_cinemas_is_white() -> None:
    assert_seen(heif(Image.new("RGB", (64, 64), GREY), 11, 13), GREY, 2)


def test_an_embedded_profile_goes_before_the_numbers() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert_seen(heif(Image.new("RGB", (64, 64), RED), 12, 13, icc_profile=profile), RED)


def test_numbers_that_a_png_breaks_off_at_cost_no_photo() -> None:
    data = encode(Image.new("RGB", (64, 64), RED), "PNG")
    at = data.index(b"IDAT") - 4
    assert profiles.choose(data[:at] + struct.pack(">I4s", 4, b"cICP"), Image.open(io.BytesIO(data)), None) is None


@pytest.mark.parametrize("method", [2, 3])
@pytest.mark.parametrize("colour", COLOURS)
def test_the_profile_of_a_jpeg_2000_is_obeyed(colour: Colour, method: int) -> None:
    profile = profiles.choose(b"", Image.new("RGB", (1, 1)), is_adobe_rgb=True)
    assert isinstance(profile, bytes)
    assert_seen(with_colr(encode(adobe_rgb(colour), "JPEG2000"), bytes((method, 0, 0)) + profile), colour)


@pytest.mark.parametrize("content", [b"\2\0\0no profile", b"\4\0\0" + bytes(20)])
def test_what_is_no_profile_costs_no_photo(content: bytes) -> None:
    assert_seen(with_colr(encode(Image.new("RGB", (64, 64), RED), "JPEG2000"), content), RED)


def test_a_jpeg_2000_may_name_its_colours_before_its_profile() -> None:
    profile = profiles.choose(b"", Image.new("RGB", (1, 1)), is_adobe_rgb=True)
    assert isinstance(profile, bytes)
    data = encode(adobe_rgb(RED), "JPEG2000")
    assert_seen(with_colr(data, bytes((1, 0, 0, 0, 0, 0, 16)), b"\2\0\0" + profile), RED)


def with_colr(data: bytes, *contents: bytes) -> bytes:
    """A JPEG 2000 with other boxes of that name in the place of the one that Pillow writes, which has 15 bytes."""
    outer, at = data.index(b"jp2h") - 4, data.index(b"colr") - 4
    boxes = b"".join(struct.pack(">I4s", 8 + len(content), b"colr") + content for content in contents)
    size = struct.unpack_from(">I", data, outer)[0] - 15 + len(boxes)
    return data[:outer] + struct.pack(">I", size) + data[outer + 4 : at] + boxes + data[at + 15 :]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("mode", ["L", "LA"])
def test_greys_too_have_profiles(mode: str, kind: str) -> None:
    """Given greys that are light itself, with and without transparency."""
    curve = struct.pack(">4s4xIH2x", b"curv", 1, 256)
    white = struct.pack(">4s4x3i", b"XYZ ", 63190, 65536, 54061)
    start = 128 + 4 + 12 * 2
    tags = struct.pack(">I4sII4sII", 2, b"wtpt", start, len(white), b"kTRC", start + len(white), len(curve))
    size = start + len(white) + len(curve)
    kinds = (b"mntr", b"GRAY", b"XYZ ", b"acsp")
    head = struct.pack(">I4xI4s4s4s12x4s28x3i48x", size, 0x02400000, *kinds, 63190, 65536, 54061)
    light = round(255 * light_of(GREY, SAME)[0])
    profile = head + tags + white + curve
    picture = Image.new("L", (64, 64), light).convert(mode)
    assert_seen(encode(picture, kind, icc_profile=profile), GREY, 2)


@pytest.mark.parametrize(
    ("index", "preview_exif", "is_adobe_rgb"),
    [
        (b"", exif().tobytes(), True),
        (b"R03", b"", True),
        (b"R03", exif("R98").tobytes(), False),
        (b"R98", exif().tobytes(), True),
        (b"R98", b"", False),
    ],
    ids=["preview", "RAW file", "preview denies it", "RAW file denies it", "RAW file alone denies it"],
)
def test_of_a_raw_files_preview_it_has_the_first_word_itself(
    index: bytes, preview_exif: bytes, is_adobe_rgb: bool
) -> None:
    stored = adobe_rgb(RED) if is_adobe_rgb else Image.new("RGB", (64, 64), RED)
    assert_seen(make_dng(stored.resize((1200, 800)), index=index, preview_exif=preview_exif), RED, 4)


def test_a_raw_file_without_preview_is_developed_as_srgb() -> None:
    assert (
        decode_for_view(make_dng(None, index=b"R03"), 64).tobytes() == decode_for_view(make_dng(None), 64).tobytes()
    )


def test_the_colorants_are_those_that_adobe_publishes() -> None:
    profile = profiles.choose(b"", Image.new("RGB", (1, 1)), is_adobe_rgb=True)
    assert isinstance(profile, bytes)
    read_back = ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile
    expected = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
    for found, published in zip(
        (read_back.red_colorant, read_back.green_colorant, read_back.blue_colorant), expected, strict=True
    ):
        assert found is not None
        assert found[0] == pytest.approx(published, abs=2e-4)
