"""Scaled decoding: cheaper, and the same picture."""

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from photod.intake.decode import decode_photo
from photod.intake.scaled import load_scaled
from photod.photos import InputSpec
from photod.score.pictures import pictures

SIDE = 32


def jpeg(width: int, height: int) -> bytes:
    """A picture of landscapes, with edges, of any size."""
    picture = Image.fromarray(pictures(256, 8)[7]).resize((width, height), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue()


def decoded(data: bytes, side: int = SIDE, sides: int = 4) -> NDArray[np.int16]:
    pixels = decode_photo(data, InputSpec(side, decode_sides=sides), 10**9).pixels
    return np.frombuffer(pixels, np.uint8).reshape(side, side, 3).astype(np.int16)


def unscaled(data: bytes, side: int = SIDE) -> NDArray[np.int16]:
    return decoded(data, side, 1 << 20)


@pytest.mark.parametrize(
    ("size", "least", "reaches", "holds"),
    [
        ((261, 259), 128, (130.5, 129.5), (131, 130)),
        ((1025, 1024), 200, (256.25, 256), (257, 256)),
        ((261, 259), 140, (261, 259), (261, 259)),
    ],
)
def test_a_scaled_picture_reaches_as_far_as_it_did_and_not_to_the_end_of_its_last_pixel(
    size: tuple[int, int], least: int, reaches: tuple[float, float], holds: tuple[int, int]
) -> None:
    image = Image.open(io.BytesIO(jpeg(*size)))
    assert load_scaled(image, least) == reaches
    assert image.size == holds


@pytest.mark.parametrize("size", [(260, 260), (261, 259), (543, 517)])
def test_scaled_decoding_gives_the_same_picture(size: tuple[int, int]) -> None:
    data = jpeg(*size)
    fast, slow = decoded(data), unscaled(data)
    assert np.abs(fast - slow).max() <= 4
    assert abs(float((fast - slow).mean())) < 0.05, "darker or brighter as a whole"


def test_a_picture_in_another_format_comes_out_as_the_slow_way_makes_it() -> None:
    picture = Image.fromarray(pictures(256, 8)[7]).resize((1043, 777))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    slow = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.int16)
    assert np.abs(decoded(buffer.getvalue()) - slow).max() <= 1


@pytest.mark.parametrize("name", ["immich-test-assets/japanese-shop.jpg", "cq100-unsplash/Bryggen.jpg"])
def test_real_photos_differ_by_less_than_rounding(name: str, shared: Path) -> None:
    """At a quarter of a level on average, as many pixels are rounded otherwise as noise of a level would move."""
    data = (shared / "photos" / name).read_bytes()
    fast, slow = decoded(data, 224), unscaled(data, 224)
    assert 0 < np.abs(fast - slow).mean() < 0.25
    assert abs(float((fast - slow).mean())) < 0.05
