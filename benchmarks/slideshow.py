"""How late a slideshow's photos are: 200 advances at 1 s and at 0.2 s.

    python benchmarks/slideshow.py [FOLDER] [--advances 200] [--fade]

FOLDER has been scored; without it, 60 photos of 24 megapixels are made and scored. Runs in a real window where
there is a display, else under SDL's dummy driver. Prints the worst lateness, the mean, and the most memory that
the process took.
"""

import argparse
import os
import resource
import subprocess
import sys
from contextlib import ExitStack
from statistics import fmean

from machine_facts import machine
from material import describe, photos
from parts import folder_of

from photod.config import load_config
from photod_ctl.folders import archives
from photod_ctl.ranking import rank
from photod_ctl.slideshow.command import SWITCH_S
from photod_ctl.slideshow.deck import Deck
from photod_ctl.slideshow.pace import Pace
from photod_ctl.slideshow.show import Show
from photod_ctl.slideshow.source import slide_of
from photod_ctl.slideshow.window import Window

LARGE, COUNT = "jpeg-24mp", 60


def main() -> None:
    """Play and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--advances", type=int, default=200)
    parser.add_argument("--fade", action="store_true")
    asked = parser.parse_args()
    if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        os.environ["SDL_VIDEODRIVER"] = "dummy"
    print(machine())
    with ExitStack() as stack:
        folder = asked.folder or str(stack.enter_context(folder_of(LARGE, COUNT)))
        if not asked.folder:
            print(describe(photos(LARGE, COUNT)))
            rate = [sys.executable, "-m", "photod_ctl", "rate", folder]
            subprocess.run(rate, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        play(folder, asked.advances, fade=asked.fade)


def play(folder: str, advances: int, *, fade: bool) -> None:
    """A show of so many advances at each pace."""
    sys.setswitchinterval(SWITCH_S)
    (ranking,) = rank(archives([folder], load_config()), sys.maxsize)
    slides = list(map(slide_of, ranking.places))
    for delay_s in (1.0, 0.2):
        window = Window(full_screen=True)
        show = Show(Deck(slides, loop=True), window, Pace(delay_s, fade))
        show.run(advances)
        late, (width, height) = show.lateness_s, window.size
        print(
            f"{len(late)} advances of {len(slides)} photos at {delay_s} s, {width} x {height} pixels: "
            f"worst {max(late) * 1000:.1f} ms late, mean {fmean(late) * 1000:.1f} ms; "
            f"process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MB",
            flush=True,
        )
        window.close()


if __name__ == "__main__":
    main()
