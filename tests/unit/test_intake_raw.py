"""RAW files are scored by their preview or their sensor's data, never by the thumbnail that Pillow finds."""

import io
import struct
import sys

import numpy as np
import pytest
from PIL import Image

from dng import ASCII, BYTE, DATA, LONG, SHORT, SIZE, Entry, directory, make_dng, picture
from photod.errors import DecodeError
from photod.intake.decode import decode_for_view, decode_photo
from photod.intake.raw import is_raw
from photod.photos import Facts, InputSpec
from pictures import encode

MOST = 10**8
THUMBNAIL = Image.new("RGB", (64, 48), (255, 0, 0)).tobytes()


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


def tiff(directories: dict[int, list[Entry]], *pieces: bytes) -> bytes:
    """A TIFF of directories at these places, the first of which is IFD0; pieces follow from `DATA` on."""
    file = bytearray(DATA)
    file[:8] = struct.pack("<2sHI", b"II", 42, next(iter(directories)))
    for place, entries in directories.items():
        body = directory(entries, place)
        file[place : place + len(body)] = body
    return bytes(file) + b"".join(pieces)


def shown(make: bytes, model: bytes) -> list[Entry]:
    """A directory of a red thumbnail."""
    places: list[Entry] = [(273, LONG, [DATA]), (279, LONG, [len(THUMBNAIL)])]
    return [*picture(1, (64, 48), [8, 8, 8], 1, 2)[1:], *places, (271, ASCII, make), (272, ASCII, model)]


def test_pillow_alone_would_take_the_thumbnail_for_the_photo() -> None:
    assert Image.open(io.BytesIO(make_dng(blue_with_black_corner()))).size == (64, 48)


@pytest.mark.parametrize(
    ("orientation", "size", "corner"),
    [
        (1, (600, 400), ("top", "left")),
        (2, (600, 400), ("top", "right")),
        (3, (600, 400), ("bottom", "right")),
        (4, (600, 400), ("bottom", "left")),
        (5, (400, 600), ("top", "left")),
        (6, (400, 600), ("top", "right")),
        (7, (400, 600), ("bottom", "right")),
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
    upright = SIZE if orientation < 5 else SIZE[::-1]
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


@pytest.mark.parametrize("preview", [None, Image.new("RGB", (160, 120), (0, 0, 255))], ids=["none", "tiny"])
def test_a_sensor_without_colours_is_developed_too(preview: Image.Image | None) -> None:
    sensor = np.full(SIZE[::-1], 60000, "<u2")
    sensor[: SIZE[1] // 2, : SIZE[0] // 2] = 0
    view = decode_for_view(make_dng(preview, sensor=sensor, colours=False), 600)
    assert black_corner_of(view) == ("top", "left")
    red, green, blue = view.getpixel((view.width - 5, view.height - 5))  # type: ignore[misc]
    assert red == green == blue > 150


def test_a_sensor_that_was_held_sideways_is_turned_once() -> None:
    sensor = np.full(SIZE[::-1], 60000, "<u2")
    sensor[: SIZE[1] // 2, : SIZE[0] // 2] = 0
    view = decode_for_view(make_dng(None, 6, sensor=sensor), 600)
    assert view.size == (400, 600)
    assert black_corner_of(view) == ("top", "right")


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_preview_may_be_a_bitmap_and_without_colours(mode: str) -> None:
    view = decode_for_view(make_dng(None, bitmap=blue_with_black_corner().convert(mode)), 600)
    assert black_corner_of(view) == ("top", "left")


def test_a_viewer_is_shown_a_preview_of_half_its_size_rather_than_wait_for_the_sensor() -> None:
    assert decode_for_view(make_dng(blue_with_black_corner((900, 600))), 1200).size == (900, 600)


def test_a_broken_preview_does_not_cost_the_photo() -> None:
    data = make_dng(blue_with_black_corner())
    start = data.rindex(b"\xff\xd8\xff")
    photo = decode_photo(data[: start + 4000] + bytes(len(data) - start - 4000), InputSpec(), MOST)
    assert min(photo.pixels[-3:]) > 150


def test_a_preview_that_ends_early_does_not_cost_the_photo() -> None:
    data = make_dng(blue_with_black_corner())
    size = len(data) - data.rindex(b"\xff\xd8\xff")
    whole, cut = (struct.pack("<HHII", 279, LONG, 1, length) for length in (size, size - 500))
    assert whole in data
    assert min(decode_photo(data.replace(whole, cut), InputSpec(), MOST).pixels[-3:]) > 150


def test_a_file_with_neither_preview_nor_sensor_data_says_so() -> None:
    data = make_dng(None)
    with pytest.raises(DecodeError, match="no usable preview, and its sensor data cannot be decoded"):
        decode_photo(data[: DATA + 64 * 48 * 3 + 1000], InputSpec(), MOST)


def test_a_preview_beyond_the_limit_is_not_decoded() -> None:
    sensor = np.full((480, 640), 60000, "<u2")
    photo = decode_photo(make_dng(blue_with_black_corner(), sensor=sensor), InputSpec(), 500_000)
    assert min(photo.pixels) > 150


def test_the_limit_in_pixels_counts_those_of_the_sensor() -> None:
    with pytest.raises(DecodeError, match=r"larger than 0.5 megapixels \(1200 x 800\)"):
        decode_photo(make_dng(None), InputSpec(), 500_000)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("tag", "value", "raw"),
    [
        *((259, compression, True) for compression in (32767, 32769, 32770, 34713, 65000, 65535)),
        *((262, photometric, True) for photometric in (32803, 34892)),
        (0xC612, 0x0104, True),
        (259, 5, False),
        (262, 2, False),
    ],
)
def test_one_tag_may_tell_a_raw_file(tag: int, value: int, raw: bool, order: str) -> None:
    magic = {"<": b"II", ">": b"MM"}[order]
    assert is_raw(struct.pack(order + "2sHIHHHIHxx4x", magic, 42, 8, 1, tag, SHORT, 1, value)) == raw


@pytest.mark.parametrize(("kind", "raw"), [(1, True), (3, True), (2, False)])
def test_a_reduced_picture_above_others_is_a_raw_files(kind: int, raw: bool) -> None:
    assert is_raw(tiff({8: [(254, LONG, [kind]), (330, LONG, [1024])], 1024: []})) == raw


@pytest.mark.parametrize("below", [[1024], [2048, 1024]])
def test_a_directory_below_the_first_may_hold_the_sensors_data(below: list[int]) -> None:
    kind: list[Entry] = [(262, SHORT, [32803])]
    assert is_raw(tiff({8: [(330, LONG, below)], 1024: kind, 2048: []}))
    assert not is_raw(tiff({8: [(330, LONG, below)], 1024: [], 2048: []}))


def test_a_sensor_may_be_known_by_its_pattern_alone() -> None:
    """Samsung's NX1 does not say what its values mean."""
    preview = encode(blue_with_black_corner(), "JPEG")
    ifd0: list[Entry] = [(271, ASCII, b"SAMSUNG\0"), (272, ASCII, b"NX1\0"), (330, LONG, [1024, 2048])]
    shown: list[Entry] = [(254, LONG, [0]), (0x201, LONG, [DATA]), (0x202, LONG, [len(preview)])]
    sensor: list[Entry] = [
        (256, LONG, [6496]),
        (257, LONG, [4336]),
        (258, SHORT, [14]),
        (259, SHORT, [32773]),
        (273, LONG, [DATA + len(preview)]),
        (277, SHORT, [3]),
        (279, LONG, [100_000]),
        (33421, SHORT, [2, 2]),
        (33422, BYTE, bytes((1, 0, 2, 1))),
    ]
    data = tiff({8: ifd0, 1024: shown, 2048: sensor}, preview, bytes(100_000))
    assert black_corner_of(decode_for_view(data, 600)) == ("top", "left")
    assert decode_photo(data, InputSpec(), MOST).facts == Facts(6496, 4336, None, "SAMSUNG NX1")


@pytest.mark.parametrize("mark", [b"IIIITwaR", b"IIIIawaR"])
def test_the_thumbnail_of_a_phase_one_is_not_taken_for_the_photo(mark: bytes) -> None:
    data = bytearray(tiff({64: shown(b"Phase One A/S\0", b"P 30+\0")}, THUMBNAIL))
    assert decode_photo(bytes(data), InputSpec(), MOST)
    data[8 : 8 + len(mark)] = mark
    with pytest.raises(DecodeError, match="RAW file is damaged or of an unknown camera"):
        decode_photo(bytes(data), InputSpec(), MOST)


def test_a_phase_one_may_have_the_other_byte_order() -> None:
    assert is_raw(b"MM\0*\0\0\0\x40MMMMRawT")
    assert not is_raw(b"MM\0*\0\0\0\x40MMMMMMMM")


@pytest.mark.parametrize(
    ("make", "start", "raw"),
    [(b"Canon\0", b"\xff\xd8\xff\xc4", True), (b"Canon\0", b"\0" * 4, False), (b"Canonical\0", b"\xff\xd8", False)],
    ids=["camera", "made from its file", "another maker"],
)
def test_the_thumbnail_of_an_eos_1d_is_not_taken_for_the_photo(make: bytes, start: bytes, raw: bool) -> None:
    """Given a .TIF whose maker's note says where a lossless JPEG of the sensor's data begins."""
    note = directory([(0x81, LONG, [DATA + len(THUMBNAIL)])], 2048)
    exif: list[Entry] = [(0x927C, 7, note)]
    data = tiff(
        {8: [*shown(make, b"Canon EOS-1DS\0"), (0x8769, LONG, [2048 - 18])], 2048 - 18: exif}, THUMBNAIL, start
    )
    assert data[2048 : 2048 + len(note)] == note
    assert is_raw(data) == raw
    assert Image.open(io.BytesIO(data)).size == (64, 48)


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


def test_a_library_that_is_out_of_reach_is_not_told_as_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rawpy", None)
    with pytest.raises(DecodeError, match=r"^cannot be decoded here: .*rawpy"):
        decode_photo(make_dng(blue_with_black_corner()), InputSpec(), MOST)
