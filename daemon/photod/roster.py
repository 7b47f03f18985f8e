"""The folders of one run together: taken in, started, given to the pipeline, and let go again."""

import threading
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

from photod.channel import excused
from photod.config import Folder, Watch
from photod.errors import BusyError, ConfigError, DatabaseError, PhotodError
from photod.logs import get_logger
from photod.open_folder import OpenFolder, open_folder, open_readers
from photod.photos import Candidate, Dismissed, Note, Scored, Verdict
from photod.score.scorer import Scorer, score_stored
from photod.store.errors import DamagedError
from photod.store.queries import Reader
from photod.store.writer import Writer
from photod.systemd import ask_for_time
from photod.threads import Crew
from photod.watch.observer import Observer
from photod.watch.presence import AWAY, LET_GO, Presence

log = get_logger(__name__)

OPEN_S = 600.0  # that a migration of one database, or computing its scores anew, may take


class Roster:
    """Belongs to the main thread. From `start` on, `open_late` and whatever closes a database belong to the
    committing thread, and so do the writers. Any thread may ask what is `known`."""

    def __init__(
        self,
        crew: Crew,
        observer: Observer,
        timing: Watch,
        offer: Callable[[Candidate], bool],
        expect: Callable[[], None],
        note: Callable[[Note], None],
        offer_note: Callable[[Note], bool],
    ) -> None:
        self.folders: Mapping[str, OpenFolder] = {}  # replaced, never changed: others may be iterating
        self.writers: dict[str, Writer] = {}
        self._others: list[Reader] = []  # of folders that are not held; replaced, never changed
        self._crew = crew
        self._observer = observer
        self._timing = timing
        self._offer = offer
        self._expect = expect
        self._note = note
        self._offer_note = offer_note
        self._scorer: Scorer | None = None
        self._model_key = ""
        self._may_wait = True
        self._threads: dict[str, threading.Thread] = {}
        self._leaving: dict[str, threading.Event | None] = {}  # set when closed; none: photos are under way
        self._awaited: dict[str, Folder] = {}  # to be taken in once their place is free

    def open(self, folders: Iterable[Folder], *, may_wait: bool) -> None:
        """Open the databases of these folders. Raises ConfigError, BusyError, DatabaseError.

        With `may_wait`, one that is away, now or later, is waited for.
        """
        self._may_wait = may_wait
        for settings in folders:
            ask_for_time(OPEN_S, f"opening {settings.path}")
            folder = self._add(settings)
            open_folder(folder, may_wait=may_wait)

    def use_model(self, scorer: Scorer) -> None:
        """Have every database, and each that is opened later, hold the scores of this model."""
        self._scorer = scorer
        self._model_key = scorer.identity.key
        for folder in self.folders.values():
            ask_for_time(OPEN_S, f"computing the scores of {folder.path}")
            self._adopt(folder)

    def given(self) -> Iterator[float]:
        """The scores that the model in use gave earlier, one for each content of each folder that is there.

        Raises DatabaseError.
        """
        for folder in self.folders.values():
            # An array: a list of a million numbers takes four times the memory.
            yield from folder.ask(lambda reader: array("d", reader.given()), array("d"))

    def consult(self, others: Iterable[Folder]) -> None:
        """Have the databases of these folders asked, too, for what is known."""
        self._others = open_readers(others)

    def known(self, sha256: str, path: str) -> Verdict | None:
        """The verdict on these bytes for a photo of the folder at `path`. Raises DatabaseError.

        Scores are taken from any folder that is there. That the bytes cannot be decoded is taken from their own
        alone: whoever has a folder tried again, with wider limits or another photod, asks for a fresh look.
        """
        own = None
        for folder in self.folders.values():
            if folder.watcher.state() == "absent":
                continue
            verdict = folder.ask(lambda reader: reader.verdict(sha256, self._model_key), None)
            if isinstance(verdict, Scored):
                return verdict
            if folder.path == path:
                own = verdict
        return own or self._known_elsewhere(sha256)

    def databases(self) -> dict[str, Callable[[], Path | None]]:
        """What finds each folder's database, if it is there now. Any thread may ask."""
        return {path: folder.find_database for path, folder in self.folders.items()}

    def _known_elsewhere(self, sha256: str) -> Scored | None:
        for reader in self._others:
            try:
                verdict = reader.verdict(sha256, self._model_key)
                if isinstance(verdict, Scored):
                    return verdict
            except DatabaseError as error:
                log.warning("other_folder_unreadable", database=str(reader.path), reason=str(error))
                self._others = [other for other in self._others if other is not reader]
        return None

    def start(self, *, stay: bool) -> None:
        """Start the folders' threads; with `stay`, what happens in the folders is watched first."""
        if stay:
            for folder in self.folders.values():
                self._observer.add(folder.watcher)
            self._observer.start()
        for folder in self.folders.values():
            self._start_thread(folder)

    def change(self, let_go: Iterable[Folder], taken: Iterable[Folder]) -> None:
        """Have folders let go and others taken in while the rest works. `exchange` does it, bit by bit."""
        for settings in let_go:
            path = str(settings.path)
            if self._awaited.pop(path, None) is None:  # else it was not taken in yet
                self._observer.remove(self.folders[path].watcher)
                self.folders[path].watcher.stop()
                self._leaving[path] = None
        self._awaited |= {str(settings.path): settings for settings in taken}

    def exchange(self) -> list[str]:
        """Close what was let go and is through, take in whose place is free. Returns what is not gone yet.

        Does not wait for photos that are under way: ask again.
        """
        for path, closed in list(self._leaving.items()):
            watcher = self.folders[path].watcher
            if closed is not None and closed.is_set():
                del self._leaving[path]
                self.folders = {key: each for key, each in self.folders.items() if key != path}
            elif closed is None and not self._threads[path].is_alive() and not len(watcher.flight):
                watcher.unwatch()
                self._leaving[path] = threading.Event()
                if not self._offer_note(Dismissed(path)):  # for a committer that hangs the main thread never waits
                    self._leaving[path] = None
        for path in [path for path in self._awaited if path not in self.folders]:
            self._take(self._awaited.pop(path))
        return list(self._leaving)

    def open_late(self, path: str) -> bool:
        """Take the database of a folder that has appeared; False if that fails, and its watcher asks again.

        One that cannot be had, since its drive is read-only, full, a network's, or was in a newer photod's hands,
        keeps no other folder waiting. Raises DamagedError, and in a single run whatever it is.
        """
        folder = self.folders[path]
        with excused():  # its drive may hang, and to check a large database takes a while
            if folder.presence() is not Presence.UNOPENED:
                return False
            self.writers.pop(path, None)  # closed first of all; another comes in its place, if it can be had
            try:
                folder.open()
                folder.watcher.forget_agreed()
                self._adopt(folder)
            except (ConfigError, BusyError, DatabaseError) as error:
                folder.close()
                gone = folder.presence() in AWAY  # in this very moment: no fault of the database
                if not self._may_wait or (isinstance(error, DamagedError) and not gone):
                    raise
                if not gone:
                    self._tell_refusal(folder, error)
                return False
            folder.refusal = ""
        folder.watcher.request_scan()
        return True

    def _tell_refusal(self, folder: OpenFolder, error: PhotodError) -> None:
        """Say once why a folder's database cannot be had: it is asked again four times a minute."""
        told, folder.refusal = folder.refusal, str(error)
        if told != folder.refusal and isinstance(error, BusyError):
            log.warning("folder_busy", folder=folder.path, reason=folder.refusal)
        elif told != folder.refusal:
            log.error("folder_unusable", folder=folder.path, reason=folder.refusal, note="it is tried again")

    def close_departed(self, path: str) -> None:
        """Give back the database of a folder that is away or released: its drive is busy while anything is open."""
        folder = self.folders[path]
        with excused():
            if folder.presence() in LET_GO:
                self.writers.pop(path, None)
                folder.close()

    def close_if_pulled_out(self, path: str) -> bool:
        """Give a database back that failed because its drive was pulled out; False: it failed for another reason.

        In a single run that is for the caller to hear of, whatever the reason.
        """
        with excused():
            pulled_out = self._may_wait and self.folders[path].is_going_away()
        if pulled_out:
            self.close_departed(path)
        return pulled_out

    def close_dismissed(self, path: str) -> None:
        """Give the database of a folder back that was let go."""
        self.writers.pop(path, None)
        with excused():
            self.folders[path].close()
        if (closed := self._leaving[path]) is not None:
            closed.set()

    def stop(self) -> None:
        """Have the folders' threads end soon."""
        for folder in self.folders.values():
            folder.watcher.stop()

    def close(self) -> None:
        """Give all databases back."""
        for folder in self.folders.values():
            folder.close()

    def _add(self, settings: Folder) -> OpenFolder:
        folder = OpenFolder(settings, self._timing, self._offer, self._expect, self._note)
        self.folders = {**self.folders, folder.path: folder}
        return folder

    def _take(self, settings: Folder) -> None:
        """Its own thread finds its database, or waits for it."""
        folder = self._add(settings)
        folder.watcher.pause(True)  # until it is told whether the model rests, like all others
        self._observer.add(folder.watcher)
        folder.watcher.request_scan()
        self._start_thread(folder)

    def _start_thread(self, folder: OpenFolder) -> None:
        self._threads[folder.path] = self._crew.start(f"watch {folder.path}", folder.watcher.run)

    def _adopt(self, folder: OpenFolder) -> None:
        """Have a folder's database, if it is open, use the model and be part of the pipeline."""
        scorer = self._scorer
        if folder.writer is None or folder.reader is None or scorer is None:
            return
        folder.writer.use_model(scorer.identity)
        count = folder.writer.rescore(partial(score_stored, scorer))
        if count:
            log.info("rescored", folder=folder.path, photos=count)
        self.writers[folder.path] = folder.writer
