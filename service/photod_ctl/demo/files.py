"""The files of the demonstration folder: what they show, what they are called."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

from photod_ctl.demo import encode, spoil
from photod_ctl.demo.canvas import Pixels, to_image
from photod_ctl.demo.scenes import render

SEED = 23
_REFLEX = ("Canon", "Canon EOS 6D")
_MIRRORLESS = ("FUJIFILM", "X-T3")
_PHONE = ("Apple", "iPhone 12")
_COMPACT = ("SONY", "DSC-RX100M3")

# Name, scene, its number, when, with what.
_GOOD = (
    ("2011 Norway/fjord.jpg", "mountains", 1, "2011-07-14 21:40:05", _COMPACT),
    ("2011 Norway/midnight sun.jpg", "sunset", 1, "2011-07-15 00:12:44", _COMPACT),
    ("2011 Norway/road north.jpg", "road", 1, "2011-07-16 11:03:19", _COMPACT),
    ("2014/tulip.jpg", "flower", 2, "2014-05-02 10:21:33", _REFLEX),
    ("2014/garden.jpg", "flower", 5, "2014-05-02 10:25:01", _REFLEX),
    ("2014/Anna.jpg", "portrait", 1, "2014-08-23 18:30:55", _REFLEX),
    ("2014/apples.jpg", "fruit", 1, "2014-10-11 15:08:27", _REFLEX),
    ("2017/dunes.jpg", "dunes", 1, "2017-03-05 07:45:12", _REFLEX),
    ("2017/dunes, later.jpg", "dunes", 4, "2017-03-05 17:52:40", _REFLEX),
    ("2017/oasis night.jpg", "stars", 1, "2017-03-06 02:15:00", _REFLEX),
    ("2019/skyline.jpg", "city", 1, "2019-11-30 19:20:31", _MIRRORLESS),
    ("2019/across the river.jpg", "city", 6, "2019-11-30 19:41:08", _MIRRORLESS),
    ("2019/spruces.jpg", "forest", 3, "2019-10-06 07:58:21", _MIRRORLESS),
    ("2019/fog.jpg", "forest", 1, "2019-10-06 08:13:45", _MIRRORLESS),
    ("2022/blue ranges.jpg", "mountains", 2, "2022-09-18 16:33:02", _MIRRORLESS),
    ("2022/still life.jpg", "fruit", 4, "2022-01-22 14:10:59", _MIRRORLESS),
    ("2022/avenue.jpg", "road", 4, "2022-06-04 12:44:38", _PHONE),
    ("2022/Tom.jpg", "portrait", 6, "2022-12-25 16:05:14", _PHONE),
    ("2022/socket to replace.jpg", "wall", 1, "2022-02-08 09:30:27", _PHONE),
)
_NAMES = (
    ("names/two  blanks .jpg", "sunset", 4),
    ("names/a line\nbreak.jpg", "mountains", 4),
    ("names/夕焼け.jpg", "sunset", 2),
    ("names/закат.jpg", "sunset", 7),
    ("names/Weißensee früh.jpg", "forest", 2),
    ("names/غروب.jpg", "dunes", 2),
    ("names/🌻.jpg", "flower", 3),
    ("names/-rf.jpg", "road", 2),
    ("names/colour \x1b[31mred.jpg", "fruit", 2),
    ("names/not utf-8 caf\udce9.jpg", "city", 2),
)


@dataclass(frozen=True, slots=True)
class DemoFile:
    """A file to write: a path relative to the folder (surrogate-escaped), and what is in it."""

    path: str
    data: bytes
    taken_at: str | None = None


def demo_files() -> Iterator[DemoFile]:
    """Every file of the demonstration folder, always the same."""
    for path, scene, number, taken_at, camera in _GOOD:
        yield DemoFile(path, encode.jpeg(_picture(scene, number), encode.exif(taken_at, camera)), taken_at)
    yield from _burst()
    yield from _spoilt()
    yield from _rotated()
    yield from _formats()
    for path, scene, number in _NAMES:
        yield DemoFile(path, encode.jpeg(_picture(scene, number)))
    yield from _copies()
    yield from _broken()


@cache
def _picture(scene: str, number: int) -> Pixels:
    return render(scene, SEED + number)


def _burst() -> Iterator[DemoFile]:
    """Four frames of one evening, seconds apart."""
    picture = _picture("sunset", 11)
    for frame in range(4):
        window = picture[3 * frame : 380 + 3 * frame, 8 * frame : 560 + 8 * frame]
        taken_at = f"2022-08-19 20:31:{7 + 2 * frame:02}"
        data = encode.jpeg(spoil.expose(window, 0.06 * frame), encode.exif(taken_at, _PHONE))
        yield DemoFile(f"2022/IMG_41{frame + 20}.jpg", data, taken_at)


def _spoilt() -> Iterator[DemoFile]:
    rng = np.random.default_rng(SEED)
    for name, picture in (
        ("out of focus.jpg", spoil.defocus(_picture("flower", 2), 5)),
        ("far out of focus.jpg", spoil.defocus(_picture("road", 4), 11)),
        ("portrait, soft.jpg", spoil.defocus(_picture("portrait", 1), 3)),
        ("camera shake.jpg", spoil.shake(_picture("city", 1), 22)),
        ("too dark.jpg", spoil.expose(_picture("mountains", 2), -4)),
        ("nearly black.jpg", spoil.expose(_picture("fruit", 1), -7)),
        ("noise.jpg", spoil.add_noise(_picture("dunes", 1), 0.16, rng)),
        ("dark and noisy.jpg", spoil.add_noise(spoil.expose(_picture("forest", 1), -3), 0.2, rng)),
        ("over-exposed.jpg", spoil.expose(_picture("road", 1), 2.6)),
        ("blown out.jpg", spoil.expose(_picture("mountains", 1), 4)),
        ("haze.jpg", spoil.haze(_picture("dunes", 4))),
        ("finger.jpg", spoil.finger(_picture("mountains", 2), rng)),
    ):
        yield DemoFile(f"spoilt/{name}", encode.jpeg(picture, encode.exif(None, _PHONE)))
    yield DemoFile("spoilt/saved too often.jpg", encode.jpeg(_picture("fruit", 4), quality=4))


def _rotated() -> Iterator[DemoFile]:
    for orientation, scene in ((3, "road"), (5, "flower"), (6, "portrait"), (8, "mountains")):
        taken_at = f"2018-04-0{orientation} 13:00:00"
        data = encode.rotated_jpeg(_picture(scene, 8), orientation, encode.exif(taken_at, _PHONE))
        yield DemoFile(f"2018 phone/turned {orientation}.jpg", data, taken_at)


def _formats() -> Iterator[DemoFile]:
    small, image = _picture("stars", 3)[:256, :384], to_image(_picture("flower", 8))
    taken_at = "2021-02-13 23:05:41"
    yield DemoFile("formats/iphone.heic", encode.heic(small, encode.exif(taken_at, _PHONE)), taken_at)
    yield DemoFile("formats/picture.avif", encode.encode(to_image(small), "AVIF", speed=10))
    yield DemoFile("formats/picture.png", encode.encode(image, "PNG", compress_level=1))
    yield DemoFile("formats/picture.webp", encode.encode(image, "WEBP", method=0))
    yield DemoFile("formats/picture.bmp", encode.encode(image.resize((300, 200)), "BMP"))
    yield DemoFile("formats/16 bits.png", encode.deep_png(_picture("sunset", 4)[:300]))
    yield DemoFile("formats/16 bits.tif", encode.deep_tiff(_picture("dunes", 2)))
    yield DemoFile("formats/grey.jpg", encode.encode(to_image(_picture("forest", 2)).convert("L"), "JPEG"))
    yield DemoFile("formats/cmyk.jpg", encode.encode(to_image(_picture("fruit", 2)).convert("CMYK"), "JPEG"))
    frames = [to_image(_picture("city", 2)).resize((300, 200)).quantize(64), Image.new("P", (300, 200))]
    yield DemoFile("formats/palette.gif", encode.encode(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    yield DemoFile("formats/cut out.png", encode.cut_out(_picture("portrait", 8)))


def _copies() -> Iterator[DemoFile]:
    """The same bytes under other names."""
    originals = {path: (scene, number, taken_at, camera) for path, scene, number, taken_at, camera in _GOOD}
    for copy, original in (
        ("backup/fjord (1).jpg", "2011 Norway/fjord.jpg"),
        ("backup/skyline.jpg", "2019/skyline.jpg"),
        ("2014/Anna, copy.jpg", "2014/Anna.jpg"),
    ):
        scene, number, taken_at, camera = originals[original]
        yield DemoFile(copy, encode.jpeg(_picture(scene, number), encode.exif(taken_at, camera)), taken_at)


def _broken() -> Iterator[DemoFile]:
    whole = encode.jpeg(_picture("mountains", 4))
    garbage = np.random.default_rng(SEED).bytes(len(whole))
    yield DemoFile("broken/truncated.jpg", whole[: len(whole) * 2 // 3])
    yield DemoFile("broken/corrupt.jpg", whole[:20] + garbage[20:])
    yield DemoFile("broken/empty.jpg", b"")
    yield DemoFile("broken/a web page.jpg", b"<!doctype html><title>404 Not Found</title>\n")
    yield DemoFile("broken/half an upload.png", encode.encode(to_image(_picture("wall", 1)), "PNG")[:4000])
