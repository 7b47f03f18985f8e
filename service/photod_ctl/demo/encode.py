"""Pictures as files of every kind that photod knows."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from photod_ctl.demo.canvas import Pixels, to_image

ORIENTATION, MAKE, MODEL, DATE_TAKEN, EXIF_IFD = 0x0112, 0x010F, 0x0110, 0x9003, 0x8769


def exif(taken_at: str | None = None, camera: tuple[str, str] | None = None) -> Image.Exif:
    """EXIF as a camera writes it; `taken_at` as "YYYY-MM-DD HH:MM:SS"."""
    tags = Image.Exif()
    tags[ORIENTATION] = 1
    if camera:
        tags[MAKE], tags[MODEL] = camera
    if taken_at:
        tags.get_ifd(EXIF_IFD)[DATE_TAKEN] = taken_at.replace("-", ":")
    return tags


def jpeg(picture: Pixels, tags: Image.Exif | None = None, quality: int = 90) -> bytes:
    """A JPEG."""
    return encode(to_image(picture), "JPEG", exif=tags or Image.Exif(), quality=quality)


def rotated_jpeg(picture: Pixels, orientation: int, tags: Image.Exif) -> bytes:
    """A JPEG that is stored turned and says so in its EXIF, as phones do: 3, 5, 6 or 8."""
    undo = {
        3: Image.Transpose.ROTATE_180,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        8: Image.Transpose.ROTATE_270,
    }
    tags[ORIENTATION] = orientation
    return encode(to_image(picture).transpose(undo[orientation]), "JPEG", exif=tags, quality=90)


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    """Any format that Pillow writes."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def heic(picture: Pixels, tags: Image.Exif) -> bytes:
    """What an iPhone writes."""
    import pillow_heif

    buffer = io.BytesIO()
    pillow_heif.from_pillow(to_image(picture)).save(buffer, quality=60, exif=tags.tobytes())
    return buffer.getvalue()


def deep_png(picture: Pixels) -> bytes:
    """A PNG of 16 bits a channel, which Pillow reads and cannot write."""
    height, width = picture.shape[:2]
    samples = np.round(np.clip(picture, 0, 1) * 65535).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in samples)  # a filter byte before every row: none
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def deep_tiff(picture: Pixels) -> bytes:
    """A grey TIFF of 16 bits."""
    grey = np.clip(picture @ np.array([0.299, 0.587, 0.114]), 0, 1)
    return encode(Image.fromarray(np.round(grey * 65535).astype(np.uint16)), "TIFF")


def cut_out(picture: Pixels) -> bytes:
    """A PNG that is transparent around an ellipse."""
    image = to_image(picture).convert("RGBA")
    height, width = picture.shape[:2]
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    image.putalpha(Image.fromarray(np.uint8(255 * np.clip((1 - np.hypot(x, y)) * 12, 0, 1))))
    return encode(image, "PNG")
