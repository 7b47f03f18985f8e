"""A running show while pictures are slow, vanish, or are thrown away; on a screen that nobody sees."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pygame
import pytest

from clock import Clock
from photod_ctl.slideshow.deck import Deck, Slide
from photod_ctl.slideshow.desktop import DesktopError
from photod_ctl.slideshow.keys import Action
from photod_ctl.slideshow.pace import FADE_S, Pace
from photod_ctl.slideshow.preload import Broken, Picture
from photod_ctl.slideshow.show import FRAME_S, LOOK_UP_S, PACES, Show
from photod_ctl.slideshow.window import HINTS, Window
from waiting import wait_until

DELAY_S = 5.0


class Running:
    """A show of a, b and c that goes on when it is told to; a picture is ready once it may be."""

    def __init__(self, directory: Path, window: Window, *, loop: bool) -> None:
        self.clock = Clock(100.0)
        self.slow = {name: threading.Event() for name in "abc"}
        self.broken: set[str] = set()
        slides = []
        for rank, name in enumerate("abc", 1):
            (directory / name).write_bytes(b"a photo")
            slides.append(Slide(str(directory / name), name, 10.0 - rank, 50.0, rank))
        self.show = Show(Deck(slides, loop=loop), window, Pace(DELAY_S, fade=False), self.clock)
        self.show.preloader._load = self._load

    def _load(self, slide: Slide, screen: tuple[int, int]) -> Picture | Broken:
        assert self.slow[slide.sha256].wait(30)
        return (
            Broken("it vanished")
            if slide.sha256 in self.broken
            else Picture(screen, bytes(3 * screen[0] * screen[1]))
        )

    def close(self) -> None:
        """Let go of the threads that wait for a picture."""
        self.show.preloader.close()
        for event in self.slow.values():
            event.set()

    def step(self) -> None:
        """What the show does each time something wakes it."""
        pygame.event.post(pygame.Event(pygame.USEREVENT))
        self.show._step()

    def until(self, condition: Callable[[], object]) -> None:
        """Have it go on, while no time passes for it, until that holds."""

        def now() -> object:
            self.step()
            return condition()

        wait_until(now)

    def seen(self) -> str | None:
        shown = self.show._projector.shown
        return shown.sha256 if shown else None

    def let(self, *names: str) -> None:
        """Have these pictures be ready from now on."""
        for name in names:
            self.slow[name].set()
        wait_until(lambda: all(any(s.sha256 == n for s in self.show.preloader._ready) for n in names))

    def press(self, *actions: Action) -> None:
        for each in actions:
            self.show._fulfil(each)
            self.step()

    def offer(self, *slides: Slide) -> None:
        """Hand in a newer ranking, and have the show take it in."""
        self.show.offer(list(slides))
        self.step()

    def wait(self, seconds: float = DELAY_S) -> None:
        """Have so much time pass."""
        self.clock.now += seconds
        self.step()


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Running]]:
    for name in (*HINTS, "PYGAME_HIDE_SUPPORT_PROMPT", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    window = Window(full_screen=False)
    shows: list[Running] = []

    def start(*, loop: bool = False) -> Running:
        running = Running(tmp_path, window, loop=loop)
        shows.append(running)
        running.step()
        running.let("a")
        running.until(lambda: running.seen() == "a")
        return running

    yield start
    for each in shows:
        each.close()
    window.close()


Start = Callable[..., Running]


def test_a_last_photo_that_vanished_ends_the_show_as_any_last_one_does(start: Start) -> None:
    running = start()
    running.let("b")
    running.wait()
    assert running.seen() == "b"
    running.broken.add("c")
    running.let("c")
    running.wait()
    running.until(lambda: running.show._ended)


def test_a_last_photo_that_vanished_keeps_no_show_from_beginning_again(start: Start) -> None:
    running = start(loop=True)
    running.let("b")
    running.wait()
    running.broken.add("c")
    running.let("c")
    running.wait()
    running.until(lambda: running.seen() == "a")


def test_a_photo_thrown_away_when_its_time_is_over_does_not_take_the_next_one_with_it(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    trashed: list[str] = []
    monkeypatch.setattr("photod_ctl.slideshow.show.move_to_trash", trashed.append)
    running = start()
    running.press(Action.TRASH)
    running.wait(2 * DELAY_S)
    running.let("c")
    running.press(Action.CONFIRM)
    running.step()
    running.let("b")
    running.until(lambda: running.seen() == "b")
    assert [Path(path).name for path in trashed] == ["a"]
    running.wait(DELAY_S / 2)
    assert running.seen() == "b", "it has its whole time"
    running.wait(DELAY_S / 2)
    assert running.seen() == "c"


def test_a_photo_asked_for_just_before_the_time_is_not_skipped_though_it_is_slow(start: Start) -> None:
    running = start()
    running.let("c")
    running.press(Action.NEXT)
    running.wait(2 * DELAY_S)
    running.let("b")
    running.until(lambda: running.seen() == "b")


def test_a_show_waits_until_the_next_photo_is_due_and_hears_others_meanwhile(start: Start) -> None:
    running = start()
    assert running.show._patience() == LOOK_UP_S
    running.clock.now += DELAY_S - LOOK_UP_S / 2
    assert running.show._patience() == LOOK_UP_S / 2
    running.clock.now += DELAY_S
    assert running.show._patience() == 0


def test_small_delays_of_a_show_do_not_add_up(start: Start) -> None:
    running = start()
    running.let("b", "c")
    running.wait(DELAY_S + 0.5)
    assert running.seen() == "b"
    running.wait(DELAY_S - 0.5)
    assert running.seen() == "c"


def test_a_show_that_stood_still_makes_up_for_nothing(start: Start) -> None:
    running = start()
    running.let("b", "c")
    running.wait(3 * DELAY_S)  # as in a machine that was suspended
    running.step()
    assert running.seen() == "b"
    running.wait()
    assert running.seen() == "c"


def test_a_photo_asked_for_while_a_slow_one_is_awaited_has_its_whole_time(start: Start) -> None:
    running = start()
    running.let("c")
    running.wait(DELAY_S)
    running.clock.now += DELAY_S / 2
    running.press(Action.NEXT)
    running.until(lambda: running.seen() == "c")
    running.wait(DELAY_S / 2)
    assert not running.show._ended
    running.wait(DELAY_S / 2)
    assert running.show._ended


def test_a_photo_has_its_whole_time_after_a_pause_and_by_a_new_pace(start: Start) -> None:
    running = start()
    running.let("b")
    running.press(Action.PAUSE)
    running.wait(2 * DELAY_S)
    running.press(Action.PAUSE)
    running.wait(DELAY_S - 1)
    running.press(Action.SLOWER)
    running.wait(DELAY_S)
    assert running.seen() == "a"
    running.wait(DELAY_S * (PACES - 1))
    assert running.seen() == "b"


def test_what_is_said_of_a_photo_on_the_screen_is_true_when_it_is_scored_anew(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = start()
    shown = running.show._projector.shown
    assert shown is not None
    said: list[float] = []
    captions = "photod_ctl.slideshow.show.Captions.write"
    monkeypatch.setattr(captions, lambda _, surface, slide, place: said.append(slide.score))
    running.wait(DELAY_S - 1)
    running.offer(replace(shown, score=1.0))
    assert said == [1.0]
    running.let("b")
    running.wait(1)
    assert running.seen() == "b", "it has had its time"


def test_a_photo_that_is_replaced_while_it_is_on_the_screen_is_loaded_anew(start: Start) -> None:
    running = start()
    shown = running.show._projector.shown
    assert shown is not None
    running.offer(replace(shown, sha256="c"))
    assert running.seen() == "a"
    running.let("c")
    running.until(lambda: running.seen() == "c")


def test_a_burst_knows_of_photos_that_are_scored_anew(start: Start) -> None:
    running = start()
    shown = running.show._projector.shown
    assert shown is not None
    frames = [replace(shown, taken_at="2021-02-03 10:00:00"), replace(shown, location="another")]
    running.show._decks.append(Deck(frames))
    running.offer(replace(frames[0], score=1.0))
    shown = running.show._projector.shown
    assert shown is not None
    assert shown.score == 1.0


def test_a_fade_is_drawn_at_the_screen_s_pace(start: Start) -> None:
    running = start()
    running.show._pace.fade = True
    running.let("b")
    running.press(Action.NEXT)
    assert running.show._patience() == FRAME_S
    running.wait(2 * FADE_S)
    assert running.show._patience() > FRAME_S


def test_only_what_is_on_the_screen_can_be_thrown_away(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photod_ctl.slideshow.show.move_to_trash", lambda path: pytest.fail(f"trashed {path}"))
    running = start()
    running.press(Action.NEXT, Action.TRASH)
    running.let("b")
    running.until(lambda: running.seen() == "b")
    running.press(Action.CONFIRM)


def test_the_answer_about_a_photo_that_vanishes_is_of_no_other(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photod_ctl.slideshow.show.move_to_trash", lambda path: pytest.fail(f"trashed {path}"))
    running = start()
    running.press(Action.TRASH)
    running.broken.add("a")
    running.show._window._window.size = (320, 200)  # it is read again
    running.let("b")
    running.until(lambda: running.seen() == "b")
    running.press(Action.CONFIRM)


def test_a_photo_that_cannot_be_thrown_away_stays(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> None:
        raise DesktopError("there is no trash")

    monkeypatch.setattr("photod_ctl.slideshow.show.move_to_trash", refuse)
    running = start()
    running.press(Action.TRASH, Action.CONFIRM)
    assert running.seen() == "a"
    assert running.show._captions._message == "there is no trash"
    assert not running.show._captions.asking
