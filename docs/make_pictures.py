"""Makes the picture of the documentation from the demonstration folder: python docs/make_pictures.py"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent


def save_slideshow(folder: str) -> None:
    """Save the second dated photo of a show, with what is written over it."""
    os.environ["SDL_VIDEODRIVER"] = "dummy"
    os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"
    import pygame

    from photod.config import Config
    from photod_ctl.folders import archives
    from photod_ctl.ranking import rank
    from photod_ctl.slideshow.deck import Deck
    from photod_ctl.slideshow.pace import Pace
    from photod_ctl.slideshow.show import Show
    from photod_ctl.slideshow.source import slide_of
    from photod_ctl.slideshow.window import Window

    (ranking,) = rank(archives([folder], Config()), 50)
    window = Window(full_screen=True)
    slides = map(slide_of, ranking.places)
    dated = [slide for slide in slides if slide.taken_at and slide.camera]  # the overlay has more to tell of them
    show = Show(Deck(dated), window, Pace(1.0, fade=False))
    pygame.event.post(pygame.Event(pygame.KEYDOWN, key=pygame.K_i, unicode="i"))
    show.run(advances=1)
    pygame.image.save(window._window.get_surface(), str(DOCS / "slideshow.png"))
    window.close()


def main() -> None:
    """Make it."""
    directory = Path(tempfile.gettempdir(), "photod-docs")  # a name that may be seen in the picture
    directory.mkdir()
    try:
        os.chdir(directory)
        os.environ |= {"HOME": str(directory), "XDG_RUNTIME_DIR": str(directory)}
        for name in ("PHOTOD_CONFIG", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
            os.environ.pop(name, None)
        subprocess.run([sys.executable, "-m", "photod_ctl", "demo", "Pictures"], check=True)
        subprocess.run([sys.executable, "-m", "photod_ctl", "rate", "Pictures"], check=True)
        save_slideshow("Pictures")
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
