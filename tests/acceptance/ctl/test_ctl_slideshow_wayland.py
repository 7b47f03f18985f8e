"""The slideshow on a desktop that has Wayland and no X."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from machine import need
from waiting import PATIENCE_S, wait_until
from wayland_screen import PROGRAMS, WaylandScreen
from x_screen import near


@pytest.fixture
def wayland() -> Iterator[WaylandScreen]:
    for program in PROGRAMS:
        if shutil.which(program) is None:
            need(program)
    screen = WaylandScreen()
    yield screen
    screen.close()


def test_a_photo_fills_the_screen(wayland: WaylandScreen, environment: dict[str, str], folder: Path) -> None:
    command = [sys.executable, "-m", "photod_ctl", "slideshow", str(folder), "--delay", "600"]
    process = subprocess.Popen(command, env={**environment, "WAYLAND_DISPLAY": wayland.display})

    def is_full_screen() -> bool:
        pixels = wayland.pixels()
        # 600 x 400 on 800 x 600: black above it, where a window would have its title.
        return near(pixels[300, 400], "red") and not pixels[:30].any()

    try:
        wait_until(is_full_screen)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
