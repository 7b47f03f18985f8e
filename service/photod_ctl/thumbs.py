"""Thumbnails in a terminal: each photo beside what is known of it."""

import logging
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from photod.errors import UsageError
from photod_ctl.listing import nothing_to_list
from photod_ctl.ranking import Place, Ranking
from photod_ctl.tables import number_of, printable, warn

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from photod_ctl.slideshow.preload import Broken, Picture

COLUMNS, ROWS = 24, 8  # cells of the terminal that a thumbnail may take
DECODED = (720, 480)  # pixels; enough for the cells of a dense screen
AHEAD = 4  # thumbnails decoded before their turn
REMEDY = "leave out --thumbs, or look at them with photod-ctl slideshow"


def find_renderer() -> Any:
    """The class that draws pictures by the terminal's own protocol; asks the terminal. Raises UsageError."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("--thumbs needs a terminal", "leave it out where the output goes elsewhere")
    logging.getLogger("textual_image").addHandler(logging.NullHandler())  # what it would say is said below
    try:
        from textual_image import renderable
    except ImportError:
        raise UsageError("--thumbs needs textual-image", f"{sys.executable} -m pip install textual-image") from None
    if renderable.Image not in (renderable.SixelImage, renderable.TGPImage):
        raise UsageError("this terminal cannot show pictures (kitty's protocol, sixel)", REMEDY)
    return renderable.Image


def print_thumbs(rankings: Sequence[Ranking], renderer: Any) -> None:
    """Each photo's picture, and beside it its place, score, date, camera and path."""
    from rich.console import Console

    # kitty finds a picture by the colour of the letters that stand for it: that colour must arrive as it is.
    console = Console(color_system="truecolor", no_color=False, highlight=False)
    for ranking in rankings:
        if len(rankings) > 1:
            print(f"\n{printable(ranking.title)}: {number_of('photo', ranking.total)}")
        for place, picture in _pictures(ranking.places):
            _print_one(console, _draw(picture, renderer), _describe(place, ranking))
    if not any(ranking.places for ranking in rankings):
        warn(nothing_to_list(rankings))


def _pictures(places: Iterable[Place]) -> "Iterator[tuple[Place, Picture | Broken]]":
    """Pictures in the order of their places, the next few decoded meanwhile."""
    from photod_ctl.slideshow.preload import load_picture
    from photod_ctl.slideshow.source import slide_of

    waiting: deque[tuple[Place, Future[Picture | Broken]]] = deque()
    pool = ThreadPoolExecutor(2, "thumbs")
    try:
        for place in places:
            waiting.append((place, pool.submit(load_picture, slide_of(place), DECODED)))
            if len(waiting) > AHEAD:
                first, future = waiting.popleft()
                yield first, future.result()
        for rest, future in waiting:
            yield rest, future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _draw(picture: "Picture | Broken", renderer: Any) -> "RenderableType":
    from PIL import Image
    from rich.text import Text

    from photod_ctl.slideshow.preload import Broken

    if isinstance(picture, Broken):
        return Text(printable(picture.reason), "dim")
    image = Image.frombytes("RGB", picture.size, picture.pixels)
    width, height = cells(picture.size)
    drawn: RenderableType = renderer(image, width=width, height=height)
    return drawn


def cells(size: tuple[int, int]) -> tuple[int, int]:
    """The cells, twice as high as wide, that a picture of this size fills within COLUMNS x ROWS."""
    scale = min(COLUMNS / size[0], 2 * ROWS / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale / 2))


def _print_one(console: "Console", picture: "RenderableType", words: "RenderableType") -> None:
    from rich.table import Table

    row = Table.grid(padding=(0, 2, 1, 0))
    row.add_column(width=COLUMNS)
    row.add_column(overflow="fold")
    row.add_row(picture, words)
    console.print(row)


def _describe(place: Place, ranking: Ranking) -> "RenderableType":
    from rich.style import Style
    from rich.text import Text

    from photod_ctl.tables import uri

    facts = place.photo.facts
    lines = [
        f"{place.rank:,}   {place.photo.score:.2f}   percentile {place.percentile:.1f}",
        "   ".join(filter(None, ((facts.taken_at or "")[:10], facts.camera))),
    ]
    if ranking.others and (others := ranking.others[place]):
        lines.append(f"{others:,} more of this scene")
    text = Text("".join(printable(line) + "\n" for line in lines if line))
    return text.append(printable(place.location), Style(link=uri(place.location)))
