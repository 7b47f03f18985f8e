"""RAW files are scored by their preview or their sensor's data, never by the thumbnail that Pillow finds."""

import io
import struct

import pytest
from PIL import Image

from photod.errors import DecodeError
from photod.intake.decode import decode_for_view, decode_photo
from photod.intake.raw import is_raw
from photod.photos import Facts, InputSpec

Entry = tuple[int, int, list[int] | bytes]  # tag, TIFF type, values
BYTE, ASCII, SHORT, LONG, RATIONAL, SRATIONAL = 1, 2, 3, 4, 5, 10
MOST = 10**8
SIZE = (1200, 800)
# Places of the directories; each has less than 2 KB.
IFD0, SENSOR, PREVIEW, DATA = 8, 2048, 4096, 6144


def directory(entries: list[Entry], at: int) -> bytes:
    """A TIFF directory that will stand at `at`, followed by the values that do not fit into it."""
    fixed = struct.pack("<H", len(entries))
    behind = b""
    behind_at = at + 2 + 12 * len(entries) + 4
    for tag, kind, values in sorted(entries, key=lambda entry: entry[0]):
        if isinstance(values, bytes):
            packed = values
        elif kind in (RATIONAL, SRATIONAL):
            packed = b"".join(struct.pack("<ii", value, 1) for value in values)
        else:
            packed = b"".join(struct.pack("<H" if kind == SHORT else "<I", value) for value in values)
        field = packed.ljust(4, b"\0") if len(packed) <= 4 else struct.pack("<I", behind_at + len(behind))
        behind += packed if len(packed) > 4 else b""
        fixed += struct.pack("<HHI", tag, kind, len(values)) + field
    return fixed + bytes(4) + behind


def picture(kind: int, size: tuple[int, int], bits: list[int], compression: int, photometric: int) -> list[Entry]:
    return [
        (254, LONG, [kind]),
        (256, LONG, [size[0]]),
        (257, LONG, [size[1]]),
        (258, SHORT, bits),
        (259, SHORT, [compression]),
        (262, SHORT, [photometric]),
        (277, SHORT, [len(bits)]),
        (278, LONG, [size[1]]),
    ]


def make_dng(preview: Image.Image | None, orientation: int = 1) -> bytes:
    """A DNG: red thumbnail, a sensor that saw light grey, and perhaps a preview."""
    thumbnail = Image.new("RGB", (64, 48), (255, 0, 0)).tobytes()
    sensor = struct.pack("<H", 60000) * (SIZE[0] * SIZE[1])
    jpeg = io.BytesIO()
    if preview is not None:
        preview.save(jpeg, "JPEG", quality=95)
    at = [DATA, DATA + len(thumbnail), DATA + len(thumbnail) + len(sensor)]
    ifd0 = [
        *picture(1, (64, 48), [8, 8, 8], 1, 2),
        (273, LONG, [at[0]]),
        (279, LONG, [len(thumbnail)]),
        (330, LONG, [SENSOR, PREVIEW] if preview is not None else [SENSOR]),
        (271, ASCII, b"Test\0"),
        (272, ASCII, b"Camera\0"),
        (274, SHORT, [orientation]),
        (306, ASCII, b"2020:01:02 03:04:05\0"),
        (0xC612, BYTE, b"\1\4\0\0"),  # DNGVersion
        (0xC613, BYTE, b"\1\1\0\0"),
        (0xC614, ASCII, b"Test Camera\0"),
        (0xC621, SRATIONAL, [1, 0, 0, 0, 1, 0, 0, 0, 1]),  # ColorMatrix1
        (0xC628, RATIONAL, [1, 1, 1]),  # AsShotNeutral
        (0xC65A, SHORT, [21]),
    ]
    sensor_ifd = [
        *picture(0, SIZE, [16], 1, 32803),
        (273, LONG, [at[1]]),
        (279, LONG, [len(sensor)]),
        (33421, SHORT, [2, 2]),
        (33422, BYTE, bytes((0, 1, 1, 2))),
        (0xC61D, LONG, [65535]),
    ]
    preview_ifd = [
        *picture(1, preview.size if preview else (0, 0), [8, 8, 8], 7, 6),
        (273, LONG, [at[2]]),
        (279, LONG, [len(jpeg.getvalue())]),
    ]
    file = bytearray(DATA)
    file[:8] = struct.pack("<2sHI", b"II", 42, IFD0)
    for place, entries in ((IFD0, ifd0), (SENSOR, sensor_ifd), (PREVIEW, preview_ifd)):
        body = directory(entries, place)
        file[place : place + len(body)] = body
    return bytes(file) + thumbnail + sensor + jpeg.getvalue()


def blue_with_black_corner(size: tuple[int, int] = SIZE) -> Image.Image:
    image = Image.new("RGB", size, (0, 0, 255))
    image.paste((0, 0, 0), (0, 0, size[0] // 2, size[1] // 2))
    return image


def black_corner_of(view: Image.Image) -> tuple[str, str]:
    """Where the one black quarter is."""
    places = {
        (v, h): view.getpixel((view.width * x // 4, view.height * y // 4))
        for v, y in (("top", 1), ("bottom", 3))
        for h, x in (("left", 1), ("right", 3))
    }
    black = [place for place, colour in places.items() if sum(colour) < 60]  # type: ignore[arg-type]
    assert len(black) == 1, places
    return black[0]


def test_pillow_alone_would_take_the_thumbnail_for_the_photo() -> None:
    assert Image.open(io.BytesIO(make_dng(blue_with_black_corner()))).size == (64, 48)


@pytest.mark.parametrize(
    ("orientation", "size", "corner"),
    [
        (1, (600, 400), ("top", "left")),
        (3, (600, 400), ("bottom", "right")),
        (6, (400, 600), ("top", "right")),
        (8, (400, 600), ("bottom", "left")),
    ],
)
def test_the_preview_is_seen_upright_by_the_orientation_of_the_raw_file(
    orientation: int, size: tuple[int, int], corner: tuple[str, str]
) -> None:
    data = make_dng(blue_with_black_corner(), orientation)
    view = decode_for_view(data, 600)
    assert view.size == size
    assert black_corner_of(view) == corner
    facts = decode_photo(data, InputSpec(), MOST).facts
    upright = SIZE if orientation in (1, 3) else SIZE[::-1]
    assert facts == Facts(*upright, "2020-01-02 03:04:05", "Test Camera")


def test_a_preview_that_the_camera_has_turned_already_is_not_turned_again() -> None:
    view = decode_for_view(make_dng(blue_with_black_corner(SIZE[::-1]), 6), 600)
    assert view.size == (400, 600)
    assert black_corner_of(view) == ("top", "left")


@pytest.mark.parametrize("preview", [None, Image.new("RGB", (160, 120), (0, 0, 255))], ids=["none", "tiny"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_without_a_preview_worth_the_name_the_sensor_is_developed(
    preview: Image.Image | None, orientation: int
) -> None:
    photo = decode_photo(make_dng(preview, orientation), InputSpec(), MOST)
    red, green, blue = photo.pixels[-3:]
    assert min(red, green, blue) > 150  # neither the red thumbnail nor the blue preview
    assert (photo.facts.width, photo.facts.height) == (SIZE if orientation == 1 else SIZE[::-1])


def test_a_viewer_is_shown_a_preview_of_half_its_size_rather_than_wait_for_the_sensor() -> None:
    assert decode_for_view(make_dng(blue_with_black_corner((900, 600))), 1200).size == (900, 600)


def test_a_broken_preview_does_not_cost_the_photo() -> None:
    data = make_dng(blue_with_black_corner())
    start = data.rindex(b"\xff\xd8\xff")
    photo = decode_photo(data[: start + 4000] + bytes(len(data) - start - 4000), InputSpec(), MOST)
    assert min(photo.pixels[-3:]) > 150


def test_a_file_with_neither_preview_nor_sensor_data_says_so() -> None:
    data = make_dng(None)
    with pytest.raises(DecodeError, match="no usable preview, and its sensor data cannot be decoded"):
        decode_photo(data[: DATA + 64 * 48 * 3 + 1000], InputSpec(), MOST)


def test_the_limit_in_pixels_counts_those_of_the_sensor() -> None:
    with pytest.raises(DecodeError, match=r"larger than 0.5 megapixels \(1200 x 800\)"):
        decode_photo(make_dng(None), InputSpec(), 500_000)


def test_an_ordinary_tiff_is_no_raw_file() -> None:
    for compression in (None, "tiff_lzw", "tiff_deflate", "jpeg"):
        file = io.BytesIO()
        Image.new("RGB", (300, 200)).save(file, "TIFF", compression=compression)
        assert not is_raw(file.getvalue())


@pytest.mark.parametrize(
    "data", [b"", b"II*\0", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff", b"II*\0\4\0\0\0"]
)
def test_stumps_of_tiffs_are_no_raw_files(data: bytes) -> None:
    assert not is_raw(data)


@pytest.mark.parametrize(
    "head", [b"FUJIFILMCCD-RAW 0201FF129502", b"IIU\0\x18\0\0\0", b"FOVb\0\0\0\0", b"\0MRM\0\0\0\0"]
)
def test_an_unknown_raw_file_says_so(head: bytes) -> None:
    with pytest.raises(DecodeError, match="RAW file is damaged or of an unknown camera"):
        decode_photo(head + bytes(range(256)) * 40, InputSpec(), MOST)


def test_a_raw_file_of_random_sensor_data_under_a_cut_off_directory_is_the_photos_fault() -> None:
    with pytest.raises(DecodeError):
        decode_photo(make_dng(None)[: DATA + 5000], InputSpec(), MOST)
