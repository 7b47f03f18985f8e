"""What is drawn as a show goes from slide to slide, and when nothing is."""

from typing import Any

import pytest

from clock import Clock
from photod_ctl.slideshow.deck import Deck, Slide
from photod_ctl.slideshow.preload import Picture
from photod_ctl.slideshow.projector import Projector

FADE_S = 0.8
SLIDES = [Slide(name, name, 5.0, 50.0, 1) for name in "abc"]


class Screen:
    """A window that notes what is drawn in it, and a preloader that has each picture of the size that it has."""

    def __init__(self) -> None:
        self.size = (60, 40)
        self.drawn: list[object] = []
        self.prepared: list[Picture] = []
        self.pictures: dict[tuple[Slide, tuple[int, int]], Picture] = {}

    def want(self, slides: list[Slide], screen: tuple[int, int]) -> None:
        for slide in slides:
            self.pictures.setdefault((slide, screen), Picture(screen, slide.location.encode()))

    def get(self, slide: Slide) -> Picture:
        return self.pictures[slide, self.size]

    def draw(self, picture: Picture | None, write: object) -> None:
        self.drawn.append(picture.pixels.decode() if picture else "black")

    def draw_between(self, before: Picture, after: Picture, part: float) -> None:
        self.drawn.append((before.pixels.decode(), after.pixels.decode(), round(part, 3)))

    def prepare(self, pictures: list[Picture]) -> None:
        self.prepared = pictures

    def take(self) -> list[object]:
        drawn, self.drawn = self.drawn, []
        return drawn


@pytest.fixture
def show() -> tuple[Deck, Screen, Projector, Clock]:
    """A show of a, b and c, with a on the screen."""
    screen: Any = Screen()
    clock = Clock(100.0)
    deck, projector = Deck(SLIDES), Projector(screen, screen, clock, print)
    assert projector.present(deck, FADE_S) is True
    assert screen.take() == ["a"]
    return deck, screen, projector, clock


Show = tuple[Deck, Screen, Projector, Clock]


def test_the_screen_is_black_until_the_first_photo_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    screen: Any = Screen()
    monkeypatch.setattr(screen, "get", lambda slide: None)
    projector = Projector(screen, screen, Clock(100.0), print)
    for _ in range(2):
        assert projector.present(Deck(SLIDES), FADE_S) is False
    assert screen.take() == ["black"]


def test_nothing_is_drawn_unless_something_has_changed(show: Show) -> None:
    deck, screen, projector, _ = show
    assert projector.present(deck, FADE_S) is False
    assert screen.take() == []
    projector.redraw()
    for _ in range(2):
        projector.present(deck, FADE_S)
    assert screen.take() == ["a"]


def test_a_fade_ends_with_the_photo_itself_and_what_is_written_over_it(show: Show) -> None:
    deck, screen, projector, clock = show
    deck.move(1)
    for _ in range(4):
        projector.present(deck, FADE_S)
        clock.now += FADE_S / 2
    assert screen.take() == [("a", "b", 0.0), ("a", "b", 0.5), "b"]
    assert not projector.fading


def test_a_photo_that_is_loaded_anew_in_another_size_is_not_faded_in(show: Show) -> None:
    deck, screen, projector, _ = show
    screen.size = (600, 400)
    assert projector.present(deck, FADE_S) is False
    assert screen.take() == ["a"]


def test_the_photos_on_both_sides_are_prepared(show: Show) -> None:
    deck, screen, projector, _ = show
    deck.move(1)
    projector.present(deck, 0)
    projector.prepare(deck)
    assert {picture.pixels for picture in screen.prepared} == {b"a", b"b", b"c"}
