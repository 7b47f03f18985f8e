"""Filesystems of a test's own, where the machine allows them."""

import os
import subprocess
from pathlib import Path

from machine import need


class Mounts:
    """Mounts, and takes everything away again at the end."""

    def __init__(self) -> None:
        if os.getuid() != 0:
            need("root, to mount filesystems")
        self._places: list[Path] = []

    def __call__(self, place: Path, *options: str) -> None:
        """`mount OPTIONS PLACE`."""
        place.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["mount", *options, str(place)], capture_output=True, text=True, check=False)
        if done.returncode:
            need(f"a mount: {done.stderr.strip()}")
        self._places.append(place)

    def silent(self, place: Path) -> int:
        """Mount what never answers, as a network drive whose server is gone, until this descriptor is closed."""
        try:
            server = os.open("/dev/fuse", os.O_RDWR)
        except OSError as error:
            need(f"FUSE: {error.strerror}")
        os.set_inheritable(server, True)
        place.mkdir(parents=True, exist_ok=True)
        options = f"fd={server},rootmode=40000,user_id=0,group_id=0"
        mount = ["mount", "-i", "-t", "fuse", "-o", options, "silent", str(place)]
        done = subprocess.run(mount, close_fds=False, capture_output=True, text=True, check=False)
        if done.returncode:
            os.close(server)
            need(f"FUSE: {done.stderr.strip()}")
        self._places.append(place)
        return server

    def remount(self, place: Path, options: str) -> None:
        """`mount -o remount,OPTIONS PLACE`."""
        subprocess.run(["mount", "-o", f"remount,{options}", str(place)], check=True)

    def take_away(self, place: Path, *, lazily: bool = False) -> None:
        """`umount PLACE`; `lazily`: whatever is open on it."""
        subprocess.run(["umount", *(["--lazy"] if lazily else []), str(place)], check=True)
        self._places.remove(place)

    def close(self) -> None:
        """Take away what is left, even if it is busy."""
        for place in reversed(self._places):
            subprocess.run(["umount", "--lazy", str(place)], check=True)
