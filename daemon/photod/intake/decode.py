"""Bytes -> upright sRGB picture. The decode boundary: whatever a library raises here is a DecodeError.

Nothing here knows about processes; `decoder` runs it behind walls, a viewer may run it directly.
"""

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pillow_heif
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from photod.errors import DecodeError
from photod.intake import colour, formats, jpeg_end, limits, metadata, profiles, raw, unfinished
from photod.intake.buffer import Data
from photod.intake.opening import open_picture
from photod.intake.resize import Box, Size, bicubic
from photod.intake.scaled import Extent
from photod.intake.words import one_line
from photod.photos import Facts, InputSpec

# Raise it whenever the pixels that come out for the same bytes may differ.
# 6: of a cropped photo the model sees what CLIP's own transform leaves, to the pixel.
PREPROCESSING_VERSION = 6

# All of them now: nothing is looked for on disk once the sandbox is closed. An MPO is opened as a JPEG.
_PLUGINS = (
    JpegImagePlugin.JpegImageFile,
    PngImagePlugin.PngImageFile,
    WebPImagePlugin.WebPImageFile,
    TiffImagePlugin.TiffImageFile,
    GifImagePlugin.GifImageFile,
    BmpImagePlugin.BmpImageFile,
    # Before HEIF's, which takes every file of the brand mif1, and fails with the pixels of one that is AVIF inside.
    AvifImagePlugin.AvifImageFile,
    pillow_heif.HeifImageFile,
    Jpeg2KImagePlugin.Jpeg2KImageFile,
)
FORMATS = tuple(plugin.format for plugin in _PLUGINS)
_HEAD = 4096  # bytes that are enough to tell a format
_CODEC_WORDS = (
    "when reading image file",
    "decoder error -2",
    "could not create decoder object",
)  # say nothing more
_LONGEST_TEXT = 64 << 20  # bytes of a PNG's text; pictures come with whole workflows in there

pillow_heif.register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)
AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # parallel by photo, not within one
Image.MAX_IMAGE_PIXELS = None  # our own limit, from the configuration, stands in its place
ImageFile.LOAD_TRUNCATED_IMAGES = False
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = _LONGEST_TEXT


@dataclass(frozen=True, slots=True)
class ModelInput:
    """What the model is given of a photo, and what else decoding found out."""

    pixels: bytes = field(repr=False)  # size x size x RGB, row by row from the top left
    facts: Facts


@dataclass(frozen=True, slots=True)
class _Goal:
    """What is wanted of a photo."""

    shape: Callable[[float, float], tuple[Size, Box]]  # of a width and a height: to how many pixels, and from where
    decode_px: int  # scaled decoding keeps at least as many pixels on each side
    preview_px: int  # a RAW file's preview of fewer on its shorter side will not do


def decode_photo(data: Data, spec: InputSpec, max_pixels: int) -> ModelInput:
    """The model's input made from a photo's bytes. Raises DecodeError with a reason for the user.

    MemoryError passes through: whether it is the photo's fault depends on the limits of the process.
    """

    def shape(width: float, height: float) -> tuple[Size, Box]:
        box = _central_square(width, height, spec.size) if spec.resize == "crop" else (0, 0, width, height)
        return (spec.size, spec.size), box

    with _boundary(data):
        picture, facts = _develop(data, max_pixels, _Goal(shape, spec.decode_sides * spec.size, 2 * spec.size))
        return ModelInput(picture.tobytes(), facts)


def decode_for_view(data: Data, max_side: int) -> Image.Image:
    """A picture to look at: RGB, upright, sRGB, at most `max_side` pixels wide and high, never enlarged.

    There is no limit in pixels: what is looked at has been scored. Raises DecodeError, and MemoryError.
    """

    def shape(width: float, height: float) -> tuple[Size, Box]:
        scale = min(1.0, max_side / max(width, height))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        return size, (0, 0, width, height)

    with _boundary(data):
        return _develop(data, sys.maxsize, _Goal(shape, max_side, max_side // 2))[0]


def _central_square(width: float, height: float, size: int) -> Box:
    """What CLIP's own transform leaves of a picture, in the picture's own pixels.

    It shrinks the shorter side to `size` pixels, the longer to a whole number, and cuts off whole pixels of that.
    """
    shorter = min(width, height)
    columns, rows = int(size * width / shorter), int(size * height / shorter)
    left, top = round((columns - size) / 2), round((rows - size) / 2)
    right, bottom = left + size, top + size
    return left * width / columns, top * height / rows, right * width / columns, bottom * height / rows


def _develop(data: Data, max_pixels: int, goal: _Goal) -> tuple[Image.Image, Facts]:
    """Open, check, shrink, colour, turn."""
    unfinished.check(data)
    if raw.is_raw(data):
        developed = raw.develop(data, goal.preview_px, goal.decode_px, max_pixels)
        profile = profiles.choose(data, developed.picture, developed.is_adobe_rgb)
        picture = _shrink(developed.picture, developed.extent, goal, profile, developed.orientation)
        return picture, developed.facts
    image = open_picture(data, FORMATS)
    width, height = image.size
    limits.check_pixels(width, height, max_pixels)
    # Before the metadata: some formats keep theirs behind the pixels.
    image, extent = jpeg_end.load(data, image, goal.decode_px)
    exif = metadata.read(image)
    profile = profiles.choose(data, image, exif.is_adobe_rgb)
    picture = _shrink(image, extent, goal, profile, exif.orientation)
    if exif.orientation in metadata.SIDEWAYS:
        width, height = height, width
    return picture, Facts(width, height, exif.taken_at, exif.camera)


def _shrink(image: Image.Image, extent: Extent, goal: _Goal, profile: object, orientation: int) -> Image.Image:
    tones, mode = colour.Tones.of(image), image.mode
    image = colour.simplify(image)
    image = bicubic(image, *goal.shape(*extent))
    image = colour.to_srgb(image, tones, profile, mode)
    turn = metadata.TURNS.get(orientation)
    if turn is not None:
        image = image.transpose(turn)
    return image


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
    words = one_line(str(error), 160)
    if isinstance(error, ImportError):
        return f"cannot be decoded here: {words}"
    if "truncated" in words.lower():
        return "unfinished: the file ends before its picture does"
    known = formats.sniff(bytes(data[:_HEAD])) or "file"
    if not words or words.endswith(_CODEC_WORDS):
        return f"damaged {known}: its pixels cannot be decoded"
    return f"damaged {known}: {words}"
