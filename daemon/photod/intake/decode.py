"""Bytes -> upright sRGB picture. The decode boundary: whatever a library raises here is a DecodeError.

Nothing here knows about processes; `decoder` runs it behind walls, a viewer may run it directly.
"""

import io
import mmap
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import pillow_heif
from PIL import AvifImagePlugin, Image, ImageFile, UnidentifiedImageError

from photod.errors import DecodeError
from photod.intake import colour, formats, metadata, raw, unfinished
from photod.photos import Facts, InputSpec

PREPROCESSING_VERSION = 1  # raise it whenever the pixels that come out for the same bytes may differ

Data = bytes | bytearray | memoryview | mmap.mmap

T = TypeVar("T")

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "HEIF", "AVIF", "JPEG2000")  # an MPO is a JPEG
_HEAD = 4096  # bytes that are enough to tell a format
_REDUCING_GAP = 3.0  # shrink by whole factors first, to 3 times the size; the difference cannot be seen

pillow_heif.register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)
AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # parallel by photo, not within one
Image.MAX_IMAGE_PIXELS = None  # our own limit, from the configuration, stands in its place
ImageFile.LOAD_TRUNCATED_IMAGES = False
Image.init()  # all plugins now: none is looked for once the sandbox is closed


@dataclass(frozen=True, slots=True)
class DecodedPhoto:
    """The input of the model, and what else decoding found out."""

    pixels: bytes = field(repr=False)  # size x size x RGB, row by row from the top left
    facts: Facts


@dataclass(frozen=True, slots=True)
class _Box:
    """What to make of a picture, in its own orientation."""

    size: tuple[int, int]
    crop: tuple[float, float, float, float]


def decode_photo(data: Data, spec: InputSpec, max_pixels: int) -> DecodedPhoto:
    """The model's input made from a photo's bytes. Raises DecodeError with a reason for the user.

    MemoryError passes through: whether it is the photo's fault depends on the limits of the process.
    """

    def shape(width: int, height: int) -> _Box:
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        crop = (left, top, left + side, top + side) if spec.resize == "crop" else (0, 0, width, height)
        return _Box((spec.size, spec.size), crop)

    with _boundary(data):
        picture, facts = _develop(data, max_pixels, 2 * spec.size, shape)
        return DecodedPhoto(picture.tobytes(), facts)


def decode_for_view(data: Data, max_side: int, max_pixels: int = 300_000_000) -> Image.Image:
    """A picture to look at: RGB, upright, sRGB, at most `max_side` pixels wide and high, never enlarged.

    Raises DecodeError, and MemoryError.
    """

    def shape(width: int, height: int) -> _Box:
        scale = min(1.0, max_side / max(width, height))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        return _Box(size, (0, 0, width, height))

    with _boundary(data):
        return _develop(data, max_pixels, max_side, shape)[0]


def _develop(
    data: Data, max_pixels: int, enough: int, shape: Callable[[int, int], _Box]
) -> tuple[Image.Image, Facts]:
    """Open, check, shrink, colour, turn. `enough`: pixels per side below which scaled decoding may not go."""
    if raw.is_raw(data):
        negative = raw.develop(data, enough, max_pixels)
        picture = _shrink(negative.picture, shape, negative.orientation)
        return picture, negative.facts
    unfinished.check(data)
    image = Image.open(io.BufferedReader(_Reader(data)), formats=_FORMATS)
    width, height = image.size
    if width * height > max_pixels:
        limit = max_pixels // 1_000_000
        raise DecodeError(f"larger than {limit} megapixels ({width} x {height})")
    if image.format in ("JPEG", "MPO"):
        image.draft("RGB", (enough, enough))
    image.load()  # before the metadata: some formats keep theirs behind the pixels
    exif = metadata.read(image)
    picture = _shrink(image, shape, exif.orientation)
    if exif.orientation in metadata.SIDEWAYS:
        width, height = height, width
    return picture, Facts(width, height, exif.taken_at, exif.camera)


def _shrink(image: Image.Image, shape: Callable[[int, int], _Box], orientation: int) -> Image.Image:
    profile = image.info.get("icc_profile")
    image = colour.simplify(image)
    box = shape(*image.size)
    image = image.resize(box.size, Image.Resampling.BICUBIC, box.crop, _REDUCING_GAP)
    image = colour.to_srgb(image, profile)
    if turn := metadata.TURNS.get(orientation):
        image = image.transpose(turn)
    return image


class _Reader(io.RawIOBase):
    """A buffer as a file, without the copy that BytesIO makes."""

    def __init__(self, data: Data) -> None:
        self._view = memoryview(data)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._view)}[whence]
        if start + offset < 0:
            raise ValueError("negative position")
        self._at = start + offset
        return self._at

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]
        piece = self._view[self._at : self._at + len(target)]
        target[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


@contextmanager
def _boundary(data: Data) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about a photo's oddities; not ours to report
            yield
    except (DecodeError, MemoryError):
        raise
    except UnidentifiedImageError:
        raise DecodeError(formats.explain(bytes(data[:_HEAD]), len(data))) from None
    except Exception as error:
        raise DecodeError(_reason(data, error)) from error


def _reason(data: Data, error: Exception) -> str:
    words = metadata.clean(str(error)) or type(error).__name__
    if "truncated" in words.lower():
        return "unfinished: the file ends before its picture does"
    known = formats.sniff(bytes(data[:_HEAD])) or "file"
    return f"damaged {known}: {words[:160]}"
