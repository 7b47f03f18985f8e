"""Makes the pictures of the documentation from the demonstration folder: python docs/make_pictures.py

The terminal's come from the real command in a pseudo-terminal, the slideshow's from a show that is run.
"""

import fcntl
import os
import pty
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from rich.console import Console
from rich.text import Text

DOCS = Path(__file__).resolve().parent
WIDTH = 96


def run_in_terminal(*arguments: str) -> str:
    """What photod-ctl writes into a terminal of WIDTH columns."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 100, WIDTH, 0, 0))
    command = [sys.executable, "-m", "photod_ctl", *arguments]
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=subprocess.DEVNULL) as process:
        os.close(slave)
        seen = b""
        try:
            while data := os.read(master, 1 << 16):
                seen += data
        except OSError:  # the end of the terminal
            pass
        os.close(master)
    if process.returncode:
        raise SystemExit(f"photod-ctl {' '.join(arguments)} failed")
    return seen.decode().replace("\r\n", "\n").rstrip()


def save_terminal(name: str, *arguments: str) -> None:
    """Save a command and its output as an SVG."""
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w"))  # noqa: SIM115 - ends with us
    console.print(Text(f"$ photod-ctl {' '.join(arguments)}", "bold"))
    console.print(Text.from_ansi(run_in_terminal(*arguments)))
    console.save_svg(str(DOCS / f"{name}.svg"), title="photod-ctl", unique_id=name)


def save_slideshow(folder: str) -> None:
    """Save the second dated photo of a show with what is written over it."""
    os.environ["SDL_VIDEODRIVER"] = "dummy"
    os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"
    import pygame

    from photod.config import Config
    from photod.store.queries import Bounds
    from photod_ctl.folders import archives
    from photod_ctl.slideshow.deck import Deck
    from photod_ctl.slideshow.pace import Pace
    from photod_ctl.slideshow.show import Show
    from photod_ctl.slideshow.source import load
    from photod_ctl.slideshow.window import Window

    slides, _ = load(archives([folder], Config()), 50, Bounds())
    window = Window(full_screen=True)
    dated = [slide for slide in slides if slide.taken_at and slide.camera]  # the overlay has more to tell of them
    show = Show(Deck(dated), window, Pace(1.0))
    pygame.event.post(pygame.Event(pygame.KEYDOWN, key=pygame.K_i, unicode="i"))
    show.run(advances=1)
    pygame.image.save(window.picture(), str(DOCS / "slideshow.png"))
    window.close()


def main() -> None:
    """Make all pictures."""
    directory = Path(tempfile.gettempdir(), "photod-docs")  # a name that may be seen in the pictures
    directory.mkdir()
    try:
        os.chdir(directory)
        os.environ |= {"HOME": str(directory), "XDG_RUNTIME_DIR": str(directory), "TERM": "xterm-256color"}
        for name in ("PHOTOD_CONFIG", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
            os.environ.pop(name, None)
        subprocess.run([sys.executable, "-m", "photod_ctl", "demo", "Pictures"], check=True)
        subprocess.run([sys.executable, "-m", "photod_ctl", "rate", "Pictures"], check=True)
        save_terminal("top", "top", "Pictures", "-n", "10", "--distinct")
        save_terminal("stats", "stats", "Pictures")
        save_terminal("failed", "failed", "Pictures")
        save_slideshow("Pictures")
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
