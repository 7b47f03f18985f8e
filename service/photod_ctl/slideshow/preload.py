"""Photos made ready to be shown before their turn, in the background, within a limit of memory."""

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from PIL import Image

from photod.errors import DecodeError
from photod.intake.decode import decode_for_view
from photod_ctl.slideshow.deck import Slide

MEMORY_LIMIT = 256 << 20  # bytes of ready pictures: 40 of full HD, 10 of 4K
NICENESS = 2  # more than the show's own
THREADS = 2  # Pillow decodes and scales without holding the interpreter


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A photo scaled to fit the screen; each is equal to itself alone."""

    size: tuple[int, int]
    pixels: bytes = field(repr=False)  # RGB


@dataclass(frozen=True, slots=True)
class Broken:
    """A photo that cannot be shown: vanished, unreadable, damaged."""

    reason: str


def load_picture(slide: Slide, screen: tuple[int, int]) -> Picture | Broken:
    """The photo upright and in sRGB, as large as the screen has room for."""
    try:
        with open(slide.location, "rb") as file:
            data = file.read()
        image = decode_for_view(data, _longest_side(slide.size, screen))
        size = fit(image.size, screen)
        if image.size != size:
            image = image.resize(size, Image.Resampling.LANCZOS)
    except OSError as error:
        return Broken(error.strerror or str(error))
    except DecodeError as error:
        return Broken(str(error))
    except MemoryError:
        return Broken("too large for this machine's memory")
    return Picture(image.size, image.tobytes())


def fit(size: tuple[int, int], screen: tuple[int, int]) -> tuple[int, int]:
    """The largest size of the same shape within the screen."""
    scale = min(screen[0] / size[0], screen[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


class Preloader:
    """Keeps the pictures that are wanted ready. Call it from one thread; its own threads only load."""

    def __init__(
        self,
        on_ready: Callable[[], None] = lambda: None,
        load: Callable[[Slide, tuple[int, int]], Picture | Broken] = load_picture,
        memory_limit: int = MEMORY_LIMIT,
    ) -> None:
        self._on_ready = on_ready
        self._load = load
        self._memory_limit = memory_limit
        self._changed = threading.Condition()  # guards everything below
        self._screen = (1, 1)
        self._wanted: list[Slide] = []
        self._loading: set[Slide] = set()
        self._ready: dict[Slide, Picture | Broken] = {}
        self._closed = False
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(THREADS)]
        for thread in self._threads:
            thread.start()

    def room(self, screen: tuple[int, int]) -> int:
        """How many pictures of that size fit within the limit, at least two, with those being loaded counted."""
        return max(2, self._memory_limit // (screen[0] * screen[1] * 3) - THREADS)

    def want(self, slides: Sequence[Slide], screen: tuple[int, int]) -> None:
        """Have these ready, the first ones first; what is not among them is given up."""
        with self._changed:
            if screen != self._screen:
                self._ready.clear()
                self._screen = screen
            self._wanted = list(slides[: self.room(screen)])
            keep = set(self._wanted)
            self._ready = {slide: picture for slide, picture in self._ready.items() if slide in keep}
            self._changed.notify_all()

    def get(self, slide: Slide) -> Picture | Broken | None:
        """The picture; None while it is not ready."""
        with self._changed:
            return self._ready.get(slide)

    def close(self) -> None:
        """End the threads; a photo being decoded is not waited for."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _work(self) -> None:
        os.nice(NICENESS)  # the show goes first: Linux counts niceness by thread
        while (job := self._take()) is not None:
            slide, screen = job
            picture = self._load(slide, screen)
            with self._changed:
                self._loading.discard(slide)
                if screen == self._screen:
                    self._ready[slide] = picture
            self._on_ready()

    def _take(self) -> tuple[Slide, tuple[int, int]] | None:
        with self._changed:
            while True:
                if self._closed:
                    return None
                for slide in self._wanted:
                    if slide not in self._ready and slide not in self._loading:
                        self._loading.add(slide)
                        return slide, self._screen
                self._changed.wait()


def _longest_side(size: tuple[int, int] | None, screen: tuple[int, int]) -> int:
    """What to ask the decoder for: the side that fills the screen, or more where the shape is not known."""
    return max(fit(size, screen)) if size else max(screen)
