"""The window: puts a picture, and text over it, on the screen."""

import ctypes
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from photod.errors import EXIT_USAGE, UsageError
from photod_ctl.slideshow.preload import Picture
from photod_ctl.tables import warn

if TYPE_CHECKING:
    import pygame

WINDOW_PART = 0.8  # of the desktop, for a show in a window
# What the desktop says of who keeps its screen saver away; SDL's own words are "Playing a game".
HINTS = {
    "SDL_APP_NAME": "photod",
    "SDL_SCREENSAVER_INHIBIT_ACTIVITY_NAME": "Showing photos",
    # What window rules and the list of windows know it by; else it is Python's name.
    "SDL_VIDEO_WAYLAND_WMCLASS": "photod",
    "SDL_VIDEO_X11_WMCLASS": "photod",
}
NO_DISPLAY = "there is no display to show photos on"


class Window:
    """An SDL window, in physical pixels on every display. Raises UsageError where there is no display."""

    def __init__(self, full_screen: bool) -> None:
        os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
        for hint, words in HINTS.items():
            os.environ.setdefault(hint, words)
        # Where Wayland's socket would be; without it libwayland complains beside whatever is said here.
        os.environ["XDG_RUNTIME_DIR"] = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
        import pygame

        try:
            pygame.display.init()
            pygame.font.init()
            # SDL falls back to a screen that nobody sees; only who asks for it by name gets it.
            if pygame.display.get_driver() in ("offscreen", "dummy") and "SDL_VIDEODRIVER" not in os.environ:
                raise UsageError(NO_DISPLAY, "photod-ctl top --paths lists them")
            if pygame.display.get_driver() == "x11":
                # Straight into X's shared memory: where OpenGL is done in software, it takes 50 times as long.
                os.environ.setdefault("SDL_FRAMEBUFFER_ACCELERATION", "0")
                # Where the X server goes away, Xlib lets nobody go on; it would end the process in its own words.
                ctypes.CDLL("libX11.so.6").XSetIOErrorHandler(_ON_LOSS_OF_X)
            if pygame.display.get_driver() == "wayland":
                # What compositors draw with themselves. By SDL's own choice the process crashes where libGL lacks.
                os.environ.setdefault("SDL_FRAMEBUFFER_ACCELERATION", "opengles2")
            self._window = _open(full_screen)
            # The first surface may make SDL open the window anew, on Wayland as an ordinary one; the new one must
            # be there when the pointer is hidden.
            self._window.get_surface()
            if full_screen:
                self._window.set_fullscreen(desktop=True)
        except pygame.error as error:
            raise UsageError(f"{NO_DISPLAY} ({error})", "photod-ctl top --paths lists them") from None
        pygame.display.set_allow_screensaver(False)
        pygame.mouse.set_visible(False)
        self._full_screen = full_screen
        self._prepared: dict[Picture, pygame.Surface] = {}  # in the screen's own format
        self._fade: tuple[object, pygame.Surface, pygame.Surface] | None = None  # of what, both ends composed

    @property
    def size(self) -> tuple[int, int]:
        """In pixels."""
        return self._window.get_surface().get_size()

    def toggle_full_screen(self) -> None:
        """Full screen, or back in a window in the middle of the screen that was filled."""
        if self._full_screen:
            (x, y), (width, height) = self._window.position, self._window.size
            inner_width, inner_height = _part_of((width, height))
            self._window.set_windowed()
            self._window.size = inner_width, inner_height
            self._window.position = x + (width - inner_width) // 2, y + (height - inner_height) // 2
        else:
            self._window.set_fullscreen(desktop=True)
        self._full_screen = not self._full_screen

    def prepare(self, pictures: list[Picture]) -> None:
        """Bring pictures into the screen's format now, so that showing them takes no time; forget all others."""
        self._prepared = {p: self._prepared.get(p) or self._convert(p) for p in pictures}

    def draw(self, picture: Picture | None, write: "Callable[[pygame.Surface], None]") -> None:
        """Put a picture on the screen, and whatever `write` puts over it."""
        self._fade = None
        screen = self._window.get_surface()
        self._compose(screen, picture)
        write(screen)
        self._window.flip()

    def draw_between(self, before: Picture, after: Picture, part: float) -> None:
        """One frame of a cross-fade: `part` of the way, 0 to 1."""
        screen = self._window.get_surface()
        key = before, after, screen.get_size()
        if self._fade is None or self._fade[0] != key:
            frames = screen.copy(), screen.copy()
            self._compose(frames[0], before)
            self._compose(frames[1], after)
            self._fade = (key, *frames)
        _, under, over = self._fade
        over.set_alpha(round(part * 255))
        screen.blit(under, (0, 0))
        screen.blit(over, (0, 0))
        self._window.flip()

    def close(self) -> None:
        """Close the window and give the screen back."""
        import pygame

        self._window.destroy()
        pygame.quit()

    def _compose(self, surface: "pygame.Surface", picture: Picture | None) -> None:
        surface.fill((0, 0, 0))
        if picture is not None:
            source = self._prepared.get(picture) or self._convert(picture)
            surface.blit(source, source.get_rect(center=surface.get_rect().center))

    def _convert(self, picture: Picture) -> "pygame.Surface":
        import pygame

        return pygame.image.frombuffer(picture.pixels, picture.size, "RGB").convert(self._window.get_surface())


def _end_without_x(display: int) -> int:
    warn("the display that showed the photos is gone")
    os._exit(EXIT_USAGE)


_ON_LOSS_OF_X = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(_end_without_x)


def _open(full_screen: bool) -> "pygame.Window":
    import pygame

    size = pygame.display.get_desktop_sizes()[0]
    if full_screen:
        window = pygame.Window("photod", size, (0, 0), fullscreen_desktop=True, resizable=True, allow_high_dpi=True)
    else:
        window = pygame.Window("photod", _part_of(size), resizable=True, allow_high_dpi=True)
    window.set_icon(_draw_icon())
    return window


def _draw_icon() -> "pygame.Surface":
    """A print with a white edge: sky, sun and hills. Without it the window would have pygame's own icon."""
    import pygame

    icon = pygame.Surface((64, 64), pygame.SRCALPHA)
    icon.fill("white", (2, 8, 60, 48))
    icon.fill("steelblue", (6, 12, 52, 40))
    pygame.draw.circle(icon, "gold", (44, 23), 6)
    pygame.draw.polygon(icon, "darkolivegreen", [(6, 51), (24, 24), (36, 42), (43, 33), (57, 51)])
    return icon


def _part_of(screen: tuple[int, int]) -> tuple[int, int]:
    return round(screen[0] * WINDOW_PART), round(screen[1] * WINDOW_PART)
