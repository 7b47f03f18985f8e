"""When a file is settled: quiet for a while, and closed by its writer. Pure: time is an argument.

All times are monotonic seconds, except where an argument is called `wall`.
"""

from collections import deque
from dataclasses import dataclass, field
from itertools import islice

from photod.photos import Fingerprint
from photod.watch.lease import Writing

UNPROVEN = 5  # times the quiet time, where the kernel does not tell whether a writer has the file open
LOOK_S = 10.0  # a file that never rests is looked at all the same, so that it can be found restless
RESTLESS_S = 30.0  # changing for so long without one writer keeping it open: unstable
UNSTABLE_S = 300.0  # an unstable file is looked at no more often than this
REPEATS = 4  # a file that settled so often within UNSTABLE_S is unstable, too
CLOCK_STEP_S = 1.0  # the wall clock was set, if it left the monotonic one by more


@dataclass(slots=True)
class _Waiting:
    fingerprint: Fingerprint
    since: float  # since when it has had this fingerprint: as seen, or as its ctime says since the look before
    due: float  # when to look
    forced: float  # when to look, however often it changes until then
    restless_since: float
    unstable: bool = False
    second_look: bool = False  # an unstable file is looked at in pairs: two equal fingerprints, quiet apart
    long_write: bool = False  # somebody had it open at the last look


@dataclass(slots=True)
class Settle:
    """Files that were seen to change lately. Owned by one thread; others may ask for `unstable` and the length."""

    quiet_s: float
    unstable: frozenset[str] = frozenset()
    _waiting: dict[str, _Waiting] = field(default_factory=dict)
    _settled: dict[str, deque[float]] = field(default_factory=dict)  # when, lately; oldest path first

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, path: str) -> bool:
        return path in self._waiting

    def observe(self, path: str, fingerprint: Fingerprint, now: float, changed: float | None = None) -> bool:
        """Something happened, and the file looks like this; a new fingerprint starts its quiet time again.

        Returns whether that is news.

        `changed`: when that happened by its ctime, which is believed if it is later than the look before.
        """
        waiting = self._waiting.get(path)
        if waiting is None:
            self._begin(path, fingerprint, now)
            return True
        if waiting.unstable:
            return False  # its next look is planned
        news = waiting.fingerprint != fingerprint
        if news:
            waiting.fingerprint = fingerprint
            waiting.since = now if changed is None else max(waiting.since, changed)
            waiting.due = min(waiting.since + self.quiet_s, waiting.forced)
        elif waiting.long_write:  # it may be closed by now
            waiting.long_write = False
            waiting.since = now
            waiting.due = now + self.quiet_s
        return news

    def last_seen(self, path: str) -> Fingerprint:
        """What a waiting file looked like."""
        return self._waiting[path].fingerprint

    def landed(self, path: str) -> float:
        """Since when the file has looked as it does, and nobody was seen to have it open."""
        return self._waiting[path].since

    def due(self, now: float) -> list[str]:
        """The files to look at now: `judge` each."""
        return [path for path, waiting in self._waiting.items() if waiting.due <= now]

    def next_due(self) -> float | None:
        """When `due` will next have something."""
        return min((waiting.due for waiting in self._waiting.values()), default=None)

    def judge(self, path: str, seen: Fingerprint | None, writer: Writing, now: float) -> bool:
        """Hear what a look at a due file showed (None: it is gone). True: it has settled, read it."""
        if seen is None:
            self.forget(path)
            return False
        waiting = self._waiting[path]
        changed = seen != waiting.fingerprint
        if changed:
            waiting.fingerprint, waiting.since = seen, now
        quiet_s = self.quiet_s * (UNPROVEN if writer is Writing.UNKNOWN else 1)
        if not changed and writer is not Writing.OPEN and now - waiting.since >= quiet_s:
            self.settled(path, now)
            return True
        self._look_again(path, waiting, writer, quiet_s, now)
        return False

    def settled(self, path: str, now: float) -> None:
        """The file goes on to be read."""
        self.forget(path)
        times = self._settled.pop(path, None) or deque(maxlen=REPEATS)
        times.append(now)
        self._settled[path] = times
        for oldest in list(islice(self._settled, 2)):  # more leave than come
            if self._settled[oldest][-1] < now - UNSTABLE_S:
                del self._settled[oldest]

    def settles_too_often(self, path: str, now: float) -> bool:
        """Whether the file was read several times lately, and so must wait whatever it looks like."""
        times = self._settled.get(path)
        return times is not None and len(times) == REPEATS and now - times[0] < UNSTABLE_S

    def forget(self, path: str) -> None:
        """The file is gone."""
        self._waiting.pop(path, None)
        self.unstable -= {path}

    def clear(self) -> None:
        """Forget all: the folder is gone."""
        self._waiting.clear()
        self.unstable = frozenset()

    def _begin(self, path: str, fingerprint: Fingerprint, now: float) -> None:
        waiting = _Waiting(fingerprint, now, now + self.quiet_s, now + LOOK_S, now)
        self._waiting[path] = waiting
        if self.settles_too_often(path, now):
            self._set_unstable(path, waiting)
            waiting.due = self._settled[path][-1] + UNSTABLE_S

    def _look_again(self, path: str, waiting: _Waiting, writer: Writing, quiet_s: float, now: float) -> None:
        """Say when to look at a file again that has not settled."""
        changed = waiting.since == now
        waiting.forced = now + LOOK_S
        waiting.long_write = writer is Writing.OPEN
        if waiting.long_write:
            waiting.restless_since = now  # one long write is no restlessness
        patience_s = UNSTABLE_S if writer is Writing.UNKNOWN else RESTLESS_S
        if now - waiting.restless_since >= patience_s:
            self._set_unstable(path, waiting)
        if waiting.unstable and changed and not waiting.second_look:
            waiting.second_look = True
            waiting.due = now + quiet_s
        elif waiting.unstable and (changed or waiting.long_write):
            waiting.second_look = False
            waiting.due = now + UNSTABLE_S
        elif waiting.long_write:
            waiting.due = waiting.forced  # its closing brings that forward
        else:
            waiting.due = waiting.since + quiet_s

    def _set_unstable(self, path: str, waiting: _Waiting) -> None:
        waiting.unstable = True
        self.unstable |= {path}


class Ages:
    """What a file's own timestamps prove of how long it has been quiet, so that a backlog need not wait."""

    def __init__(self, quiet_s: float, wall: float, now: float) -> None:
        self._quiet_s = quiet_s
        self._offset = wall - now
        self._trusted_from = now

    def prove_quiet(self, fingerprint: Fingerprint, wall: float, now: float, writer: Writing) -> bool:
        """Whether nothing changed the file for the quiet time."""
        quiet_s = self._quiet_s * (UNPROVEN if writer is Writing.UNKNOWN else 1)
        return writer is not Writing.OPEN and now - self.changed(fingerprint, wall, now) >= quiet_s

    def changed(self, fingerprint: Fingerprint, wall: float, now: float) -> float:
        """When the file last changed; now, where that cannot be told. A clock that was just set tells nothing."""
        if abs(wall - now - self._offset) > CLOCK_STEP_S:
            self._offset = wall - now
            self._trusted_from = now + UNPROVEN * self._quiet_s
        return now - max(0.0, wall - fingerprint.ctime_ns / 1e9) if now >= self._trusted_from else now
