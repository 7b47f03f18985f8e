"""What the camera wrote beside the pixels. Nothing in here is worth losing a photo for."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import TypeVar

from PIL import ExifTags, Image

from photod.intake.buffer import Data, as_file
from photod.intake.words import one_line

SIDEWAYS = frozenset((5, 6, 7, 8))  # orientations whose width is the upright picture's height
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_DATE = re.compile(r"(\d{4})[:/.-] ?(\d\d?)[:/.-] ?(\d\d?)(?!\d)", re.ASCII)
_TIME = re.compile(r"[ T] *(\d\d?): ?(\d\d?)(?:: ?(\d\d?))?(?!\d)", re.ASCII)
_FIRST_PHOTO = 1826  # Niépce's; a clock that says an earlier year was not set
_XMP_DATES = tuple(
    re.compile(name + rb"""\s*(?:=\s*["']|>)\s*([^"'<]{1,40})""")
    for name in (b"exif:DateTimeOriginal", b"photoshop:DateCreated")
)
_SRGB = 1  # as EXIF's ColorSpace; a program that made a photo sRGB may have left the Interop IFD as it was
_Part = TypeVar("_Part")
_LONGEST = 120  # characters of a camera's name that are kept


@dataclass(frozen=True, slots=True)
class Metadata:
    """The part of a photo's EXIF that photod uses."""

    orientation: int = 1
    taken_at: str | None = None
    camera: str | None = None
    is_adobe_rgb: bool | None = None  # by DCF 2.0, whose Adobe RGB files carry no profile; None: it does not say


def read(image: Image.Image) -> Metadata:
    """What can be had of the EXIF of a loaded image; never raises because of it."""
    return _unless_broken(lambda: from_exif(image.getexif(), image.info.get("xmp")), Metadata())


def read_tiff(data: Data) -> Metadata:
    """The same of a file that is a TIFF inside, such as most RAW files."""
    exif = Image.Exif()

    def load() -> Metadata:
        exif.load_from_fp(as_file(data))
        return from_exif(exif)

    return _unless_broken(load, Metadata())


def from_exif(exif: Image.Exif, xmp: object = None) -> Metadata:
    """The same from Pillow's EXIF object; broken parts are left out one by one. `xmp`: bytes, if there are any."""
    orientation = _entry(exif, ExifTags.Base.Orientation)
    make = _entry(exif, ExifTags.Base.Make)
    model = _entry(exif, ExifTags.Base.Model)
    return Metadata(
        orientation if isinstance(orientation, int) else 1,
        _taken_at(exif, xmp or _entry(exif, ExifTags.Base.XMLPacket)),
        camera_name(make, model),
        _is_adobe_rgb(exif),
    )


def camera_name(make: object, model: object) -> str | None:
    """Maker and model, the maker once."""
    maker, name = one_line(_text(make)), one_line(_text(model))
    if maker and name and _first_word(name) not in re.split(r"\W+", maker.casefold()):
        name = f"{maker} {name}"
    return (name or maker)[:_LONGEST] or None


def parse_date(value: object) -> str | None:
    """A date of EXIF's or XMP's as "YYYY-MM-DD HH:MM:SS"; None where the camera's clock was not set.

    A time that is left out or blank is midnight; without the day there is no date.
    """
    text = _text(value).strip()
    date = _DATE.match(text)
    if not date:
        return None
    time = _TIME.match(text, date.end())
    if not time and text[date.end() :].strip(" :"):
        return None
    year, month, day = map(int, date.groups())
    hour, minute, second = (int(part or 0) for part in time.groups()) if time else (0, 0, 0)
    try:
        return str(datetime(year, month, day, hour, minute, second)) if year >= _FIRST_PHOTO else None
    except ValueError:
        return None


def _first_word(name: str) -> str:
    return next(iter(re.findall(r"\w+", name.casefold())), "")


def _taken_at(exif: Image.Exif, xmp: object) -> str | None:
    details = _directory(exif, ExifTags.IFD.Exif)
    shot = [details.get(tag) for tag in (ExifTags.Base.DateTimeOriginal, ExifTags.Base.DateTimeDigitized)]
    # Beside one of those, however little it says, DateTime is that of an edit.
    others = [_entry(exif, ExifTags.Base.DateTime)] if shot == [None, None] else []
    return next((date for date in map(parse_date, chain(shot, _dates_of_xmp(xmp), others)) if date), None)


def _dates_of_xmp(xmp: object) -> Iterator[bytes]:
    if isinstance(xmp, bytes):
        for date in _XMP_DATES:
            if match := date.search(xmp):
                yield match[1]


def _is_adobe_rgb(exif: Image.Exif) -> bool | None:
    index = _text(_directory(exif, ExifTags.IFD.Interop).get(ExifTags.Interop.InteropIndex))
    if _directory(exif, ExifTags.IFD.Exif).get(ExifTags.Base.ColorSpace) == _SRGB or index == "R98":
        return False
    return True if index == "R03" else None


def _directory(exif: Image.Exif, tag: int) -> Mapping[int, object]:
    return _unless_broken(lambda: exif.get_ifd(tag), {})


def _entry(exif: Image.Exif, tag: int) -> object:
    return _unless_broken(lambda: exif.get(tag), None)


def _unless_broken(read: Callable[[], _Part], otherwise: _Part) -> _Part:
    try:
        return read()
    except MemoryError:
        raise
    except Exception:  # Pillow raises almost anything on broken EXIF
        return otherwise


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return ""
    text = value.split("\0")[0]
    try:
        return text.encode("latin-1").decode("utf-8")  # what most write, and what Pillow takes for Latin-1
    except UnicodeError:
        return text
