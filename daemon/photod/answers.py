"""What the daemon answers on its control socket."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from queue import SimpleQueue

from photod.config import DATABASE_DIRECTORY
from photod.errors import BusyError, UsageError
from photod.files import is_inside
from photod.filesystem import answers, mounts_below, real_path
from photod.folders import silence
from photod.logs import get_logger, recent_warnings
from photod.open_folder import OpenFolder, find_folder, find_present, refuse_away
from photod.photos import Purge
from photod.pipeline import Pipeline
from photod.rest import Rest
from photod.score.scorer import RestingScorer
from photod.store.queries import FailedPhoto, Totals
from photod.tally import Tally
from photod.watch.counts import Counts
from photod.watch.presence import Presence
from photod.wire import LAST_ERRORS, Failure, FolderStatus, Progress, Status, Trouble

log = get_logger(__name__)

RELEASE_S = 8.0  # that photos under way may take until their folder is released; the client waits for ten
FOLLOW_S = 0.2  # between two looks at progress that somebody follows


@dataclass
class Answers:
    """What can be asked of a daemon, on top of the running parts. Any thread may ask."""

    folders: Mapping[str, OpenFolder]
    pipeline: Pipeline
    scorers: tuple[RestingScorer, ...]
    tally: Tally
    is_stopping: Callable[[], bool]
    drained: threading.Event  # set when everything that will be committed is
    socket: str
    started_at: float = field(default_factory=time.time)
    rest: Rest = field(init=False)

    def __post_init__(self) -> None:
        self.rest = Rest(self._tell_watchers)

    def status(self) -> Status:
        """Everything that `photod-ctl status` shows."""
        return {
            "running": True,
            "pid": os.getpid(),
            "version": version("photod"),
            "started_at": self.started_at,
            "socket": self.socket,
            "paused": bool(self.rest.reason),
            "resting": self.rest.scheduled,  # why, where it is not because somebody said "pause"
            "model": self.scorers[0].identity.as_dict(),
            "devices": [scorer.device for scorer in self.scorers],
            "median": self.tally.median(),
            "rate": self.tally.rate(),
            "finished": self.tally.finished(),
            "latency": self.tally.latency(),
            "device_memory": {scorer.device: scorer.held for scorer in self.scorers},
            "queue": self.pipeline.queue(),
            "folders": [_folder_status(folder) for folder in self.folders.values()],
            "last_errors": self._last_errors(),
        }

    def _last_errors(self) -> list[Trouble]:
        """What went wrong lately, the latest first: with photos since ever, with the process since its start."""
        errors = [Trouble(at=said.at, path=None, reason=said.words) for said in recent_warnings()]
        errors += [Trouble(at=at, path=path, reason=reason) for at, path, reason in self.tally.unreadable()]
        for folder in (folder for folder in self.folders.values() if answers(folder.path)):
            nothing: list[FailedPhoto] = []
            for failed in folder.ask(lambda reader: reader.failed(LAST_ERRORS), nothing):
                path = _location(folder, failed.path)
                errors.append(Trouble(at=failed.committed_at, path=path, reason=failed.reason))
        return sorted(errors, key=lambda error: -error["at"])[:LAST_ERRORS]

    def rate(self, folder: str, *, retry: bool = False) -> Iterator[Progress]:
        """Compare a folder and score what needs it; yields the progress, the last time when all is done.

        With `retry`, the unscoreable photos need it, too. Raises UsageError where the folder is away, or goes away
        meanwhile.
        """
        meant, below = find_present(self.folders.values(), folder)
        before = meant.watcher.counts()
        if retry:
            meant.watcher.retry(below)
        meant.watcher.request_scan(below)
        while not (done := meant.watcher.idle()) and not meant.watcher.is_stopped():
            yield self._progress(meant, below, before, meant.watcher.state())
            meant.watcher.wait_until_idle(FOLLOW_S)
        if not done and self.is_stopping():  # what was decoded is still being committed
            self.drained.wait()
        if done:
            refuse_away(meant)
        yield self._progress(meant, below, before, "done" if done else "stopped")

    def rescan(self, folder: str | None) -> None:
        """Compare a folder, or all, with their databases."""
        if folder is None:
            for each in self.folders.values():
                each.watcher.request_scan()
        else:
            meant, below = find_folder(self.folders.values(), folder)
            meant.take_back()
            meant.watcher.request_scan(below)

    def release(self, place: str) -> list[str]:
        """Keep nothing open in the folder at a path, or in those below it, until they were away. Returns which.

        Raises UsageError where there is none, it does not answer or the unit holds it, BusyError where one is still
        in use.
        """
        real = real_path(place)
        below = [folder for folder in self.folders.values() if folder.settings.path.is_relative_to(real)]
        meant = below or [find_folder(self.folders.values(), place)[0]]
        for folder in meant:
            if folder.presence() is Presence.SILENT:
                raise silence(folder.settings.path)
            if DATABASE_DIRECTORY in mounts_below(folder.path):  # the wall of the machine's service
                problem = f"the service keeps {folder.path} mounted for itself, which only its end changes"
                raise UsageError(problem, "stop photod, unmount it, and start photod again")
        for folder in meant:
            log.info("released", folder=folder.path, note="so that it can be unmounted")
            folder.release()
        until = time.monotonic() + RELEASE_S
        if not all(folder.wait_until_closed(until) for folder in meant):
            raise BusyError(f"photos in {place} are still being read or scored", "try again in a moment")
        return [folder.path for folder in meant]

    def purge(self, folder: str | None) -> int:
        """Drop the rows of the missing photos of a folder, or of a part of it, or of all; returns how many went."""
        purged: SimpleQueue[int] = SimpleQueue()
        present = [(each, "") for each in self.folders.values() if each.presence() is Presence.HERE]
        meant = present if folder is None else [find_present(self.folders.values(), folder)]
        for each, below in meant:
            self.pipeline.note(Purge(each.path, below, purged.put))
        return sum(purged.get() for _ in meant)

    def use(self, folders: Mapping[str, OpenFolder]) -> None:
        """Answer about these folders from now on."""
        self.folders = folders
        self.rest.repeat()

    def _tell_watchers(self, resting: bool) -> None:
        for folder in self.folders.values():
            folder.watcher.pause(resting)

    def _progress(self, folder: OpenFolder, below: str, before: Counts, phase: str) -> Progress:
        now = folder.watcher.counts()
        since = now.since(before)
        unlisted = [told for told in folder.watcher.unlisted() if is_inside(told[0], below)]
        return {
            "phase": phase,
            "compared": since.compared,
            "unchanged": since.unchanged,
            "scored": since.scored,
            "duplicates": since.duplicates,
            "unscoreable": since.unscoreable,
            "unreadable": since.unreadable,
            "vanished": since.vanished,
            "todo": since.finished + since.pending,
            "median": self.tally.median(),
            "rate": self.tally.rate(),
            "last_failure": _failure(folder, *since.last_failure) if since.last_failure else None,
            "last_unreadable": _failure(folder, *since.last_unreadable) if since.last_unreadable else None,
            "unlisted": len(unlisted),
            "last_unlisted": _failure(folder, *unlisted[-1]) if unlisted else None,
            "resting": self.rest.reason,
            "model_name": self.scorers[0].identity.name,
        }


def _failure(folder: OpenFolder, path: str, reason: str) -> Failure:
    return {"path": _location(folder, path), "reason": reason}


def _location(folder: OpenFolder, path: str) -> str:
    """The absolute path; that of the folder itself has no slash at its end."""
    return str(Path(folder.path, path))


def _folder_status(folder: OpenFolder) -> FolderStatus:
    writer = folder.writer
    nothing: Totals | None = None  # is known while the folder is away
    silent = not answers(folder.path)
    totals = nothing if silent else folder.ask(lambda reader: reader.totals(), nothing)
    return {
        "path": folder.path,
        "database": "" if silent else str(folder.settings.database_path),
        "state": folder.watcher.state(),
        "watched_by": folder.watcher.watched_by(),
        "compared_at": writer.compared_at if writer else None,
        "pending": folder.watcher.counts().pending,
        "scored": totals.scored if totals else None,
        "stale": totals.stale if totals else None,
        "unscoreable": totals.unscoreable if totals else None,
        "missing": totals.missing if totals else None,
        "unreadable": [_failure(folder, *told) for told in folder.watcher.unreadable()],
        "unstable": [_location(folder, path) for path in folder.watcher.unstable()],
    }
