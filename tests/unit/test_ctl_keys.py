"""What the viewer does, and what is meant by it."""

import pygame
import pytest

from photod_ctl.slideshow.keys import Action, action


@pytest.mark.parametrize(
    ("key", "text", "wish"),
    [
        (pygame.K_f, "f", Action.FULL_SCREEN),
        (pygame.K_f, "F", Action.FULL_SCREEN),  # Caps Lock
        (pygame.K_a, "q", Action.QUIT),  # where another layout has it
        (pygame.K_SLASH, "?", Action.HELP),
        (pygame.K_EQUALS, "=", Action.SLOWER),  # + without Shift
        (pygame.K_KP_MINUS, "-", Action.FASTER),
        (pygame.K_DOWN, "", Action.NEXT),
        (pygame.K_UP, "", Action.BACK),
        (pygame.K_F11, "", Action.FULL_SCREEN),
        (pygame.K_KP_ENTER, "\r", Action.CONFIRM),
        (pygame.K_LSHIFT, "", None),
    ],
)
def test_a_key_means_what_stands_on_it(key: int, text: str, wish: Action | None) -> None:
    assert action(pygame.Event(pygame.KEYDOWN, key=key, unicode=text)) is wish


def test_a_wheel_that_moves_sideways_and_a_middle_button_mean_nothing() -> None:
    assert action(pygame.Event(pygame.MOUSEWHEEL, x=1, y=0)) is None
    assert action(pygame.Event(pygame.MOUSEBUTTONDOWN, button=2)) is None
