"""Text over a photo: what is known of it, questions, messages, the keys."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from photod_ctl.slideshow.deck import Slide
from photod_ctl.slideshow.keys import HELP
from photod_ctl.tables import printable

if TYPE_CHECKING:
    import pygame

MESSAGE_S = 2.5
_NO_LETTER = "\U0010ffff"  # Unicode will never have one here
# Asked in this order when the built-in font lacks a letter.
_FONTS = ("dejavusans", "notosans", "notosanscjkjp", "notosanscjksc", "wqyzenhei", "notosansarabic", "unifont")


@dataclass
class Captions:
    """What is written over the photos: by whether it is wanted, and until when. The show's thread owns it."""

    details: bool = False
    keys: bool = False
    asking: bool = False  # whether the photo may go to the trash
    paused: bool = False
    _message: str = ""
    _until: float = 0.0

    def say(self, line: str, now: float) -> None:
        """Show a message for a moment."""
        self._message, self._until = printable(line), now + MESSAGE_S

    def expire(self, now: float) -> bool:
        """Take the message away if its time is over. Returns whether it did."""
        over = bool(self._message) and now >= self._until
        if over:
            self._message = ""
        return over

    def write(self, surface: "pygame.Surface", slide: Slide | None, place: str) -> None:
        """Put over the photo what there is to say; `place` is its place in the show."""
        if self.details and slide:
            draw_lines(surface, describe(slide, place + (", paused" if self.paused else "")))
        if self.keys:
            draw_lines(surface, [f"{keys}: {what}" for keys, what in HELP], "topleft")
        if self.asking and slide:
            draw_lines(surface, ask_of_trash(slide), "center")
        elif self._message:
            draw_lines(surface, [self._message], "topright")


def ask_of_trash(slide: Slide) -> list[str]:
    """Whether the photo may go there, with the name in the first line: the end of a long path has no room."""
    directory, name = os.path.split(slide.location)
    return [f"Move {printable(name)} to the trash?", printable(directory), "Enter or y: yes. Esc or n: no."]


def describe(slide: Slide, place: str) -> list[str]:
    """What is known of a photo, a line each; `place` is its place in the show."""
    lines = [
        f"{slide.score:.2f}   percentile {slide.percentile:.1f}   rank {slide.rank:,}",
        "  ".join(filter(None, (slide.taken_at, slide.camera))),
        os.path.basename(slide.location),
        os.path.dirname(slide.location),
        place,
    ]
    return [printable(line) for line in lines if line]


def draw_lines(surface: "pygame.Surface", lines: list[str], corner: str = "bottomleft") -> None:
    """Draw lines of text on a dark ground in a corner of the surface."""
    import pygame

    size = max(14, min(surface.get_size()) // 42)
    texts = [_font(line, size).render(line, True, (240, 240, 240)) for line in lines]
    pad = size // 2
    width = min(max(text.get_width() for text in texts) + 2 * pad, surface.get_width())
    panel = pygame.Surface((width, sum(text.get_height() for text in texts) + 2 * pad), pygame.SRCALPHA)
    panel.fill((0, 0, 0, 170))
    y = pad
    for text in texts:
        panel.blit(text, (pad, y))
        y += text.get_height()
    place = panel.get_rect()
    setattr(place, corner, getattr(surface.get_rect(), corner))
    surface.blit(panel, place)


def _font(text: str, size: int) -> "pygame.font.Font":
    """The built-in font; where it lacks letters of the text, the one that lacks the fewest."""
    import pygame

    best = pygame.font.Font(None, round(size * 1.4))
    lacking = _lacking(best, text)
    for path in map(pygame.font.match_font, _FONTS if lacking else ()):
        if path and (fewer := _lacking(font := pygame.font.Font(path, size), text)) < lacking:
            best, lacking = font, fewer
    return best


def _lacking(font: "pygame.font.Font", text: str) -> int:
    """How many letters of the text are not in the font."""
    box = font.metrics(_NO_LETTER)[0]  # what is drawn for one that is not
    return font.metrics(text).count(box)
