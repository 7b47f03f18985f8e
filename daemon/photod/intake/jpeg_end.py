"""Whether a JPEG has its whole picture, of which its end marker is no proof.

Cards, and the programs that rescue photos from them, leave JPEGs that stop somewhere and have an end marker all the
same; others lack nothing but the marker. Where a decoder finds no data, it paints a certain grey.
"""

from PIL import Image, ImageChops
from PIL.JpegImagePlugin import JpegImageFile

from photod.errors import DecodeError
from photod.intake.buffer import Data, as_file
from photod.intake.scaled import Extent, load_scaled
from photod.intake.unfinished import END, HAS_HOLE, SCAN, find_scan

# What is painted, in colours, in greys, and in the two kinds of inks (CMYK and YCCK).
_GREYS = frozenset(((128, 128, 128), 128, (127, 127, 127, 127), (128, 128, 128, 127)))
_LEAST_DROPPED = 16  # bytes of data; to drop fewer may change nothing that can be seen
_PIXELS_OF_A_BYTE = 512  # at most: a block of 8 x 8 takes a bit or more in each scan
_MARGIN = 16  # rows of a JPEG's that are coded together, and so bleed into those above


def load(data: Data, image: Image.Image, least_px: int) -> tuple[Image.Image, Extent]:
    """The picture of these bytes, loaded as by `load_scaled`. It may be another than `image`, which was opened.

    Raises DecodeError if a JPEG was cut off, and whatever Pillow does.
    """
    if not isinstance(image, JpegImageFile):
        return image, load_scaled(image, least_px)
    width, height = image.size
    try:
        extent = load_scaled(image, least_px)
    except OSError:
        if not _is_one_scan(data, image):  # whole scans might be missing, too
            raise
        image = _open(bytes(data) + END)
        extent = load_scaled(image, least_px)
        if _is_painted(image, image.width - 1, image.height - 1):
            raise
        return image, extent
    if _is_painted(image, 0, image.height - 1):  # the whole last row, which is rare
        _check_cut(data, image, (width, height), least_px)
    return image, extent


def _is_one_scan(data: Data, image: JpegImageFile) -> bool:
    """Whether all channels are coded together, and in one pass."""
    start = find_scan(data)
    return start is not None and data[start + 4] == image.layers and "progressive" not in image.info


def _check_cut(data: Data, image: Image.Image, size: tuple[int, int], least_px: int) -> None:
    """Raises DecodeError if the grey rows below were painted for want of data. `size`: before it was scaled.

    Then the last bytes before the end marker are of what is above, which changes without them. Where the rows are
    meant to be grey, they are of these rows.
    """
    start = find_scan(data)
    end = data.find(END, start) if start is not None else -1
    if start is None or end < 0 or data.find(SCAN, start + len(SCAN), end) >= 0:
        return  # with several scans, a whole one's last bytes may be of anything
    grey = Image.new(image.mode, image.size, image.getpixel((0, image.height - 1)))
    above = ImageChops.difference(image, grey).getbbox()
    if above is None:
        return
    bottom = above[3]
    rows = size[1] * (image.height - bottom) // image.height - _MARGIN
    dropped = size[0] * rows // _PIXELS_OF_A_BYTE
    if dropped < _LEAST_DROPPED:
        return
    kept = bytes(data[:end]).rstrip(b"\xff")[:-dropped]  # an erased card is full of these, which say nothing
    again = _open(kept + END)
    load_scaled(again, least_px)
    part = (0, 0, image.width, bottom)
    if image.crop(part).tobytes() != again.crop(part).tobytes():
        raise DecodeError(HAS_HOLE)


def _open(data: bytes) -> Image.Image:
    return Image.open(as_file(data), formats=(JpegImageFile.format,))


def _is_painted(image: Image.Image, left: int, top: int) -> bool:
    """Whether a picture is painted grey from there to its lower right."""
    colours = image.crop((left, top, *image.size)).getcolors(1)
    return colours is not None and colours[0][1] in _GREYS
