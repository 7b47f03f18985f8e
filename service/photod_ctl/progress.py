"""How a long run is told: live on a terminal, a line now and then in a pipe."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TextIO

from photod.wire import Progress
from photod_ctl.tables import printable

LINE_EVERY_S = 10.0
LOOK_EVERY_S = 2.0  # at the scores so far
_DUMB = ("dumb", "unknown")  # terminals that cannot draw over a line, as in Emacs: a bar would not be shown at all
_LEVELS = "▁▂▃▄▅▆▇█"
FINISHED = ("scored", "duplicates", "unscoreable", "unreadable", "vanished")


Histogram = dict[int, int]
"""Numbers of photos by half points of score, 0 to 20."""


class Display(Protocol):
    """Shows progress as it comes."""

    def show(self, progress: Progress) -> None:
        """Show the latest numbers."""

    def say(self, line: str) -> None:
        """Show a remark, until the end."""


def finished(progress: Progress) -> int:
    """How many of the photos that need work are done."""
    numbers: Mapping[str, Any] = progress
    return sum(numbers.get(name, 0) for name in FINISHED)


def seconds_left(progress: Progress) -> float | None:
    """At the rate of the last minute; None while there is none, and while the model rests."""
    rate = 0.0 if progress.get("resting") else progress.get("rate") or 0.0
    return (progress["todo"] - finished(progress)) / rate if rate > 0 else None


def duration(seconds: float | None) -> str:
    """Seconds for people: 42 s, 3 min 5 s, 2 h 10 min."""
    if seconds is None:
        return ""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def can_draw_over(stream: TextIO) -> bool:
    """Whether what was printed there can be replaced."""
    return stream.isatty() and os.environ.get("TERM") not in _DUMB


def rest(progress: Progress) -> str:
    """That the daemon rests while photos wait, in words; empty if it does not."""
    reason = progress.get("resting")
    if not reason or progress["todo"] <= finished(progress):
        return ""
    if reason == "paused":
        return "photod is paused; photod-ctl resume continues"
    return f"photod rests ({reason}); it goes on by itself"


def counts(progress: Progress) -> str:
    """What became of the photos, in words."""
    numbers: Mapping[str, Any] = progress
    names = ("scored", "unchanged", "duplicates", "unscoreable", "unreadable", "vanished")
    words = {"duplicates": "known already"}  # their bytes: of copies, and of files that were only touched
    told = (f"{numbers[name]:,} {words.get(name, name)}" for name in names if numbers.get(name) or name == "scored")
    return ", ".join(told)


def sparkline(histogram: Histogram) -> str:
    """A histogram of scores by half points as one line of text; 10 belongs to the last one."""
    counts = [histogram.get(half, 0) + (histogram.get(20, 0) if half == 19 else 0) for half in range(20)]
    most = max(counts)
    return "".join(" " if not n else _LEVELS[-(-n * len(_LEVELS) // most) - 1] for n in counts) if most else ""


@contextmanager
def display(
    histogram: Callable[[], Histogram] = dict, clock: Callable[[], float] = time.monotonic
) -> Iterator[Display]:
    """The display that fits stderr; `histogram` gives the scores so far, by half points."""
    if can_draw_over(sys.stderr):
        with _live(histogram) as live:
            yield live
    else:
        yield _Lines(clock)


class _Lines:
    """A plain line every ten seconds, and one when the daemon begins to rest."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = clock()
        self._resting = ""

    def show(self, progress: Progress) -> None:
        if (resting := rest(progress)) != self._resting:
            self._resting = resting
            if resting:
                self.say(resting)
        now = self._clock()
        if now - self._last < LINE_EVERY_S or not progress.get("todo"):
            return
        self._last = now
        left = duration(seconds_left(progress))
        self.say(
            f"{finished(progress):,} of {progress['todo']:,}, {progress['rate']:.1f} a second"
            + (f", {left} left" if left else "")
            + (f", median {progress['median']:.2f}" if progress["median"] is not None else "")
            + f"; {counts(progress)}"
        )

    def say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)


@contextmanager
def _live(histogram: Callable[[], Histogram]) -> Iterator["_Live"]:
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), refresh_per_second=5, transient=True) as live:
        yield _Live(live, histogram)


class _Live:
    """A bar, and below it what became of the photos."""

    def __init__(self, live: Any, histogram: Callable[[], Histogram]) -> None:
        self._live = live
        self._histogram = histogram
        self._scores, self._looked_at = "", -LOOK_EVERY_S
        self._progress: Progress = {"phase": "starting"}
        self._remark = ""
        self._draw()

    def show(self, progress: Progress) -> None:
        self._progress = progress
        self._draw()

    def say(self, line: str) -> None:
        self._remark = line
        self._draw()

    def _draw(self) -> None:
        from rich.console import Group
        from rich.text import Text

        lines = [self._bar()]
        progress = self._progress
        if "compared" in progress:
            lines.append(Text(counts(progress), "dim"))
        if failure := progress.get("last_failure"):
            text = printable(f"{os.path.basename(failure['path'])}: {failure['reason']}")
            lines.append(Text(text, "dim", no_wrap=True, overflow="ellipsis"))
        if resting := rest(progress):
            lines.append(Text(resting, "yellow"))
        if scores := self._look():
            lines.append(Text(f"0 {scores} 10", "cyan"))
        if self._remark:
            lines.append(Text(self._remark, "yellow"))
        self._live.update(Group(*lines))

    def _look(self) -> str:
        now = time.monotonic()
        if now - self._looked_at >= LOOK_EVERY_S:
            self._scores, self._looked_at = sparkline(self._histogram()), now
        return self._scores

    def _bar(self) -> Any:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        progress = self._progress
        row = Table.grid(padding=(0, 2, 0, 0), expand=True)
        row.add_column(ratio=1)
        todo = progress.get("todo", 0)
        if not todo:
            seen = f" {progress['compared']:,} files" if progress.get("compared") else ""
            return Text({"starting": "loading the model"}.get(progress["phase"], "comparing") + seen)
        cells: list[Any] = [ProgressBar(total=todo, completed=finished(progress))]
        cells.append(Text(f"{finished(progress):,}/{todo:,}"))
        cells.append(Text(f"{progress['rate']:.1f}/s"))
        if left := duration(seconds_left(progress)):
            cells.append(Text(f"{left} left"))
        if progress["median"] is not None:
            cells.append(Text(f"median {progress['median']:.2f}"))
        for _ in cells[1:]:
            row.add_column(no_wrap=True)
        row.add_row(*cells)
        return row
