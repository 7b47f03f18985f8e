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


@pytest.mark.parametrize(
    ("place", "typed", "wish"),
    [
        (pygame.KSCAN_Q, "й", Action.QUIT),  # Russian
        (pygame.KSCAN_B, "β", Action.BURST),  # Greek
        (pygame.KSCAN_I, "ı", Action.OVERLAY),  # Turkish, whose i is on a key of its own
        (pygame.KSCAN_Z, "я", None),
        (pygame.KSCAN_SEMICOLON, "ö", None),
        (pygame.KSCAN_APOSTROPHE, "i", Action.OVERLAY),
    ],
)
def test_a_letter_of_another_alphabet_means_what_the_latin_one_on_its_key_does(
    place: int, typed: str, wish: Action | None
) -> None:
    assert action(pygame.Event(pygame.KEYDOWN, key=ord(typed), scancode=place, unicode=typed)) is wish


def test_a_wheel_that_moves_sideways_and_a_middle_button_mean_nothing() -> None:
    assert action(pygame.Event(pygame.MOUSEWHEEL, x=1, y=0)) is None
    assert action(pygame.Event(pygame.MOUSEBUTTONDOWN, button=2)) is None
