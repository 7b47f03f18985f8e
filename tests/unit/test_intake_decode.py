"""Every mode, orientation and profile becomes the same upright sRGB picture."""

import struct
import threading
import warnings
import zlib
from collections.abc import Callable

import pytest
from PIL import Image, ImageCms, ImageDraw

from photod.errors import DecodeError
from photod.intake.decode import ModelInput, decode_for_view, decode_photo
from photod.photos import InputSpec
from pictures import encode

SPEC = InputSpec()
MOST = 10**8
RED, GREEN, BLUE, WHITE = (200, 30, 30), (30, 180, 40), (30, 40, 190), (255, 255, 255)
CORNERS = (RED, GREEN, BLUE, WHITE)  # top left, top right, bottom left, bottom right
Colour = tuple[int, int, int]


def quarters(width: int = 480, height: int = 320, colours: tuple[Colour, ...] = CORNERS) -> Image.Image:
    """A picture whose four quarters tell which way up it is."""
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    for index, colour in enumerate(colours):
        left, top = index % 2 * width // 2, index // 2 * height // 2
        draw.rectangle((left, top, left + width // 2 - 1, top + height // 2 - 1), fill=colour)
    return image


def decode(data: bytes, spec: InputSpec = SPEC) -> ModelInput:
    return decode_photo(data, spec, MOST)


def corners_of(photo: ModelInput, size: int = 224) -> list[Colour]:
    """The colours in the middle of each quarter."""
    image = Image.frombytes("RGB", (size, size), photo.pixels)
    places = [(x, y) for y in (size // 4, 3 * size // 4) for x in (size // 4, 3 * size // 4)]
    return [image.getpixel(place) for place in places]  # type: ignore[misc]


def assert_close(found: list[Colour], expected: tuple[Colour, ...], tolerance: int) -> None:
    for one, other in zip(found, expected, strict=True):
        assert all(abs(a - b) <= tolerance for a, b in zip(one, other, strict=True)), (found, expected)


# Which picture a camera stores so that the viewer sees `quarters()`, by EXIF orientation.
STORED: dict[int, Callable[[Image.Image], Image.Image]] = {
    1: lambda image: image,
    2: lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    3: lambda image: image.transpose(Image.Transpose.ROTATE_180),
    4: lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    5: lambda image: image.transpose(Image.Transpose.TRANSPOSE),
    6: lambda image: image.transpose(Image.Transpose.ROTATE_90),
    7: lambda image: image.transpose(Image.Transpose.TRANSVERSE),
    8: lambda image: image.transpose(Image.Transpose.ROTATE_270),
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_every_orientation_of_every_format_comes_out_upright(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, object] = {} if kind in ("PNG", "TIFF") else {"quality": 95}
    photo = decode(encode(STORED[orientation](quarters()), kind, exif=exif.tobytes(), **options))
    assert_close(corners_of(photo), CORNERS, 12)
    assert (photo.facts.width, photo.facts.height) == (480, 320)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "HEIF", "AVIF", "JPEG2000", "MPO"])
def test_every_format_is_decoded(kind: str) -> None:
    assert_close(corners_of(decode(encode(quarters(), kind))), CORNERS, 14)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "MPO"])
def test_of_several_pictures_the_first_counts(kind: str) -> None:
    others = [quarters(colours=(WHITE,) * 4), quarters(colours=(BLUE,) * 4)]
    data = encode(quarters(), kind, save_all=True, append_images=others)
    assert_close(corners_of(decode(data)), CORNERS, 14)


@pytest.mark.parametrize("brand", [b"mif1", b"msf1"])
@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_a_container_need_not_say_first_what_is_in_it(kind: str, brand: bytes) -> None:
    data = encode(quarters(), kind)
    assert_close(corners_of(decode(data[:8] + brand + data[12:])), CORNERS, 14)


def test_crop_takes_the_centre_and_squash_the_whole() -> None:
    """Given a wide picture whose outer thirds are red, then the crop has no red and the squash has."""
    image = Image.new("RGB", (900, 300), RED)
    image.paste(GREEN, (300, 0, 600, 300))
    data = encode(image, "PNG")
    cropped = Image.frombytes("RGB", (224, 224), decode(data, InputSpec(resize="crop")).pixels)
    squashed = Image.frombytes("RGB", (224, 224), decode(data, InputSpec(resize="squash")).pixels)
    assert {cropped.getpixel((x, 112)) for x in (2, 112, 221)} == {GREEN}
    assert [squashed.getpixel((x, 112)) for x in (2, 112, 221)] == [RED, GREEN, RED]


@pytest.mark.parametrize("size", [32, 224, 336])
def test_the_size_is_the_models(size: int) -> None:
    photo = decode(encode(quarters(), "PNG"), InputSpec(size=size))
    assert len(photo.pixels) == size * size * 3
    assert_close(corners_of(photo, size), CORNERS, 2)


def test_scaled_decoding_of_a_large_jpeg_is_close_to_a_full_one() -> None:
    image = Image.effect_mandelbrot((3000, 2000), (-2.0, -1.2, 1.0, 1.2), 80).convert("RGB")
    fast = Image.frombytes("RGB", (224, 224), decode(encode(image, "JPEG", quality=95)).pixels)
    exact = image.resize((224, 224), Image.Resampling.BICUBIC)
    differences = [abs(a - b) for a, b in zip(fast.tobytes(), exact.tobytes(), strict=True)]
    assert sum(differences) / len(differences) < 1.5


# --- colour ---------------------------------------------------------------------------------------------------


def test_transparent_parts_are_white() -> None:
    image = quarters().convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 240, 160))
    expected = (WHITE, GREEN, BLUE, WHITE)
    for data in (encode(image, "PNG"), encode(image, "WEBP", lossless=True), encode(image, "TIFF")):
        assert_close(corners_of(decode(data)), expected, 2)


def test_half_transparent_parts_are_half_white() -> None:
    data = encode(Image.new("RGBA", (300, 300), (0, 0, 0, 128)), "PNG")
    assert_close(corners_of(decode(data)), ((127, 127, 127),) * 4, 1)


@pytest.mark.parametrize("mode", ["P", "LA", "L", "1"])
def test_palettes_and_greys_keep_their_tones(mode: str) -> None:
    image = quarters(colours=((0, 0, 0), (255, 255, 255), (255, 255, 255), (0, 0, 0))).convert(mode)
    assert_close(corners_of(decode(encode(image, "PNG"))), ((0,) * 3, WHITE, WHITE, (0,) * 3), 2)


def test_a_transparent_palette_entry_is_white() -> None:
    image = quarters().quantize(8)
    data = encode(image, "PNG", transparency=image.getpixel((10, 10)))
    assert_close(corners_of(decode(data)), (WHITE, GREEN, BLUE, WHITE), 6)


def test_cmyk_without_profile_is_converted() -> None:
    for kind in ("JPEG", "TIFF"):
        data = encode(quarters().convert("CMYK"), kind)
        assert_close(corners_of(decode(data)), CORNERS, 14)


def test_lab_is_converted() -> None:
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    lab = ImageCms.applyTransform(quarters(), to_lab)
    assert lab is not None
    assert_close(corners_of(decode(encode(lab, "TIFF"))), CORNERS, 10)


def steps(mode: str, values: tuple[float, float, float, float]) -> Image.Image:
    image = Image.new(mode, (480, 320))
    for index, value in enumerate(values):
        left, top = index % 2 * 240, index // 2 * 160
        image.paste(value, (left, top, left + 240, top + 160))
    return image


GREYS = ((0,) * 3, (64,) * 3, (128,) * 3, (255,) * 3)


@pytest.mark.parametrize(
    ("mode", "kind", "values"),
    [
        ("I;16", "PNG", (0, 64 * 257, 128 * 257, 65535)),
        ("I;16", "TIFF", (0, 64 * 257, 128 * 257, 65535)),
        ("I", "TIFF", (0, 64 * 257, 128 * 257, 65535)),
        ("I", "TIFF", (-1000, -1000 + 64 * 4000, -1000 + 128 * 4000, -1000 + 255 * 4000)),
        ("F", "TIFF", (0.0, 64 / 255, 128 / 255, 1.0)),
        ("F", "TIFF", (-50.0, -50 + 64, -50 + 128, -50 + 255)),
    ],
)
def test_deep_greys_are_scaled_not_clipped(mode: str, kind: str, values: tuple[float, float, float, float]) -> None:
    assert_close(corners_of(decode(encode(steps(mode, values), kind))), GREYS, 1)


def test_sixteen_bit_colour_is_scaled_not_clipped() -> None:
    """Pillow writes no such PNG, so it is made by hand: 8 x 8 pixels of 3 x 16 bits."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = [[c * 257 for colour in CORNERS[at : at + 2] for c in 4 * colour] for at in (0, 2)]
    body = b"".join(4 * (b"\0" + struct.pack(">24H", *row)) for row in rows)
    header = struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(body)), chunk(b"IEND", b"")
    assert_close(corners_of(decode(b"\x89PNG\r\n\x1a\n" + b"".join(parts))), CORNERS, 2)


def test_floats_that_are_no_numbers_are_the_photos_fault() -> None:
    with pytest.raises(DecodeError, match="not numbers"):
        decode(encode(steps("F", (0.0, float("nan"), float("inf"), 1.0)), "TIFF"))


def swapped_profile() -> bytes:
    """An sRGB profile whose red and blue primaries have changed places."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    tags = {bytes(data[at : at + 4]): at for at in range(132, 132 + 12 * int.from_bytes(data[128:132], "big"), 12)}
    red, blue = tags[b"rXYZ"], tags[b"bXYZ"]
    data[red + 4 : red + 12], data[blue + 4 : blue + 12] = data[blue + 4 : blue + 12], data[red + 4 : red + 12]
    return bytes(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF", "HEIF"])
def test_an_embedded_profile_is_obeyed(kind: str) -> None:
    """Given a profile that swaps red and blue, then what is seen has them swapped."""
    photo = decode(encode(quarters(), kind, icc_profile=swapped_profile()))
    assert_close(corners_of(photo), tuple((b, g, r) for r, g, b in CORNERS), 16)


@pytest.mark.parametrize(
    "profile",
    [b"nonsense", b"", bytes(200), swapped_profile()[:100]],
    ids=["nonsense", "empty", "zeros", "cut off"],  # a profile tells when it was made: no name for a test
)
def test_a_broken_profile_is_ignored(profile: bytes) -> None:
    assert_close(corners_of(decode(encode(quarters(), "PNG", icc_profile=profile))), CORNERS, 2)


def test_a_profile_for_other_channels_is_ignored() -> None:
    data = encode(quarters().convert("L"), "PNG", icc_profile=swapped_profile())
    assert_close(corners_of(decode(data))[3:], (WHITE,), 1)


# --- limits and reasons ---------------------------------------------------------------------------------------


def test_a_bomb_is_refused_before_any_pixel_is_decoded() -> None:
    """2,300 bytes that would be 90 gigabytes."""
    data = bytearray(encode(Image.new("1", (8, 8)), "BMP"))
    data[18:26] = struct.pack("<ii", 200_000, 150_000)
    with pytest.raises(DecodeError, match=r"larger than 100 megapixels \(200000 x 150000\)"):
        decode(bytes(data))


def test_a_picture_as_large_as_the_limit_raises_no_warning() -> None:
    data = encode(Image.new("1", (12000, 9000)), "PNG")  # Pillow itself warns from 89 megapixels on
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode_photo(data, SPEC, 12000 * 9000).facts.width == 12000


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"hello", "not a picture, or in a format that is not supported"),
        (b"%PDF-1.4 and more", "not a picture: the file starts like a PDF"),
        (b"\xff\x0a" + bytes(20), "JPEG XL is not supported"),
        (
            encode(quarters(), "BMP").replace(b"\x18\0", b"\x17\0", 1),
            "damaged BMP: Unsupported BMP pixel depth (23)",
        ),
        (encode(quarters(), "JPEG")[:3000], "unfinished: the file ends before its picture does"),
        (encode(quarters(), "PNG")[:300], "unfinished: the file ends before its picture does"),
    ],
)
def test_the_reason_is_one_that_a_person_understands(data: bytes, reason: str) -> None:
    with pytest.raises(DecodeError) as raised:
        decode(data)
    assert str(raised.value) == reason


def test_bytes_of_all_kinds_can_be_decoded() -> None:
    data = encode(quarters(), "JPEG")
    assert decode(data) == decode_photo(bytearray(data), SPEC, MOST)


# --- for viewers ----------------------------------------------------------------------------------------------


def test_a_view_is_upright_and_keeps_its_shape() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    view = decode_for_view(encode(STORED[6](quarters(1600, 800)), "JPEG", exif=exif), 400)
    assert (view.size, view.mode) == ((400, 200), "RGB")
    found = [view.getpixel((x, y)) for y in (50, 150) for x in (100, 300)]
    assert_close(found, CORNERS, 8)  # type: ignore[arg-type]


def test_a_view_is_never_enlarged() -> None:
    assert decode_for_view(encode(quarters(100, 50), "PNG"), 4000).size == (100, 50)


def test_a_view_of_a_very_long_picture_has_a_height() -> None:
    assert decode_for_view(encode(Image.new("RGB", (3000, 1)), "PNG"), 300).size == (300, 1)


def test_threads_may_decode_side_by_side() -> None:
    data = encode(quarters(), "JPEG")
    expected, found = decode(data), []
    threads = [threading.Thread(target=lambda: found.append(decode(data))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4
