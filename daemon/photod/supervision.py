"""What the main thread does while the others work: it tells systemd how they are, and feeds its watchdog."""

import time
from collections.abc import Callable, Mapping

from photod.answers import Answers
from photod.logs import get_logger
from photod.schedule import Timers
from photod.systemd import notify, watchdog_s
from photod.threads import waits_for_lock
from photod.watch.observer import Observer

log = get_logger(__name__)

TICK_S = 5.0  # between two looks, and so between two STATUS lines
OBSERVER_S = 60.0  # the observer looks after itself several times within this


class Deadlocks:
    """Tells a thread that waits for another one, and will forever, from one that waits for a slow folder."""

    def __init__(
        self, waits: Callable[[int], bool] = waits_for_lock, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._waits = waits
        self._clock = clock
        self._seen: dict[str, tuple[object, float]] = {}  # part -> how far it was, and since when it waits there

    def look(self, at_work: Mapping[str, tuple[int, object]]) -> dict[str, float]:
        """For how many seconds each part has waited for a lock at every look, and got no further.

        `at_work`: its thread (native id), and something that is another one once it gets on.
        """
        now, seen = self._clock(), {}
        for part, (thread, progress) in at_work.items():
            if self._waits(thread):
                before = self._seen.get(part)
                seen[part] = before if before is not None and before[0] == progress else (progress, now)
        self._seen = seen
        return {part: now - since for part, (_, since) in seen.items()}


class Supervisor:
    """Looks at the running parts whenever `tick` is called. Belongs to the main thread."""

    def __init__(self, answers: Answers, observer: Observer, timers: Timers) -> None:
        self._answers = answers
        self._observer = observer
        self._timers = timers
        self._watchdog_s = watchdog_s()
        self._deadlocks = Deadlocks()
        self._status = ""
        self._stuck = False

    @property
    def tick_s(self) -> float:
        """How often to look."""
        return min(TICK_S, self._watchdog_s / 4) if self._watchdog_s else TICK_S

    def tick(self) -> None:
        """Look once."""
        self._feed_watchdog()
        self._timers.heed_the_clock()
        self._tell(self._words())
        if all(folder.watcher.state() in ("idle", "absent") for folder in self._answers.folders.values()):
            self.sum_up()

    def sum_up(self) -> None:
        """A run of work is over, or is being ended: say in one line what it was."""
        if counts := self._answers.tally.take_run():
            median = self._answers.tally.median()
            log.info("scored", **{"scored": 0} | counts, median=None if median is None else round(median, 2))

    def _feed_watchdog(self) -> None:
        """Only with proof that every part lives; else systemd ends the process and starts it anew."""
        if self._watchdog_s is None:
            return
        stuck = {part: s for part, s in self._answers.pipeline.at_work_s().items() if s > self._watchdog_s}
        stuck |= {part: s for part, s in self._deadlocks.look(self._at_work()).items() if s > self._watchdog_s}
        if (silent_s := self._observer.silent_s()) > OBSERVER_S + self._watchdog_s:
            stuck["watching"] = silent_s
        if not stuck:
            notify("WATCHDOG=1")
        elif not self._stuck:
            seconds = {part: round(s) for part, s in stuck.items()}
            log.error("stuck", seconds=seconds, note="systemd will restart photod")
        self._stuck = bool(stuck)

    def _at_work(self) -> dict[str, tuple[int, object]]:
        """The threads that may wait for a folder as long as it takes, and how far they are."""
        reading = {
            f"reading ({thread})": (thread, since) for thread, since in self._answers.pipeline.reading().items()
        }
        folders = {path: folder.watcher.at_work() for path, folder in self._answers.folders.items()}
        return {**reading, **{path: at for path, at in folders.items() if at is not None}}

    def _tell(self, status: str) -> None:
        if status != self._status:
            self._status = status
            notify(f"STATUS={status}")

    def _words(self) -> str:
        answers = self._answers
        watchers = [folder.watcher for folder in answers.folders.values()]
        absent = sum(watcher.state() == "absent" for watcher in watchers)
        pending = sum(watcher.counts().pending for watcher in watchers)
        if reason := answers.rest.reason:
            words = f"resting ({reason}), photos waiting: {pending:,}"
        elif pending:
            words = f"photos to do: {pending:,}, {answers.tally.rate():.1f} a second"
        else:
            return f"idle, watching {len(watchers) - absent} of {len(watchers)} folders"
        return f"{words}; folders away: {absent} of {len(watchers)}" if absent else words
