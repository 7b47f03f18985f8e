"""A RAW file as cameras write it: a thumbnail, the sensor's data, and a JPEG to look at, in the DNG format."""

import io
import struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Entry = tuple[int, int, list[int] | bytes]  # tag, TIFF type, values
BYTE, ASCII, SHORT, LONG, RATIONAL, SRATIONAL = 1, 2, 3, 4, 5, 10
SIZE = (1200, 800)
# Places of the directories; each has room before the next.
IFD0, EXIF, INTEROP, SENSOR, PREVIEW, DATA = 8, 1024, 1536, 2048, 4096, 6144


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


def make_dng(
    preview: Image.Image | None,
    orientation: int = 1,
    sensor: NDArray[np.uint16] | None = None,
    quality: int = 95,
    *,
    preview_exif: bytes = b"",
    index: bytes = b"",
    colours: bool = True,
    bitmap: Image.Image | None = None,
) -> bytes:
    """A DNG: red thumbnail or this bitmap, a sensor that saw this or light grey, and perhaps a preview.

    The sensor has RGGB, or no colours. `index` is that of the file's own Interoperability directory, which names
    the colour space.
    """
    if sensor is None:
        sensor = np.full(SIZE[::-1], 60000, "<u2")
    shown = bitmap or Image.new("RGB", (64, 48), (255, 0, 0))
    thumbnail = shown.tobytes()
    mosaic = sensor.astype("<u2").tobytes()
    jpeg = io.BytesIO()
    if preview is not None:
        preview.save(jpeg, "JPEG", quality=quality, exif=preview_exif)
    preview_data = jpeg.getvalue()
    if preview_exif:  # without the JFIF segment before it, as cameras write it; else LibRaw puts in its own
        preview_data = preview_data[:2] + preview_data[20:]
    at = [DATA, DATA + len(thumbnail), DATA + len(thumbnail) + len(mosaic)]
    ifd0 = [
        *picture(1, shown.size, [8] * len(shown.getbands()), 1, 2 if shown.mode == "RGB" else 1),
        (273, LONG, [at[0]]),
        (279, LONG, [len(thumbnail)]),
        (330, LONG, [SENSOR, PREVIEW] if preview is not None else [SENSOR]),
        (271, ASCII, b"Test\0"),
        (272, ASCII, b"Camera\0"),
        (274, SHORT, [orientation]),
        (306, ASCII, b"2020:01:02 03:04:05\0"),
        (0x8769, LONG, [EXIF]),
        (0xC612, BYTE, b"\1\4\0\0"),  # DNGVersion
        (0xC613, BYTE, b"\1\1\0\0"),
        (0xC614, ASCII, b"Test Camera\0"),
        (0xC621, SRATIONAL, [1, 0, 0, 0, 1, 0, 0, 0, 1]),  # ColorMatrix1
        (0xC628, RATIONAL, [1, 1, 1]),  # AsShotNeutral
        (0xC65A, SHORT, [21]),
    ]
    sensor_ifd = [
        *picture(0, sensor.shape[::-1], [16], 1, 32803 if colours else 34892),
        (273, LONG, [at[1]]),
        (279, LONG, [len(mosaic)]),
        (0xC61D, LONG, [65535]),
    ]
    if colours:
        sensor_ifd += [(33421, SHORT, [2, 2]), (33422, BYTE, bytes((0, 1, 1, 2)))]
    preview_ifd = [
        *picture(1, preview.size if preview else (0, 0), [8, 8, 8], 7, 6),
        (273, LONG, [at[2]]),
        (279, LONG, [len(preview_data)]),
    ]
    exif: list[Entry] = [(0xA001, SHORT, [65535]), (0xA005, LONG, [INTEROP])] if index else []
    interop: list[Entry] = [(1, ASCII, index + b"\0")]
    file = bytearray(DATA)
    file[:8] = struct.pack("<2sHI", b"II", 42, IFD0)
    places = (IFD0, ifd0), (EXIF, exif), (INTEROP, interop), (SENSOR, sensor_ifd), (PREVIEW, preview_ifd)
    for place, entries in places:
        body = directory(entries, place)
        file[place : place + len(body)] = body
    return bytes(file) + thumbnail + mosaic + preview_data
