"""One folder under watch: a thread that turns dirty directories and scans into candidates."""

import os
import threading
import time
from collections.abc import Collection

from photod.config import Watch
from photod.logs import get_logger
from photod.photos import Appeared, Departed, Fingerprint, Moved, Note, Outcome, Retry
from photod.watch.agenda import Agenda
from photod.watch.counts import Counts
from photod.watch.dirty import DirtyWalk
from photod.watch.flight import Flight
from photod.watch.ignore import Rules
from photod.watch.inotify import DirectoryWatches
from photod.watch.presence import AWAY, LET_GO, Presence
from photod.watch.scans import Scans
from photod.watch.stale import Stale
from photod.watch.surroundings import Surroundings
from photod.watch.survey import Survey, directories_of
from photod.watch.worklist import Worklist

log = get_logger(__name__)

CHECK_S = 15.0  # between two looks at whether the folder is there, and whether a scan is due
RELEASED_S = 1.0  # likewise while it is released: that it was away for a moment is not to be missed
LATE = 1.1  # a scan that the timer did not request is begun so many intervals after the last one


class FolderWatcher:
    """Looks at dirty directories first, then feeds the backlog, then goes on with a scan.

    A scan only compares, and remembers the directories that have work and how much; their photos are
    listed again when there is room for them. So the backlog stays in the folder, not in memory, and the
    amount of work is known early. Methods stand in two parts: for any thread, and for the folder's own.
    """

    def __init__(
        self, path: str, rules: Rules, surroundings: Surroundings, settings: Watch, *, polled: bool = False
    ) -> None:
        self.path = path
        self.agenda = Agenda()
        self._rules = rules
        self._around = surroundings
        self._settings = settings
        self._polled = polled
        self.flight = Flight()
        self._survey = Survey(path, rules, surroundings, self._note, self.flight)
        self._stale = Stale(surroundings.count_stale, surroundings.stale)
        self._work = Worklist(path, settings.settle_s, self.flight, surroundings.offer, self._expect, self._stale)
        self._dirty = DirtyWalk(self.agenda, self._survey, surroundings.known_directories, self._consider)
        self._scans = Scans(self._survey, self.flight, self._work, self._is_here)
        self._check_at: float | None = None  # when the folder itself is looked at; None: a single run
        self._step = 0
        self._thread: int | None = None  # native id, while not at rest
        self._presence = Presence.HERE  # as it was last looked at
        self._asked = False  # whether somebody is to open its database; may be told again at the next check

        self._lock = threading.Lock()  # guards what follows; others report and ask
        self._rested = threading.Condition(self._lock)
        self._wake = threading.Event()
        self._stopping = False
        self._paused = False
        self._quiescent = False
        self._notes = 0  # on their way to the database

    # For any thread.

    def watch_with(self, watches: DirectoryWatches | None) -> None:
        """Stay, and have directories watched with these from now on; None: they cannot be watched."""
        self._survey.watches = None if self._polled else watches
        if self._check_at is None:
            self._check_at = time.monotonic() + CHECK_S

    def unwatch(self) -> None:
        """Have nothing watched any more; after `run` has returned."""
        if (watches := self._survey.watches) is not None:
            watches.forget("")

    def noticed(self, path: str) -> None:
        """Something happened to a file: have its directory looked at."""
        if path not in self._work.settle.unstable and self._rules.is_photo(path):
            self.mark(os.path.dirname(path))

    def noticed_directory(self, path: str, *, came_or_went: bool) -> None:
        """Something happened to a directory: have it looked at, with all below if it is new or gone."""
        if self._rules.enters(path):
            self.agenda.mark(path, subtree=came_or_went)
            self.wake()

    def mark(self, directory: str) -> None:
        """Have a directory looked at."""
        self.agenda.mark(directory)
        self.wake()

    def doubt(self, reason: str) -> None:
        """Events may have been lost: have the folder compared, whatever they say."""
        is_away = self._presence in AWAY  # then it is compared anyhow when it is back
        if self._scans.request("") and not is_away:
            log.warning("scan_on_doubt", folder=self.path, reason=reason)
        self.wake()

    def look_whether_here(self) -> None:
        """Have it looked now whether the folder is there."""
        self._check_at = time.monotonic()
        self.wake()

    def request_scan(self, below: str = "") -> None:
        """Have the folder, or the tree at `below`, compared with the database."""
        self._scans.request(below)
        self.wake()

    def retry(self, below: str) -> None:
        """Have the unscoreable photos in the tree at `below` tried again; blocks while the committer is behind."""
        with self._lock:
            self._notes += 1
        self._around.write_down(Retry(self.path, below))

    def finished(self, outcome: Outcome) -> None:
        """Hear what became of a candidate of this folder."""
        with self._lock:  # nobody takes the folder for done between the two
            if self.flight.finish(outcome):
                self.look_anew({os.path.dirname(outcome.candidate.path)})
        self.wake()

    def noted(self, note: Note) -> None:
        """Hear that a note of this folder's was written down: what it is about may have changed meanwhile."""
        self.look_anew(directories_of(note))
        if isinstance(note, Moved):
            self._stale.look_again()  # it may have been sought under its old name
        with self._lock:
            self._notes -= 1
        self.wake()

    def look_anew(self, directories: Collection[str]) -> None:
        """Have directories looked at whose rows were just changed."""
        self._survey.rewritten(directories)
        for directory in directories:
            self.agenda.mark(directory)
        self.wake()

    def forget_agreed(self) -> None:
        """Hear that the database is another one, or lost rows, though no file changed."""
        self._survey.forget_agreed()

    def counts(self) -> Counts:
        """What became of the photos so far, and how many are pending."""
        return self.flight.counts(len(self._work))

    def unreadable(self) -> list[tuple[str, str]]:
        """What could not be read, with the system's words; it is tried again at the next scan."""
        return [*self.unlisted(), *self.flight.unreadable()]

    def unlisted(self) -> list[tuple[str, str]]:
        """The directories that could not be listed, likewise."""
        return list(self._survey.unlisted.items())

    def unstable(self) -> list[str]:
        """The photos that are rewritten without end; each is looked at every few minutes."""
        return sorted(self._work.settle.unstable)

    def watched_by(self) -> str:
        """By which means changes are noticed: inotify, polling, or partly (the rest is polled)."""
        watches = self._survey.watches
        return watches.watched_by() if watches is not None else "polling"

    def state(self) -> str:
        """One word for people: absent, comparing, scoring, or idle."""
        if self._presence is not Presence.HERE:
            return "absent"
        if len(self._scans):
            return "comparing"
        return "idle" if self.idle() else "scoring"

    def idle(self) -> bool:
        """Whether everything that was asked for is done, committed included."""
        with self._lock:
            return self._is_idle()

    def is_stopped(self) -> bool:
        """Whether it was told to stop: with the daemon, or because the folder is let go."""
        return self._stopping

    def wait_until_idle(self, timeout_s: float) -> None:
        """Wait until everything that was asked for is done, for so many seconds at most; a stop ends it at once."""
        with self._rested:
            self._rested.wait_for(lambda: self._is_idle() or self._stopping, timeout_s)

    def at_work(self) -> tuple[int, int] | None:
        """The folder's thread (native id) and its step, which counts up; None while it rests."""
        thread = self._thread
        return None if thread is None else (thread, self._step)

    def pause(self, paused: bool) -> None:
        """Hand nothing on while paused; what is seen meanwhile is kept."""
        self._paused = paused
        self.wake()

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    def stop(self) -> None:
        """Have `run` return soon."""
        with self._rested:
            self._stopping = True
            self._rested.notify_all()
        self.wake()

    # The folder's own thread.

    def run(self) -> None:
        """Work until stopped."""
        while not self._stopping:
            self._thread = threading.get_native_id()
            self._step += 1
            self._wake.clear()
            self._check()
            if self._presence is not Presence.HERE:  # what happens meanwhile is found by the scan that follows
                self._dirty.clear()
            # Each part does a little and says whether there may be more.
            busy = [part() for part in (self._dirty.step, self._feed, self._scans.step)]
            if not any(busy):
                self._rest()

    def _rest(self) -> None:
        with self._lock:
            self._quiescent = not len(self._work)
            self._rested.notify_all()
        dues = (self._work.next_due(), self.agenda.next_due(), self._check_at)
        due = min((due for due in dues if due is not None), default=None)
        self._thread = None
        self._wake.wait(None if due is None else max(0.0, due - time.monotonic()))
        with self._lock:
            self._quiescent = False

    def _is_idle(self) -> bool:
        """Under the lock."""
        if self._presence is not Presence.HERE:  # a scan that is requested all the same waits for the database
            return not (len(self.flight) or len(self._scans))
        return self._quiescent and not (self._notes or len(self._scans) or len(self.flight) or len(self.agenda))

    def _check(self) -> None:
        """Now and then: is the folder there, is it the one that is watched, is a scan due that nobody requested?"""
        now = time.monotonic()
        if self._check_at is None or now < self._check_at:
            return
        self._check_at = now + CHECK_S
        self._asked = False
        if not self._is_here():
            if self._presence is Presence.RELEASED:
                self._check_at = now + RELEASED_S
            return
        watches = self._survey.watches
        if watches is not None and watches.root_is_another():
            self.doubt("the folder's path leads to another directory")
        watched = self.watched_by() == "inotify"
        if now - self._scans.began >= (LATE * self._settings.rescan_s if watched else self._settings.poll_s):
            self.request_scan()

    def _is_here(self) -> bool:
        before, presence = self._presence, self._around.presence()
        here, away = presence is Presence.HERE, presence in AWAY
        was_here, was_away = before is Presence.HERE, before in AWAY
        if was_here and not here:
            self._drop_everything()
        elif here and not was_here:
            self.request_scan()
        elif away:
            self._scans.clear()
        if presence is Presence.SILENT and before is not presence:
            log.warning("folder_silent", folder=self.path, note="see its server, or its drive; it is asked again")
        if presence in LET_GO and before not in LET_GO:
            if presence is Presence.ABSENT:
                note = "nothing is concluded from that; it is looked for"
                log.warning("folder_absent", folder=self.path, note=note)
            self._send(Departed(self.path))
        if was_away and not away:
            log.info("folder_back", folder=self.path)
        if presence is Presence.UNOPENED:
            self._scans.request("")  # once its database is open; nobody takes the folder for done before
            if not self._asked:
                self._send(Appeared(self.path))
        self._asked = presence is Presence.UNOPENED
        self._presence = presence
        return here

    def _expect(self) -> None:
        if not self._paused:
            self._around.expect()

    def _note(self, note: Note) -> None:
        with self._lock:
            self._notes += 1
        self._send(note)

    def _send(self, note: Note) -> None:
        thread, self._thread = self._thread, None  # where the committer is behind, that is not this thread's fault
        self._around.write_down(note)
        self._thread = thread

    def _drop_everything(self) -> None:
        self._work.clear()
        self._dirty.clear()
        self._scans.clear()

    def _consider(self, path: str, fingerprint: Fingerprint) -> None:
        if self.flight.is_unreadable(path, fingerprint):
            return
        if self._work.consider(path, fingerprint, urgent=True):
            # Writing through one hard link makes no event for the others.
            for link in self._around.links_of(fingerprint.inode) if fingerprint.inode else ():
                if link != path:
                    self.agenda.mark(os.path.dirname(link))

    def _feed(self) -> bool:
        for directory in self._work.look_at_settled():
            self.agenda.mark(directory)
        return not self._paused and self._work.feed(self._work_in)

    def _work_in(self, directory: str) -> list[tuple[str, Fingerprint]]:
        return self._survey.compare_directory(directory)[0].work
