"""On which screen the window of a slideshow is, where there are two."""

from typing import Any

import pygame
import pytest

from photod_ctl.slideshow import window
from photod_ctl.slideshow.window import HINTS, Window

SECOND = pygame.Rect(1024, 0, 1600, 1200)  # the screen right of the first


class OnTheSecond:
    """A window that somebody has moved to the second screen."""

    position, size = (1100, 100), (819, 614)

    def set_fullscreen(self, desktop: bool) -> None:
        assert desktop
        self.position, self.size = SECOND.topleft, SECOND.size

    def set_windowed(self) -> None:
        self.position, self.size = (102, 77), (819, 614)  # SDL knows where it was at the start

    def get_surface(self) -> pygame.Surface:
        return pygame.Surface(self.size)

    def destroy(self) -> None:
        pass


@pytest.mark.parametrize("full_screen", [True, False])
def test_a_window_has_an_icon_of_its_own(monkeypatch: pytest.MonkeyPatch, full_screen: bool) -> None:
    icons: list[pygame.Surface] = []

    class Iconic:
        def __init__(self, *_: object, **__: object) -> None:
            self.set_icon = icons.append

    monkeypatch.setattr("pygame.Window", Iconic)
    monkeypatch.setattr("pygame.display.get_desktop_sizes", lambda: [(800, 600)])
    window._open(full_screen)
    assert [icon.get_at((20, 20)) for icon in icons] == [pygame.Color("steelblue")]


def test_back_in_a_window_it_is_in_the_middle_of_the_screen_it_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*HINTS, "PYGAME_HIDE_SUPPORT_PROMPT", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    fake: Any = OnTheSecond()
    monkeypatch.setattr(window, "_open", lambda full_screen: fake)
    shown = Window(full_screen=False)
    shown.toggle_full_screen()
    assert (fake.position, fake.size) == (SECOND.topleft, SECOND.size)
    shown.toggle_full_screen()
    assert (fake.position, fake.size) == ((1184, 120), (1280, 960))
    shown.close()
