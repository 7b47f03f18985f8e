"""How late a slideshow's photos are: 200 advances at 1 s and at 0.2 s, on a folder that has been scored.

    python benchmarks/slideshow.py FOLDER [--advances 200]

Runs in a real window where there is a display, else under SDL's dummy driver. Prints the worst lateness, the
mean, and the most memory that ready pictures took.
"""

import argparse
import os
import resource
import sys
from statistics import fmean

from photod.config import load_config
from photod.store.queries import Bounds
from photod_ctl.folders import archives
from photod_ctl.slideshow.command import SWITCH_S
from photod_ctl.slideshow.deck import Deck
from photod_ctl.slideshow.preload import MEMORY_LIMIT
from photod_ctl.slideshow.show import Pace, Show
from photod_ctl.slideshow.source import load
from photod_ctl.slideshow.window import Window

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("folder")
parser.add_argument("--advances", type=int, default=200)
parser.add_argument("--fade", action="store_true")
arguments = parser.parse_args()
if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
    os.environ["SDL_VIDEODRIVER"] = "dummy"

sys.setswitchinterval(SWITCH_S)
slides, _ = load(archives([arguments.folder], load_config()), sys.maxsize, Bounds())
for delay_s in (1.0, 0.2):
    window = Window(full_screen=True)
    show = Show(Deck(slides, loop=True), window, Pace(delay_s, arguments.fade))
    show.run(arguments.advances)
    late = show.lateness_s
    print(
        f"{len(late)} advances of {len(slides)} photos at {delay_s} s, {window.size[0]} x {window.size[1]} pixels: "
        f"worst {max(late) * 1000:.1f} ms late, mean {fmean(late) * 1000:.1f} ms; "
        f"ready pictures {show.preloader.peak_bytes >> 20} MB of {MEMORY_LIMIT >> 20}, "
        f"process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MB"
    )
    window.close()
