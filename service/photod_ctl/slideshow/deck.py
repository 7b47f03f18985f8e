"""The order of a running show. Pure: no clock, no files, no window."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from photod_ctl.likeness import BURST_S

PAGE = 0.05  # of the show, for PgUp and PgDn


@dataclass(frozen=True, slots=True)
class Slide:
    """A photo in a show, and what is known of it; two are equal that show the same."""

    location: str  # absolute path
    sha256: str
    score: float = field(compare=False)
    percentile: float = field(compare=False)
    rank: int = field(compare=False)
    taken_at: str | None = field(default=None, compare=False)  # "YYYY-MM-DD HH:MM:SS"
    camera: str | None = field(default=None, compare=False)
    size: tuple[int, int] | None = field(default=None, compare=False)  # upright, pixels


class Deck:
    """Slides in the order in which they are shown, and which one is on the screen.

    The show's thread owns it.
    """

    def __init__(self, slides: Sequence[Slide], *, loop: bool = False, rng: random.Random | None = None) -> None:
        self.loop = loop
        self.shuffled = False
        self._rng = rng or random.Random()
        self._order = list(slides)
        self._gone: set[Slide] = set()  # what was taken out stays out, though rankings have it for a while
        self._at = 0

    def __len__(self) -> int:
        return len(self._order)

    @property
    def current(self) -> Slide | None:
        """The slide on the screen; None when there is none left."""
        return self._order[self._at] if self._order else None

    @property
    def position(self) -> int:
        """The current slide's place in the show, from 0."""
        return self._at

    def move(self, steps: int) -> bool:
        """Go on, or back; past an end only where the show loops. Returns whether another slide is current."""
        return self._go(self._at + steps)

    def page(self, pages: int) -> bool:
        """Go on or back by a twentieth of the show, to its end at most."""
        step = max(1, round(len(self._order) * PAGE))
        return self._go(min(max(self._at + pages * step, 0), len(self._order) - 1))

    def home(self) -> bool:
        """Go to the first slide."""
        return self._go(0)

    def end(self) -> bool:
        """Go to the last slide."""
        return self._go(len(self._order) - 1)

    def around(self, ahead: int, behind: int) -> list[Slide]:
        """The current slide and its neighbours, in the order in which they may be wanted."""
        near = [0]
        for distance in range(1, max(ahead, behind) + 1):
            near += [distance] * (distance <= ahead) + [-distance] * (distance <= behind)
        places = [self._at + step for step in near]
        if self.loop and self._order:
            places = [place % len(self._order) for place in places]
        return [self._order[place] for place in dict.fromkeys(places) if 0 <= place < len(self._order)]

    def toggle_shuffle(self) -> None:
        """Shuffle what is still to come, or return to the ranking; the current slide stays."""
        self.shuffled = not self.shuffled
        current = self.current
        if self.shuffled:
            rest = self._order[self._at + 1 :]
            self._rng.shuffle(rest)
            self._order[self._at + 1 :] = rest
        else:
            self._order.sort(key=_by_score)
            self._at = self._order.index(current) if current else 0

    def remove(self, slide: Slide) -> None:
        """Take a slide out: its file is gone or broken. The one after it becomes current."""
        place = next(n for n, other in enumerate(self._order) if other.location == slide.location)
        self._gone.add(self._order.pop(place))
        if place < self._at or self._at == len(self._order):
            self._at = max(0, self._at - 1)

    def refresh(self, slides: Iterable[Slide]) -> list[Slide]:
        """Take over what a newer ranking says of the slides that are here; returns those that are not."""
        newer = {slide.location: slide for slide in slides}
        self._order = [newer.pop(slide.location, slide) for slide in self._order]
        return [slide for slide in newer.values() if slide not in self._gone]

    def update(self, slides: Iterable[Slide]) -> None:
        """Take in a newer ranking: what scores above the current slide comes next, the rest in its turn."""
        newcomers = self.refresh(slides)
        after = self._order[self._at + 1 :] + newcomers
        if self.shuffled:
            if newcomers:
                self._rng.shuffle(after)
        else:
            after.sort(key=_by_score)
        self._order[self._at + 1 :] = after

    def burst(self) -> list[Slide]:
        """The frames of the current slide's burst, in the order in which they were taken."""
        return burst_of(self.current, self._order) if self.current else []

    def _go(self, place: int) -> bool:
        if not self._order:
            return False
        place = place % len(self._order) if self.loop else place
        if place == self._at or not 0 <= place < len(self._order):
            return False
        self._at = place
        return True


def burst_of(slide: Slide, slides: Iterable[Slide]) -> list[Slide]:
    """Those of the slides, this one among them, that its camera took in a chain of short gaps, by time."""
    if _moment(slide) is None:
        return [slide]
    timed = sorted(
        (moment, other.location, other)
        for other in slides
        if other.camera == slide.camera and (moment := _moment(other))
    )
    place = next(n for n, (_, location, _) in enumerate(timed) if location == slide.location)
    first = last = place
    while first > 0 and (timed[first][0] - timed[first - 1][0]).total_seconds() <= BURST_S:
        first -= 1
    while last + 1 < len(timed) and (timed[last + 1][0] - timed[last][0]).total_seconds() <= BURST_S:
        last += 1
    return [other for _, _, other in timed[first : last + 1]]


def _moment(slide: Slide) -> datetime | None:
    try:
        return datetime.fromisoformat(slide.taken_at) if slide.taken_at else None
    except ValueError:  # a camera's clock may say the 0th of month 0
        return None


def _by_score(slide: Slide) -> tuple[float, str]:
    return -slide.score, slide.location
