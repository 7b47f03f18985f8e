"""TIFFs in layouts that Pillow reads and does not write."""

import struct
import zlib
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

SHORT, LONG = 3, 4
GREYS_WITH_WHITE_AT_ZERO, GREYS, RGB, CMYK, LAB = 0, 1, 2, 5, 8  # photometric interpretations
INTEGER, SIGNED, FLOAT = 1, 2, 3  # sample formats


def make_tiff(
    samples: NDArray[Any],
    photometric: int,
    *,
    separate: bool = True,
    order: Literal["<", ">"] = "<",
    deflate: bool = False,
    extra: tuple[int, ...] = (),
    bits: int | None = None,
) -> bytes:
    """Samples [height, width, channels] in a strip for each channel, or in one; of 1 bit, eight to a byte."""
    height, width, channels = samples.shape
    ordered = samples.astype(samples.dtype.newbyteorder(order))
    layers = [ordered[..., channel] for channel in range(channels)] if separate else [ordered]
    if bits == 1:
        layers = [np.packbits(layer.reshape(height, width), axis=1) for layer in layers]
    strips = [zlib.compress(layer.tobytes()) if deflate else layer.tobytes() for layer in layers]
    entries: list[tuple[int, int, list[int]]] = [
        (256, LONG, [width]),
        (257, LONG, [height]),
        (258, SHORT, [bits or 8 * samples.dtype.itemsize] * channels),
        (259, SHORT, [8 if deflate else 1]),
        (262, SHORT, [photometric]),
        (273, LONG, [0] * len(strips)),
        (277, SHORT, [channels]),
        (278, LONG, [height]),
        (279, LONG, [len(strip) for strip in strips]),
        (284, SHORT, [2 if separate else 1]),
        (338, SHORT, list(extra)),
        (339, SHORT, [{"u": INTEGER, "i": SIGNED, "f": FLOAT}[samples.dtype.kind]] * channels),
    ]
    entries = [entry for entry in entries if entry[2]]
    behind_at = 8 + 2 + 12 * len(entries) + 4
    strips_at = behind_at + sum(4 * len(values) for _, _, values in entries)  # more than they need
    starts = [strips_at + sum(map(len, strips[:index])) for index in range(len(strips))]
    fixed, behind = struct.pack(order + "2sHIH", {"<": b"II", ">": b"MM"}[order], 42, 8, len(entries)), b""
    for tag, kind, values in entries:
        numbers = starts if tag == 273 else values
        packed = struct.pack(f"{order}{len(numbers)}{'H' if kind == SHORT else 'I'}", *numbers)
        place = struct.pack(order + "I", behind_at + len(behind)) if len(packed) > 4 else packed.ljust(4, b"\0")
        behind += packed if len(packed) > 4 else b""
        fixed += struct.pack(order + "HHI", tag, kind, len(numbers)) + place
    return (fixed + bytes(4) + behind).ljust(strips_at, b"\0") + b"".join(strips)
