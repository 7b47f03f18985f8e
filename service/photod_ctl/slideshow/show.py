"""A running show: the clock and the viewer's wishes."""

import queue
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from photod_ctl.slideshow.deck import Deck, Slide
from photod_ctl.slideshow.desktop import DesktopError, move_to_trash, open_folder
from photod_ctl.slideshow.keys import Action, action
from photod_ctl.slideshow.overlay import Captions
from photod_ctl.slideshow.pace import Pace
from photod_ctl.slideshow.preload import Broken, Preloader
from photod_ctl.slideshow.projector import Projector
from photod_ctl.slideshow.window import Window

if TYPE_CHECKING:
    import pygame

FRAME_S = 1 / 60
LOOK_UP_S = 0.5  # no wait is longer: between two of them Ctrl-C in the terminal is heard, and a message goes
PACES = 1.25  # what + and - multiply and divide the delay by


class Show:
    """One thread runs it and owns all its parts; others hand in newer rankings through `offer`."""

    def __init__(self, deck: Deck, window: Window, pace: Pace, clock: Callable[[], float] = time.monotonic) -> None:
        self._decks = [deck]  # the show, and the burst that is looked at over it
        self._window = window
        self._pace = pace
        self._clock = clock
        self.preloader = Preloader(on_ready=_wake)
        self._projector = Projector(window, self.preloader, clock, self._write)
        self._offers: queue.SimpleQueue[list[Slide]] = queue.SimpleQueue()
        self._due = 0.0  # when the next slide's time comes
        self._advancing = False  # it has come, and nobody asked for another one
        self._ended = False
        self._captions = Captions()
        self._was_paused = False  # before a burst was looked at
        self.failure = ""  # why no photo is left to show, if the viewer did not take the last one out
        self.lateness_s: list[float] = []  # of every advance by the clock

    def offer(self, slides: list[Slide]) -> None:
        """Hand in a newer ranking, to be taken in within half a second; any thread may."""
        self._offers.put(slides)

    def run(self, advances: int | None = None) -> None:
        """Show until the viewer ends it, the last photo has been shown, or after so many advances."""
        try:
            while not self._ended and (advances is None or len(self.lateness_s) < advances):
                self._step()
        finally:
            self.preloader.close()

    def _step(self) -> None:
        """Do what is due after the next thing that wakes the show."""
        self._hear()
        while not self._offers.empty():
            slides = self._offers.get()
            self._decks[0].update(slides)
            for burst in self._decks[1:]:
                burst.refresh(slides)
        self._keep_time()
        self._present()

    @property
    def _deck(self) -> Deck:
        return self._decks[-1]

    def _hear(self) -> None:
        """Wait for the viewer, a picture, or the time to go on."""
        import pygame

        event = pygame.event.wait(max(1, round(self._patience() * 1000)))
        for heard in [event, *pygame.event.get()]:
            if heard.type in (pygame.WINDOWEXPOSED, pygame.WINDOWSIZECHANGED):
                self._projector.redraw()
            elif wish := action(heard):
                self._fulfil(wish)

    def _patience(self) -> float:
        if self._projector.fading:
            return FRAME_S
        return LOOK_UP_S if self._waits() else min(max(0.0, self._due - self._clock()), LOOK_UP_S)

    def _waits(self) -> bool:
        """Whether the clock has nothing to say."""
        return self._captions.paused or self._captions.asking or not self._is_on_the_screen()

    def _is_on_the_screen(self) -> bool:
        """Whether the slide that is meant is the one that is seen; else its picture is awaited."""
        return self._projector.shown == self._deck.current

    def _keep_time(self) -> None:
        now = self._clock()
        if self._captions.expire(now):
            self._projector.redraw()
        if self._waits() or now < self._due:
            return
        if self._deck.move(1):
            self._advancing = True
        elif self._deck.loop:  # a single photo
            self._due = now + self._pace.delay_s
        elif len(self._decks) > 1:
            self._leave_burst()
        else:
            self._ended = True

    def _present(self) -> None:
        slide = self._deck.current
        if slide is None:
            self._ended = True
            return
        outcome = self._projector.present(self._deck, self._pace.fade_s)
        if isinstance(outcome, Broken):
            self._take_out(slide)
            self._say(f"left out: {slide.location}: {outcome.reason}")
            if self._deck.current is None:
                self.failure = f"{slide.location}: {outcome.reason}"
            _wake()
        elif outcome:
            self._set_next_time()
            self._projector.prepare(self._deck)

    def _set_next_time(self) -> None:
        now, delay_s = self._clock(), self._pace.delay_s
        if self._advancing:
            late = now - self._due
            self.lateness_s.append(late)
            # From the time that was due, so that small delays do not add up.
            self._due = self._due + delay_s if late < delay_s else now + delay_s
        else:
            self._due = now + delay_s
        self._advancing = False

    def _write(self, surface: "pygame.Surface") -> None:
        what = "of this burst" if len(self._decks) > 1 else "of the show"
        place = f"{self._deck.position + 1:,} of {len(self._deck):,} {what}"
        self._captions.write(surface, self._projector.shown, place)

    def _say(self, line: str) -> None:
        self._captions.say(line, self._clock())
        self._projector.redraw()

    def _fulfil(self, wish: Action) -> None:
        self._projector.redraw()
        try:
            if self._captions.asking and wish is not Action.QUIT:
                self._captions.asking = False
                if wish is Action.CONFIRM:
                    self._trash()
            elif wish in _MOVES:
                self._advancing = False
                if not _MOVES[wish](self._deck):
                    self._say("no more in this direction")
            elif wish in _ACTS:
                _ACTS[wish](self)
        except DesktopError as error:
            self._say(str(error))

    def _toggle_pause(self) -> None:
        self._captions.paused = not self._captions.paused
        self._due = self._clock() + self._pace.delay_s
        self._say("paused" if self._captions.paused else "goes on")

    def _change_pace(self, factor: float) -> None:
        self._pace.change(factor)
        self._due = self._clock() + self._pace.delay_s
        self._say(f"{self._pace.delay_s:.1f} s a photo")

    def _toggle_overlay(self) -> None:
        self._captions.details = not self._captions.details

    def _toggle_help(self) -> None:
        self._captions.keys = not self._captions.keys

    def _toggle_shuffle(self) -> None:
        self._deck.toggle_shuffle()
        self._say("shuffled" if self._deck.shuffled else "best first")

    def _toggle_burst(self) -> None:
        members, current = self._deck.burst(), self._deck.current
        if len(self._decks) > 1:
            self._leave_burst()
        elif current is None or len(members) < 2:
            self._say("this photo is of no burst")
        else:
            burst = Deck(members)
            burst.move(members.index(current))
            self._decks.append(burst)
            self._was_paused, self._captions.paused = self._captions.paused, True
            self._say(f"{len(members)} frames of this burst; b or Esc goes back")

    def _leave_burst(self) -> None:
        self._decks.pop()
        self._captions.paused = self._was_paused
        self._due = self._clock() + self._pace.delay_s

    def _leave(self) -> None:
        if self._captions.keys:
            self._captions.keys = False
        elif len(self._decks) > 1:
            self._leave_burst()
        else:
            self._ended = True

    def _quit(self) -> None:
        self._ended = True

    def _open_folder(self) -> None:
        if self._projector.shown:
            open_folder(self._projector.shown.location)

    def _ask(self) -> None:
        self._captions.asking = self._is_on_the_screen()  # else another one could be, when the answer comes

    def _trash(self) -> None:
        if slide := self._projector.shown:
            move_to_trash(slide.location)
            self._take_out(slide)
            self._say("moved to the trash")

    def _take_out(self, slide: Slide) -> None:
        self._captions.asking = False
        for deck in self._decks:
            deck.remove(slide)
        if not len(self._deck) and len(self._decks) > 1:
            self._leave_burst()


_MOVES: dict[Action, Callable[[Deck], bool]] = {
    Action.NEXT: lambda deck: deck.move(1),
    Action.BACK: lambda deck: deck.move(-1),
    Action.FIRST: Deck.home,
    Action.LAST: Deck.end,
    Action.PAGE_ON: lambda deck: deck.page(1),
    Action.PAGE_BACK: lambda deck: deck.page(-1),
}
_ACTS: dict[Action, Callable[[Show], None]] = {
    Action.PAUSE: Show._toggle_pause,
    Action.SLOWER: lambda show: show._change_pace(PACES),
    Action.FASTER: lambda show: show._change_pace(1 / PACES),
    Action.FULL_SCREEN: lambda show: show._window.toggle_full_screen(),
    Action.OVERLAY: Show._toggle_overlay,
    Action.BURST: Show._toggle_burst,
    Action.SHUFFLE: Show._toggle_shuffle,
    Action.TRASH: Show._ask,
    Action.OPEN_FOLDER: Show._open_folder,
    Action.HELP: Show._toggle_help,
    Action.LEAVE: Show._leave,
    Action.QUIT: Show._quit,
}


def _wake() -> None:
    """Have the show look at what has changed; any thread may."""
    import pygame

    try:
        pygame.event.post(pygame.Event(pygame.USEREVENT))
    except pygame.error:  # the show has just ended
        pass
