"""What a decoder costs on the way to the model's input, and how far its pixels are from the slow way's.

    python benchmarks/decoders.py [--kind jpeg-12mp] [--photos 20] [--runs 5]

Slow: every pixel decoded by Pillow, then Pillow's bicubic resize with antialias. Other JPEG decoders decode at half
the size, as photod does for its built-in model, or as small as the library can without going below that; simplejpeg
and OpenCV are installed beside the cached material. A RAW file (dng-12mp) has a preview to decode, or its sensor's
data. One thread each; the processor time of that thread counts.
"""

import argparse
import io
import sys
import time
from collections.abc import Callable
from unittest import mock

import numpy as np
import rawpy
import torch
from machine_facts import machine
from material import KINDS, Kind, describe, installed, photos, scene
from numpy.typing import NDArray
from PIL import Image
from turns import in_turns, ratio, spread

from photod.intake import resize
from photod.intake.decode import decode_photo
from photod.photos import InputSpec
from photod.score.assembly import BUILTIN_DECODE_SIDES

SIDE = 224
FULL = 1 << 20  # times the side: never scaled
OTHERS = ("simplejpeg==1.9.0", "opencv-python-headless==5.0.0.93")
Pixels = NDArray[np.uint8]
Decode = Callable[[bytes], Pixels]


def main() -> None:
    """Measure in turns and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", default="jpeg-12mp")
    parser.add_argument("--photos", type=int, default=20)
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    files = photos(asked.kind, asked.photos)
    print(machine())
    print(f"{asked.kind}: {describe(files)}")
    data = [file.read_bytes() for file in files]
    others = {".jpg": jpeg_decoders, ".dng": sensor_decoders}.get(files[0].suffix, dict)()
    own = {
        "photod": by_photod(BUILTIN_DECODE_SIDES),
        "photod, Pillow's resize": with_pillows_resize(by_photod(BUILTIN_DECODE_SIDES)),
        "slow": with_pillows_resize(by_photod(FULL)),
    }
    decoders: dict[str, Decode] = {**own, **others}
    exact = [decoders["slow"](each).astype(int) for each in data]
    times = in_turns({name: timed(decode, data) for name, decode in decoders.items()}, asked.runs)
    for name, decode in decoders.items():
        apart = np.mean(
            [np.abs(decode(each).astype(int) - slow).mean() for each, slow in zip(data, exact, strict=True)]
        )
        costs = spread([1000 * taken / len(data) for taken in times[name]])
        print(
            f"  {name:24} {costs} core-ms a photo, {ratio(times['slow'], times[name]):.2f} times the slow way;"
            f" pixels differ by {apart:.3f} levels on average",
            flush=True,
        )
    for name, costs in resizing(KINDS[asked.kind], asked.runs).items():
        print(f"  one resize of every pixel, {name}: {costs} core-ms")


def resizing(kind: Kind, runs: int) -> dict[str, str]:
    """What it takes to make the model's input of a decoded picture, by Pillow and by photod."""
    image = Image.fromarray(scene(kind.width, kind.height, 0))
    whole = (0, 0, *image.size)
    work = {
        "Pillow": lambda: cpu_seconds(lambda: image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)),
        "photod": lambda: cpu_seconds(lambda: resize.bicubic(image, (SIDE, SIDE), whole)),
    }
    return {name: spread([1000 * taken for taken in times]) for name, times in in_turns(work, runs).items()}


def cpu_seconds(work: Callable[[], object]) -> float:
    """The processor seconds of this thread."""
    began = time.thread_time()
    work()
    return time.thread_time() - began


def timed(decode: Decode, data: list[bytes]) -> Callable[[], float]:
    """The processor seconds of this thread for all."""

    return lambda: cpu_seconds(lambda: [decode(each) for each in data])


def with_pillows_resize(decode: Decode) -> Decode:
    """The same where there is no faster library for the resize."""

    def slowly(data: bytes) -> Pixels:
        with mock.patch.object(resize, "FASTER", False):
            return decode(data)

    return slowly


def by_photod(sides: int) -> Decode:
    """photod's own way: Pillow's draft mode, one resize; it looks for missing parts and reads the metadata, too."""
    spec = InputSpec(SIDE, decode_sides=sides)
    return lambda data: np.frombuffer(decode_photo(data, spec, 300_000_000).pixels, np.uint8).reshape(SIDE, SIDE, 3)


def sensor_decoders() -> dict[str, Decode]:
    """A RAW file without its preview: what the sensor saw, four photosites to a pixel, or all of them."""

    def develop(data: bytes, half: bool) -> Pixels:
        with rawpy.imread(io.BytesIO(data)) as negative:
            picture = negative.postprocess(half_size=half, use_camera_wb=True)
        return np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BICUBIC))

    return {
        "sensor at half size": lambda data: develop(data, half=True),
        "sensor, every pixel": lambda data: develop(data, half=False),
    }


def jpeg_decoders() -> dict[str, Decode]:
    """Other libraries, with the resize that each of them is used with."""
    sys.path.append(str(installed("+".join(OTHERS), "--no-deps", *OTHERS)))
    import cv2
    import simplejpeg
    from torchvision.io import ImageReadMode, decode_jpeg  # type: ignore[import-untyped]

    least = BUILTIN_DECODE_SIDES * SIDE

    def by_simplejpeg(data: bytes) -> Pixels:
        pixels = simplejpeg.decode_jpeg(data, "RGB", min_height=least, min_width=least, min_factor=1)
        return np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BICUBIC))

    def by_torchvision(data: bytes) -> Pixels:
        whole = decode_jpeg(torch.frombuffer(bytearray(data), dtype=torch.uint8), ImageReadMode.RGB)
        small = torch.nn.functional.interpolate(
            whole[None].contiguous(memory_format=torch.channels_last), (SIDE, SIDE), mode="bicubic", antialias=True
        )
        pixels: Pixels = small[0].permute(1, 2, 0).numpy()
        return pixels

    def by_opencv(data: bytes) -> Pixels:
        half = cv2.imdecode(
            np.frombuffer(data, np.uint8), cv2.IMREAD_REDUCED_COLOR_2 | cv2.IMREAD_IGNORE_ORIENTATION
        )
        return np.asarray(cv2.resize(half, (SIDE, SIDE), interpolation=cv2.INTER_AREA)[..., ::-1], np.uint8)

    def resized_by_torch(data: bytes) -> Pixels:
        image = Image.open(io.BytesIO(data))
        image.draft("RGB", (least, least))
        half = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None]
        small = torch.nn.functional.interpolate(half, (SIDE, SIDE), mode="bicubic", antialias=True)
        pixels: Pixels = small[0].permute(1, 2, 0).numpy()
        return pixels

    cv2.setNumThreads(1)
    return {
        "simplejpeg, Pillow": by_simplejpeg,
        "Pillow draft, torch": resized_by_torch,
        "torchvision, torch": by_torchvision,
        "OpenCV reduced, by area": by_opencv,
    }


if __name__ == "__main__":
    main()
