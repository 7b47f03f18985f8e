"""What the viewer can do, and by which key."""

from enum import Enum, auto
from typing import Any


class Action(Enum):
    """A wish of the viewer."""

    NEXT = auto()
    BACK = auto()
    FIRST = auto()
    LAST = auto()
    PAGE_ON = auto()
    PAGE_BACK = auto()
    PAUSE = auto()
    FASTER = auto()
    SLOWER = auto()
    FULL_SCREEN = auto()
    OVERLAY = auto()
    BURST = auto()
    SHUFFLE = auto()
    TRASH = auto()
    OPEN_FOLDER = auto()
    HELP = auto()
    CONFIRM = auto()
    REFUSE = auto()
    LEAVE = auto()  # what is on top: a question, a burst, the show
    QUIT = auto()


HELP = (
    ("right, wheel, click", "next"),
    ("left, wheel, right click", "back"),
    ("Space", "pause"),
    ("Home, End", "first, last"),
    ("PgDn, PgUp", "5 % on, back"),
    ("+, -", "slower, faster"),
    ("i", "what is known of the photo"),
    ("b", "the frames of its burst"),
    ("r", "shuffle"),
    ("f", "full screen"),
    ("Del", "move to the trash"),
    ("o", "open its folder"),
    ("q, Esc", "end"),
)


def action(event: Any) -> Action | None:
    """What a pygame event asks for, if anything."""
    import pygame

    if event.type in (pygame.QUIT, pygame.WINDOWCLOSE):
        return Action.QUIT
    if event.type == pygame.KEYDOWN:
        return _keys().get(event.key) or _CHARACTERS.get(_character(event))
    if event.type == pygame.MOUSEWHEEL and event.y:
        return Action.BACK if event.y > 0 else Action.NEXT
    if event.type == pygame.MOUSEBUTTONDOWN:
        return {1: Action.NEXT, 3: Action.BACK}.get(event.button)
    return None


def _character(event: Any) -> str:
    """What the key types; where that is of another alphabet, the Latin letter that shares the key with it."""
    import pygame

    typed: str = event.unicode.lower()
    if typed.isascii() or not pygame.KSCAN_A <= event.scancode <= pygame.KSCAN_Z:
        return typed
    return chr(ord("a") + event.scancode - pygame.KSCAN_A)


# By character, so that they are where the keyboard's layout has them.
_CHARACTERS = {
    "+": Action.SLOWER, "=": Action.SLOWER, "-": Action.FASTER, "f": Action.FULL_SCREEN, "i": Action.OVERLAY,
    "b": Action.BURST, "r": Action.SHUFFLE, "o": Action.OPEN_FOLDER, "h": Action.HELP, "?": Action.HELP,
    "y": Action.CONFIRM, "n": Action.REFUSE, "q": Action.QUIT,
}  # fmt: skip


def _keys() -> dict[int, Action]:
    import pygame

    return {
        pygame.K_RIGHT: Action.NEXT, pygame.K_DOWN: Action.NEXT, pygame.K_LEFT: Action.BACK,
        pygame.K_UP: Action.BACK, pygame.K_SPACE: Action.PAUSE, pygame.K_HOME: Action.FIRST,
        pygame.K_END: Action.LAST, pygame.K_PAGEDOWN: Action.PAGE_ON, pygame.K_PAGEUP: Action.PAGE_BACK,
        pygame.K_KP_PLUS: Action.SLOWER, pygame.K_KP_MINUS: Action.FASTER, pygame.K_DELETE: Action.TRASH,
        pygame.K_RETURN: Action.CONFIRM, pygame.K_KP_ENTER: Action.CONFIRM, pygame.K_ESCAPE: Action.LEAVE,
        pygame.K_F11: Action.FULL_SCREEN,
    }  # fmt: skip
