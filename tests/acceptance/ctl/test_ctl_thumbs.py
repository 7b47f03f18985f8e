"""`photod-ctl top --thumbs` in terminals that say what they can show; the pictures are decoded from its bytes."""

import base64
import io
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from machine import need
from photod_ctl.thumbs import COLUMNS, ROWS, cells
from pseudo_terminal import run_ctl

Archive = Callable[..., Path]
Pixels = NDArray[np.uint8]
"""[height, width, RGB]."""
Terminal = Callable[..., tuple[int, bytes]]

ATTRIBUTES = b"\x1b[c"  # "what are you?", which every terminal answers
KITTY = {ATTRIBUTES: b"\x1b[?62;c", rb"\x1b_G[^\x1b]*a=q[^\x1b]*\x1b\\": b"\x1b_Gi=1;OK\x1b\\"}
SIXEL = {ATTRIBUTES: b"\x1b[?62;4;22c"}
PLAIN = {ATTRIBUTES: b"\x1b[?62;22c"}
RED, GREEN, BLUE = (200, 30, 30), (30, 160, 40), (40, 60, 200)


@pytest.fixture
def terminal(environment: dict[str, str], tmp_path: Path) -> Terminal:
    """Runs photod-ctl in a terminal with cells of 10 x 20 pixels, which answers questions as it is told to."""
    if find_spec("textual_image") is None:
        need("textual-image")

    def run(answers: Mapping[bytes, bytes], *arguments: str | Path, **more: str) -> tuple[int, bytes]:
        return run_ctl(*arguments, environment=environment | more, cwd=tmp_path, answers=answers)

    return run


@pytest.fixture
def folder(archive: Archive) -> Path:
    """The best is stored lying on its side, and red above blue when it is upright; the second is green."""
    folder = archive("photos", {"turned.jpg": 9.0, "green.png": 8.0, "gone.jpg": 7.0}, model="aesclip")
    stored = Image.new("RGB", (400, 600), RED)
    stored.paste(BLUE, (0, 0, 200, 600))
    exif = Image.Exif()
    exif[0x0112] = 8  # upright after a quarter turn to the left
    stored.save(folder / "turned.jpg", exif=exif, quality=95, subsampling=0)
    Image.new("RGB", (400, 400), GREEN).save(folder / "green.png")
    (folder / "gone.jpg").unlink()
    return folder


@pytest.mark.parametrize("no_color", [{}, {"NO_COLOR": "1"}])
def test_kitty_gets_each_photo_upright_by_its_own_protocol(
    terminal: Terminal, folder: Path, no_color: dict[str, str]
) -> None:
    code, seen = terminal(KITTY, "top", folder, "--thumbs", **no_color)
    assert code == 0
    pictures = kitty_pictures(seen)
    assert len(pictures) == 2
    first, second = pictures.values()
    _expect_turned(first)
    _expect(second, 0.5, 0.5, GREEN)
    for number in pictures:  # the colour of the placeholders names the picture
        colour = f"38;2;{number >> 16 & 255};{number >> 8 & 255};{number & 255}m"
        assert f"\x1b[{colour}\U0010eeee".encode() in seen
    assert b"rank" not in seen
    for words in ("9.00", "percentile 100.0", "2021-02-03", "Canon EOS 6D", "No such file or"):
        assert words.encode() in seen


def test_a_sixel_terminal_gets_the_same_as_sixels(terminal: Terminal, folder: Path) -> None:
    code, seen = terminal(SIXEL, "top", folder, "--thumbs")
    assert code == 0
    first, second = sixel_pictures(seen)
    _expect_turned(first)
    _expect(second, 0.5, 0.5, GREEN)
    assert first.shape[1] / first.shape[0] == pytest.approx(1.5, rel=0.1)


def test_many_thumbnails_come_in_the_order_of_the_ranking(terminal: Terminal, archive: Archive) -> None:
    greys = range(0, 250, 25)
    folder = archive("photos", {f"{grey}.png": grey / 100 for grey in greys}, model="aesclip")
    for grey in greys:
        Image.new("L", (30, 20), grey).save(folder / f"{grey}.png")
    _, seen = terminal(KITTY, "top", folder, "--thumbs")
    assert [pixels[0, 0, 0] for pixels in kitty_pictures(seen).values()] == [*reversed(greys)]


def test_beside_a_thumbnail_stands_how_many_show_its_scene_and_each_model_has_a_title(
    terminal: Terminal, archive: Archive
) -> None:
    folder = archive("photos", {"a.jpg": 5.0}, model="clip")
    archive("photos", {"b.jpg": 9.0, "copy.jpg": 9.0}, model="aesclip", bytes_of={"copy.jpg": "b.jpg"})
    code, seen = terminal(KITTY, "top", folder, "--thumbs", "--distinct")
    assert code == 0
    assert [seen.count(words) for words in (b"aesclip: 2 photos", b"clip, an earlier model: 1 photo")] == [1, 1]
    assert seen.count(b"1 more of this scene") == seen.count(b"of this scene") == 1
    code, seen = terminal(KITTY, "top", folder, "--thumbs", "--year", "1999")
    assert (code, seen.count(b"no photo is ranked within these limits")) == (0, 1)


@pytest.mark.parametrize("answers", [PLAIN, {}])
def test_a_terminal_without_pictures_is_one_line_that_says_what_to_do(
    terminal: Terminal, folder: Path, answers: Mapping[bytes, bytes]
) -> None:
    code, seen = terminal(answers, "top", folder, "--thumbs")
    assert code == 2
    assert seen.count(b"\n") == 1
    assert b"this terminal cannot show pictures" in seen
    assert b"photod-ctl slideshow" in seen


def test_a_missing_library_is_one_line_that_installs_it_by_its_own_name(
    terminal: Terminal, folder: Path, tmp_path: Path
) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "textual_image.py").write_text("raise ImportError\n")
    path = os.pathsep.join(filter(None, (str(hidden), os.environ.get("PYTHONPATH"))))
    code, seen = terminal(KITTY, "top", folder, "--thumbs", PYTHONPATH=path)
    assert (code, seen.count(b"\n")) == (2, 1)
    assert f"{sys.executable} -m pip install textual-image".encode() in seen


def test_in_a_pipe_it_is_refused(ctl: Callable[..., subprocess.CompletedProcess[str]], folder: Path) -> None:
    run = ctl("top", folder, "--thumbs")
    assert (run.returncode, run.stdout, run.stderr.count("\n")) == (2, "", 1)
    assert "--thumbs needs a terminal" in run.stderr


def _expect_turned(pixels: Pixels) -> None:
    assert pixels.shape[1] > pixels.shape[0]
    _expect(pixels, 0.25, 0.5, RED)
    _expect(pixels, 0.75, 0.5, BLUE)


def _expect(pixels: Pixels, down: float, across: float, colour: tuple[int, int, int]) -> None:
    pixel = pixels[int(down * len(pixels)), int(across * pixels.shape[1])]
    assert np.abs(pixel.astype(int) - colour).max() < 6  # sixels have colours in hundredths


def kitty_pictures(seen: bytes) -> dict[int, Pixels]:
    """The pictures transmitted by kitty's graphics protocol, by their numbers."""
    payloads: dict[int, bytes] = {}
    for keys, payload in re.findall(rb"\x1b_G([^;\x1b]*);([^\x1b]*)\x1b\\", seen):
        fields = dict(pair.split("=") for pair in keys.decode().split(","))
        if fields.get("f") == "100":
            payloads[int(fields["i"])] = payloads.get(int(fields["i"]), b"") + payload
    pictures = {n: Image.open(io.BytesIO(base64.b64decode(data))) for n, data in payloads.items()}
    return {n: np.asarray(picture.convert("RGB")) for n, picture in pictures.items()}


def sixel_pictures(seen: bytes) -> list[Pixels]:
    """The pictures drawn with sixels."""
    return [_decode_sixels(body) for body in re.findall(rb"\x1bP[\d;]*q([^\x1b]*)\x1b\\", seen)]


def _decode_sixels(body: bytes) -> Pixels:
    """As a DEC terminal would draw them: six rows at a time, colour over colour."""
    canvas = np.zeros((2000, 2000, 3), np.uint8)
    colours: dict[int, tuple[int, ...]] = {}
    x = top = width = height = 0
    now: tuple[int, ...] = (0, 0, 0)
    for token in re.finditer(rb'"[\d;]*|#([\d;]+)|!(\d+)([?-~])|([?-~])|([$-])', body):
        register, count, repeated, single, move = token.groups()
        if register:
            number, *definition = map(int, register.split(b";"))
            if definition:
                colours[number] = tuple(round(part * 2.55) for part in definition[1:])
            now = colours[number]
        elif repeated or single:
            times = int(count or 1)
            for bit in range(6):
                if (repeated or single)[0] - 0x3F >> bit & 1:
                    canvas[top + bit, x : x + times] = now
                    height = max(height, top + bit + 1)
            x += times
            width = max(width, x)
        elif move:
            x, top = 0, top + 6 * (move == b"-")
    return canvas[:height, :width]


def test_a_panorama_and_a_tower_have_a_cell_in_each_direction() -> None:
    assert cells((600, 400)) == (COLUMNS, ROWS)
    assert cells((9000, 30)) == (COLUMNS, 1)
    assert cells((3, 9000)) == (1, ROWS)
