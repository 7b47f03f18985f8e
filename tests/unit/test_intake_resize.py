"""The fast resize makes Pillow's pixels, in the order of passes that AesCLIP was trained with."""

import platform
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from photod.intake import resize
from photod.intake.resize import Box, Size, bicubic

SIDES = st.integers(1, 300)
MODES = ("RGB", "RGBa", "CMYK", "L")


def noise(mode: str, size: Size) -> Image.Image:
    """Edges everywhere, from black to white: what a resize that rounds elsewhere shows most on."""
    bands = len(Image.new(mode, (1, 1)).getbands())
    levels = np.random.default_rng(size[0]).choice((0, 255, 17, 128), (size[1], size[0], bands))
    return Image.frombytes(mode, size, levels.astype(np.uint8).tobytes())


def by_pillow(image: Image.Image, size: Size, box: Box) -> Image.Image:
    """Rows, then columns, each by a resize of its own, so that no version of Pillow can choose."""
    left, top, right, bottom = box
    rows = image.resize((size[0], image.height), Image.Resampling.BICUBIC, (left, 0, right, image.height))
    return rows.resize(size, Image.Resampling.BICUBIC, (0, top, size[0], bottom))


def apart(image: Image.Image, size: Size, box: Box | None = None) -> NDArray[np.int16]:
    box = box or (0, 0, *image.size)
    ours, pillows = bicubic(image, size, box), by_pillow(image, size, box)
    assert (ours.size, ours.mode) == (pillows.size, pillows.mode)
    return np.asarray(ours, np.int16) - np.asarray(pillows, np.int16)


@pytest.mark.skipif(
    platform.machine() != "x86_64" or sys.version_info >= (3, 15), reason="no wheels of the faster library"
)
def test_the_faster_library_is_there() -> None:
    assert resize.FASTER


@pytest.mark.parametrize("mode", MODES)
@given(width=SIDES, height=SIDES, columns=SIDES, rows=SIDES)
def test_no_pixel_is_off_by_more_than_rounding(mode: str, width: int, height: int, columns: int, rows: int) -> None:
    """Given any size, larger or smaller, then both passes may round to the next level, and nothing else."""
    assert np.abs(apart(noise(mode, (width, height)), (columns, rows))).max() <= 2


@given(st.data())
def test_a_box_may_begin_and_end_within_a_pixel(data: st.DataObject) -> None:
    width, height = data.draw(st.integers(4, 300)), data.draw(st.integers(4, 300))
    left, top = data.draw(st.floats(0, width / 2)), data.draw(st.floats(0, height / 2))
    right, bottom = data.draw(st.floats(left + 1, width)), data.draw(st.floats(top + 1, height))
    assert np.abs(apart(noise("RGB", (width, height)), (32, 24), (left, top, right, bottom))).max() <= 2


@pytest.mark.parametrize("size", [(2000, 1500), (667, 1000), (100, 80)])
def test_few_pixels_differ_at_all(size: Size) -> None:
    different = apart(noise("RGB", size), (224, 224))
    assert np.count_nonzero(different) < different.size / 100
    assert abs(different.mean()) < 0.005, "darker or brighter as a whole"


@pytest.mark.parametrize("mode", ["I", "F", "LAB"])
def test_other_modes_are_left_to_pillow(mode: str) -> None:
    image = noise("LAB", (64, 48)) if mode == "LAB" else noise("L", (64, 48)).convert(mode)
    assert not apart(image, (32, 24)).any()


def test_pillow_takes_over_where_there_is_no_fast_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resize, "FASTER", False)
    assert not apart(noise("RGB", (300, 200)), (32, 24)).any()


@pytest.mark.parametrize("library", [True, False])
def test_rows_come_first_in_every_shape(library: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a picture that loses more of its height, whose columns Pillow 13 takes first, then rows come first."""
    if not library:
        monkeypatch.setattr(resize, "FASTER", False)
    picture, size = noise("RGB", (254, 231)), (242, 195)
    assert np.abs(apart(picture, size)).max() <= 2
    columns_first = picture.resize((254, 195), Image.Resampling.BICUBIC).resize(size, Image.Resampling.BICUBIC)
    ours = bicubic(picture, size, (0, 0, *picture.size))
    assert np.abs(np.asarray(ours, np.int16) - np.asarray(columns_first, np.int16)).max() > 10
