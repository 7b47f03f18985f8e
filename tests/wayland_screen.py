"""A Wayland compositor without a screen, and what is on it."""

import io
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from waiting import wait_until

PROGRAMS = ("sway", "grim")
NOBODY = 65534
_CONFIGURATION = "xwayland disable\noutput * resolution 800x600\n"
_HEADLESS = {"WLR_BACKENDS": "headless", "WLR_LIBINPUT_NO_DEVICES": "1", "WLR_RENDERER": "pixman"}


class WaylandScreen:
    """sway, which gives a window that is not full screen a title."""

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="photod-wayland-"))  # short, as a socket's name must be
        (self._directory / "config").write_text(_CONFIGURATION, encoding="ascii")
        command = ["sway", "--config", str(self._directory / "config")]
        if os.getuid() == 0:  # sway refuses to run as root
            os.chown(self._directory, NOBODY, NOBODY)
            command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]
        self._environment = {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(self._directory)}
        self._process = subprocess.Popen(
            command,
            env={**self._environment, **_HEADLESS, "HOME": str(self._directory)},
            cwd=self._directory,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: any(self._directory.glob("wayland-*[0-9]")))
        (self.display,) = map(str, self._directory.glob("wayland-*[0-9]"))  # an absolute path will do
        self._environment["WAYLAND_DISPLAY"] = self.display

    def pixels(self) -> NDArray[np.uint8]:
        """[height, width, RGB]."""
        grim = subprocess.run(["grim", "-t", "ppm", "-"], env=self._environment, check=True, stdout=subprocess.PIPE)
        return np.asarray(Image.open(io.BytesIO(grim.stdout)))

    def close(self) -> None:
        """End the compositor."""
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self._directory)
