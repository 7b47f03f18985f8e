"""Brings slides to the screen: asks for pictures ahead of time, cuts or fades from one to the next."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from photod_ctl.slideshow.deck import Deck, Slide
from photod_ctl.slideshow.preload import Broken, Picture, Preloader
from photod_ctl.slideshow.window import Window

if TYPE_CHECKING:
    import pygame

AHEAD, BEHIND = 8, 3  # pictures kept ready, as far as memory allows


class Projector:
    """The show's thread owns it. `write` puts text over the picture."""

    def __init__(
        self,
        window: Window,
        preloader: Preloader,
        clock: Callable[[], float],
        write: "Callable[[pygame.Surface], None]",
    ) -> None:
        self._window = window
        self._preloader = preloader
        self._clock = clock
        self._write = write
        self._picture: Picture | None = None
        self._fade: tuple[Picture, float, float] | None = None  # from what, since when, for how many seconds
        self._dirty = True
        self.shown: Slide | None = None

    @property
    def fading(self) -> bool:
        """Whether the next frame of a fade is due."""
        return self._fade is not None

    def redraw(self) -> None:
        """Draw again, since what is written over the picture has changed, or the window has."""
        self._dirty = True

    def present(self, deck: Deck, fade_s: float) -> bool | Broken:
        """Show the deck's current slide as soon as it is ready. Returns whether that was now, or why never."""
        slide = deck.current
        if slide is None:
            return False
        if slide == self.shown and slide is not self.shown:
            self.shown, self._dirty = slide, True  # more is known of it
        self._preloader.want(deck.around(AHEAD, BEHIND), self._window.size)
        picture = self._preloader.get(slide)
        if isinstance(picture, Broken):
            return picture
        if picture is not None and picture is not self._picture:
            changed = slide != self.shown
            self._change_to(slide, picture, fade_s if changed else 0.0)
            return changed
        if self._fade:
            self._draw_fade()
        elif self._dirty:
            self._draw()
        return False

    def prepare(self, deck: Deck) -> None:
        """Have the neighbours in the screen's format; for the time after a slide was shown, when nobody waits."""
        near = [self._preloader.get(slide) for slide in deck.around(1, 1)]
        self._window.prepare([picture for picture in near if isinstance(picture, Picture)])

    def _change_to(self, slide: Slide, picture: Picture, fade_s: float) -> None:
        before, self._picture, self.shown = self._picture, picture, slide
        self._fade = (before, self._clock(), fade_s) if before and fade_s > 0 else None
        if self._fade:
            self._draw_fade()
        else:
            self._draw()

    def _draw_fade(self) -> None:
        if self._fade is None or self._picture is None:
            return
        before, began, fade_s = self._fade
        part = (self._clock() - began) / fade_s
        if part < 1:
            self._window.draw_between(before, self._picture, part)
        else:
            self._fade = None
            self._draw()

    def _draw(self) -> None:
        self._dirty = False
        self._window.draw(self._picture, self._write)
