"""Files that most decoders take without complaint although a part of them is missing."""

import pytest
from PIL import Image

from photod.errors import DecodeError
from photod.intake.decode import decode_photo
from photod.intake.unfinished import check
from photod.photos import InputSpec
from pictures import encode

BLOCK = 4096
END = b"\xff\xd9"


def noise(side: int = 512) -> Image.Image:
    return Image.effect_noise((side, side), 90).convert("RGB")


COMPRESSED = {
    "JPEG": encode(noise(), "JPEG", quality=90),
    "progressive JPEG": encode(noise(), "JPEG", quality=90, progressive=True),
    "CMYK JPEG": encode(noise().convert("CMYK"), "JPEG", quality=90),
    "WEBP": encode(noise(), "WEBP", quality=90),
    "AVIF": encode(noise(), "AVIF", quality=90),
    "HEIF": encode(noise(), "HEIF", quality=90),
    "JPEG2000": encode(noise(), "JPEG2000"),
    "bare JPEG2000": encode(noise(), "JPEG2000", no_jp2=True),
    "PNG": encode(noise(), "PNG"),
    "grey PNG": encode(Image.effect_noise((512, 512), 10), "PNG"),  # whose zeros are inflated to pixels
    "GIF": encode(noise(), "GIF"),
}


def border(data: bytes, part: float) -> int:
    return int(len(data) * part) // BLOCK * BLOCK


def fails(data: bytes) -> str:
    with pytest.raises(DecodeError) as raised:
        decode_photo(data, InputSpec(), 10**8)
    return str(raised.value)


@pytest.mark.parametrize("kind", COMPRESSED)
def test_a_whole_file_is_finished(kind: str) -> None:
    decode_photo(COMPRESSED[kind], InputSpec(), 10**8)


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("kind", COMPRESSED)
def test_a_file_that_ends_early_is_unfinished(kind: str, part: float) -> None:
    data = COMPRESSED[kind]
    assert fails(data[: int(len(data) * part)]).startswith("unfinished")


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("kind", COMPRESSED)
def test_a_preallocated_file_whose_tail_was_not_written_is_not_scored(kind: str, part: float) -> None:
    data = COMPRESSED[kind]
    written = border(data, part)
    assert fails(data[:written] + bytes(len(data) - written))


@pytest.mark.parametrize("kind", COMPRESSED)
def test_a_file_with_an_unwritten_block_in_the_middle_is_not_scored(kind: str) -> None:
    data = COMPRESSED[kind]
    hole = border(data, 0.5)
    assert fails(data[:hole] + bytes(BLOCK) + data[hole + BLOCK :])


@pytest.mark.parametrize("kind", COMPRESSED)
def test_nor_one_that_lacks_its_last_block_alone(kind: str) -> None:
    """Which is seldom a whole one."""
    data = COMPRESSED[kind]
    written = border(data[:-64], 1)
    assert fails(data[:written] + bytes(len(data) - written))


@pytest.mark.parametrize("cut", [1, 777, 5000])
def test_a_jpeg_whose_tail_is_zeros_from_any_place_on_is_unfinished(cut: int) -> None:
    data = COMPRESSED["JPEG"]
    written = len(data) // 2 + cut
    assert fails(data[:written] + bytes(len(data) - written)).startswith("unfinished")


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("kind", ["PNG", "grey PNG"])
def test_of_a_png_whose_tail_was_not_written_it_is_said_that_a_part_is_missing(kind: str, part: float) -> None:
    data = COMPRESSED[kind]
    written = border(data, part)
    assert fails(data[:written] + bytes(len(data) - written)) == "unfinished: a part of the picture is missing"


@pytest.mark.parametrize("level", [0, 6])
def test_a_png_whose_pixels_are_not_those_of_its_checksum_is_damaged(level: int) -> None:
    data = bytearray(encode(noise(), "PNG", compress_level=level))
    decode_photo(bytes(data), InputSpec(), 10**8)
    data[len(data) // 2] ^= 1
    assert fails(bytes(data)) == "damaged PNG: its pixels are not what was written"


def test_what_follows_the_pixels_of_a_png_is_not_their_business() -> None:
    """Neither a text whose checksum is wrong, nor something behind the end."""
    pixels, end = COMPRESSED["PNG"][:-12], COMPRESSED["PNG"][-12:]
    text, more = ((4).to_bytes(4, "big") + kind + b"a\0bc" + bytes(4) for kind in (b"tEXt", b"IDAT"))
    decode_photo(pixels + text + end + more, InputSpec(), 10**8)


def test_fill_bytes_before_a_marker_do_not_hide_the_picture_behind_them() -> None:
    data = COMPRESSED["JPEG"]
    written = border(data, 0.6)
    filled = data[:2] + b"\xff\xff" + data[2:written] + bytes(len(data) - written)
    with pytest.raises(DecodeError, match="unfinished"):
        check(filled)


def box(kind: bytes, content: bytes, size: int | None = None) -> bytes:
    """Of the size that it is, or says."""
    return (8 + len(content) if size is None else size).to_bytes(4, "big") + kind + content


HEIC, CR3 = box(b"ftyp", b"heic" + bytes(4)), box(b"ftyp", b"crx " + bytes(4))
HOLE = b"x" * (2 * BLOCK - 24) + bytes(BLOCK) + b"x" * BLOCK  # on a disk block's borders behind one of those


@pytest.mark.parametrize("size", [None, 0])
def test_zeros_in_a_box_are_a_hole_but_for_a_cameras_own(size: int | None) -> None:
    with pytest.raises(DecodeError, match="unfinished: a part of the picture is missing"):
        check(HEIC + box(b"mdat", HOLE, size))
    check(HEIC + box(b"free", HOLE, size))
    check(CR3 + box(b"mdat", HOLE, size))


def test_data_beside_a_hole_may_happen_to_be_zero() -> None:
    hole = HOLE.replace(b"xxx\0", b"\0\0\0\0").replace(b"\0xxx", b"\0\0\0\0")
    with pytest.raises(DecodeError, match="unfinished: a part of the picture is missing"):
        check(HEIC + box(b"mdat", hole))


def test_only_a_box_that_holds_the_picture_must_be_whole() -> None:
    check(HEIC + box(b"mdat", b"x" * BLOCK) + box(b"more", b"x", 5000))


@pytest.mark.parametrize("kind", [b"mdat", b"meta", b"moov", b"jp2c"])
def test_and_so_must_what_tells_where_it_is(kind: bytes) -> None:
    with pytest.raises(DecodeError, match="unfinished: the end of the file is missing"):
        check(HEIC + box(kind, b"x" * BLOCK, 5000))


def test_a_large_boxs_size_stands_behind_its_kind() -> None:
    content = (16 + BLOCK).to_bytes(8, "big") + b"x" * BLOCK
    check(HEIC + box(b"mdat", content, 1))
    with pytest.raises(DecodeError, match="unfinished: the end of the file is missing"):
        check(HEIC + box(b"mdat", content[:-1], 1))


@pytest.mark.parametrize("trailer", [b"", b"\0" * 10000, b"SEFT" * 500, COMPRESSED["JPEG"]])
def test_whatever_follows_the_end_of_a_jpeg_is_not_its_business(trailer: bytes) -> None:
    """Not even where the end is that of a disk block."""
    data = COMPRESSED["JPEG"]
    whole = data[:2] + segment(b"x" * (-(len(data) + 4) % BLOCK)) + data[2:]
    check(whole + trailer)


def test_a_black_photo_is_not_a_hole() -> None:
    black = encode(Image.new("RGB", (4000, 3000)), "JPEG", optimize=True)
    assert b"\0" * BLOCK in black, "this encoder does not make the run that the test is about"
    check(black)


@pytest.mark.parametrize(("before", "after"), [(100, 0), (0, 100)])
def test_zeros_that_begin_or_end_within_a_disk_block_are_not_a_hole(before: int, after: int) -> None:
    data = COMPRESSED["JPEG"]
    start, end = border(data, 0.5) - before, border(data, 0.5) + BLOCK + after
    check(data[:start] + bytes(end - start) + data[end:])


def test_zeros_in_the_metadata_are_not_a_hole() -> None:
    """Not even where they fill disk blocks."""
    data = COMPRESSED["JPEG"]
    lead = segment(b"x" * (BLOCK - 2 - 2 * 4))
    check(data[:2] + lead + segment(bytes(2 * BLOCK)) + data[2:])


def segment(content: bytes) -> bytes:
    return b"\xff\xe5" + (len(content) + 2).to_bytes(2, "big") + content


@pytest.mark.parametrize("padding", [b"", b"\xff" * 3 * BLOCK], ids=["", "an erased card's"])
@pytest.mark.parametrize("kind", ["RGB", "L", "CMYK", "YCCK"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
@pytest.mark.parametrize("sides", [1, 3, 100])
def test_an_end_marker_does_not_make_a_jpeg_whole(part: float, kind: str, padding: bytes, sides: int) -> None:
    data = jpeg(kind, noise(900))
    cut = data[: int(len(data) * part)] + padding + END
    with pytest.raises(DecodeError, match="unfinished: a part of the picture is missing"):
        decode_photo(cut, InputSpec(decode_sides=sides), 10**8)


@pytest.mark.parametrize("rows", [1, 16, 17, 100, 512])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("quality", [30, 90])
def test_a_grey_that_is_meant_is_scored(rows: int, progressive: bool, quality: int) -> None:
    picture = noise()
    picture.paste((128, 128, 128), (0, 512 - rows, 512, 512))
    data = encode(picture, "JPEG", quality=quality, progressive=progressive, optimize=True)
    decode_photo(data, InputSpec(), 10**8)


@pytest.mark.parametrize("rows", [12, 15])
def test_a_grey_that_is_meant_may_begin_among_rows_that_are_coded_together(rows: int) -> None:
    picture = Image.new("RGB", (3000, 17 + rows))
    picture.paste((128, 128, 128), (0, 17, 3000, 17 + rows))
    decode_photo(encode(picture, "JPEG"), InputSpec(), 10**8)


def test_the_first_pass_of_a_progressive_jpeg_may_end_early_too() -> None:
    data = COMPRESSED["progressive JPEG"]
    passes = [at for at in range(len(data)) if data[at : at + 2] == b"\xff\xda"]
    assert fails(data[: (passes[0] + passes[1]) // 2] + END) == "unfinished: a part of the picture is missing"


def jpeg(kind: str, picture: Image.Image) -> bytes:
    """Pillow writes no YCCK, but what it writes as CMYK may be called that."""
    data = encode(picture.convert("CMYK" if kind == "YCCK" else kind), "JPEG", quality=80)
    return data.replace(b"Adobe\0d\0\0\0\0\0", b"Adobe\0d\0\0\0\0\2") if kind == "YCCK" else data


@pytest.mark.parametrize("kind", ["RGB", "L", "CMYK", "YCCK"])
@pytest.mark.parametrize("sides", [1, 3])
def test_a_jpeg_that_lacks_its_end_marker_alone_is_scored(sides: int, kind: str) -> None:
    spec, data = InputSpec(decode_sides=sides), jpeg(kind, noise(900))
    assert data.endswith(END)
    assert decode_photo(data[:-2], spec, 10**8) == decode_photo(data, spec, 10**8)


@pytest.mark.parametrize(("kind", "missing"), [("JPEG", 500), ("progressive JPEG", 2)])
def test_but_not_one_that_may_lack_more(kind: str, missing: int) -> None:
    assert fails(COMPRESSED[kind][:-missing]) == "unfinished: the file ends before its picture does"


def test_nor_one_of_whose_channels_some_are_missing() -> None:
    """Each is coded by itself: of a cut between two of them no row tells."""
    head, scans = channels_apart(noise())
    decode_photo(head + b"".join(scans) + END, InputSpec(), 10**8)
    assert fails(head + scans[0]) == "unfinished: the file ends before its picture does"


def channels_apart(picture: Image.Image) -> tuple[bytes, list[bytes]]:
    """What stands before the scans of a JPEG, and a scan for each channel. Pillow writes no such files."""
    singles = [encode(channel, "JPEG", quality=90) for channel in picture.split()]
    frame, scan = singles[0].index(b"\xff\xc0"), singles[0].index(b"\xff\xda")
    size = singles[0][frame + 4 : frame + 9]  # and how many bits
    components = b"".join(bytes((number, 0x11, 0)) for number in (1, 2, 3))
    head = singles[0][:frame] + b"\xff\xc0\0\x11" + size + b"\x03" + components + singles[0][frame + 13 : scan]
    scans = [single[single.index(b"\xff\xda") : -2] for single in singles]
    return head, [data[:5] + bytes([number]) + data[6:] for number, data in enumerate(scans, 1)]


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"\0\0\0\x18ftypheic", b"\xff\xd8\xff\xe0\0\0"])
def test_stumps_are_left_to_the_decoder(data: bytes) -> None:
    check(data)
