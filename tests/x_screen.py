"""An X server without a screen: what is on it, and keys and clicks for it."""

import os
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from waiting import PATIENCE_S

COLOURS = {"red": (200, 30, 30), "green": (30, 160, 40), "blue": (40, 60, 200), "grey": (120, 120, 120)}


class Screen:
    """An X server without a screen, and what is on it."""

    def __init__(self, directory: Path, width: int = 800, height: int = 600, dpi: int = 96) -> None:
        directory.mkdir()
        self.middle = (height // 2, width // 2)
        read, write = os.pipe()
        self._memory = directory / "Xvfb_screen0"
        self.process = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{width}x{height}x24", "-fbdir", str(directory),
             "-dpi", str(dpi), "-nolisten", "tcp", "-noreset"],
            pass_fds=[write], stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(write)
        with os.fdopen(read) as display:
            self.display = f":{display.readline().strip()}"

    def pixels(self) -> NDArray[np.uint8]:
        """[height, width, RGB]."""
        dump = self._memory.read_bytes()  # an XWD file
        header = struct.unpack(">25I", dump[:100])
        start, width, height, line, colours = header[0], header[4], header[5], header[12], header[19]
        rows = np.frombuffer(dump, np.uint8, line * height, start + colours * 12)
        return rows.reshape(height, line // 4, 4)[:, :width, 2::-1]

    def press(self, *keys: str) -> None:
        for key in keys:
            self._xdotool("key", key)

    def click(self, button: int) -> None:
        self._xdotool("click", str(button))

    def is_managed(self) -> bool:
        """Whether a window manager has the screen: only one that runs can say how many desktops it has."""
        asked = ["xdotool", "get_num_desktops"]
        return subprocess.run(asked, env=self._environment(), capture_output=True, check=False).returncode == 0

    def _xdotool(self, *words: str) -> None:
        subprocess.run(["xdotool", *words], env=self._environment(), check=True)

    def _environment(self) -> dict[str, str]:
        return {"DISPLAY": self.display, "PATH": os.environ["PATH"]}

    def wait_for(self, seen: Callable[[NDArray[np.uint8]], bool], what: str) -> None:
        """Wait until the screen shows it."""
        deadline = time.monotonic() + PATIENCE_S
        while not seen(self.pixels()):
            assert time.monotonic() < deadline, f"waited for {what}, and see {self.pixels()[self.middle]}"
            time.sleep(0.02)

    def wait_for_colour(self, name: str) -> None:
        """Wait until the middle of the screen is of that colour."""
        self.wait_for(lambda pixels: near(pixels[self.middle], name), name)

    def close(self) -> None:
        """End the server."""
        self.process.terminate()
        self.process.wait()


def near(pixel: NDArray[np.uint8], name: str) -> bool:
    """Whether a pixel is of that colour."""
    return bool(np.abs(pixel.astype(int) - np.array(COLOURS[name])).max() < 6)
