"""The last stage: the only thread that writes databases. What was judged is committed in groups, then told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar, assert_never

from photod.channel import Channel, excused
from photod.config import Store
from photod.errors import DatabaseError
from photod.fingerprints import fingerprint_at
from photod.in_flight import ContentsInFlight, OnTheWay
from photod.logs import get_logger
from photod.photos import (
    Appeared,
    Candidate,
    Compared,
    Departed,
    Dismissed,
    Judged,
    Missing,
    Moved,
    Note,
    Outcome,
    Passed,
    Purge,
    Retry,
    Returned,
    Suspected,
)
from photod.store.writer import Writer

T = TypeVar("T")

REST_S = 10.0  # without anything to write down, after which logs are brought back into their databases

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told: of finished photos, and of notes that were written down.

    And what to do when a folder's database cannot be written: False if that is a fault, no drive that went away.
    """

    on_outcome: Callable[[Outcome], None]
    on_note: Callable[[Note], None]
    close_if_pulled_out: Callable[[str], bool]


class Committer:
    """The only thread that uses writers while it runs.

    Nor does anybody else change which there are, but its listener, on this thread: for an Appeared folder it adds
    one, for a Departed or Dismissed one it takes one away.
    """

    def __init__(
        self,
        settings: Store,
        verdicts: Channel[Judged | Passed | Note],
        coming: OnTheWay,
        in_flight: ContentsInFlight,
        writers: Mapping[str, Writer],
        listeners: Listeners,
    ) -> None:
        self._settings = settings
        self._verdicts = verdicts
        self._coming = coming
        self._in_flight = in_flight
        self._writers = writers
        self._listeners = listeners

    def run(self) -> None:
        """Commit whatever comes, group by group. Raises Closed at the end, DatabaseError."""
        settings = self._settings
        settled = False
        while True:
            rest_s = None if settled else REST_S
            group = self._verdicts.get_batch(settings.group, settings.group_wait_s, self._coming.none, rest_s)
            settled = not group and self._settle()
            judged = [item for item in group if isinstance(item, Judged)]
            while judged:
                self._commit(judged)
                # Only now can a lookup find these contents: whoever asked before waits here.
                judged = [
                    Judged(waiting, item.verdict, duplicate=True)
                    for item in judged
                    for waiting in self._in_flight.release(item.verdict.sha256)
                ]
            for item in group:
                if isinstance(item, Passed):
                    self._listeners.on_outcome(item)
                elif not isinstance(item, Judged):
                    self._listeners.on_note(self._written_down(item))

    def _settle(self) -> bool:
        """Bring all logs back; False where somebody was reading, and it is to be tried again."""
        with excused():  # a drive may hang, and be another folder's
            waiting = [writer for writer in self._writers.values() if not writer.settle()]
        return not waiting

    def _commit(self, judged: list[Judged]) -> None:
        outcomes: list[Outcome] = []
        for folder in {item.candidate.folder for item in judged}:
            with excused():  # these photos may lie on a network drive that hangs
                checked = [(item, _is_still(item.candidate)) for item in judged if item.candidate.folder == folder]
            done = self._write(folder, partial(_commit_all, checked))
            # Where the database could not be had, for now, they are looked at when it can.
            outcomes += [item if same and done else Passed(item.candidate, "changed") for item, same in checked]
        for outcome in outcomes:
            self._listeners.on_outcome(outcome)

    def _write(self, folder: str, work: Callable[[Writer], T]) -> T | None:
        """What the work comes to; None where the database cannot be had, or not any more."""
        writer = self._writers.get(folder)
        if writer is None:
            return None
        try:
            return work(writer)
        except DatabaseError:
            if not self._listeners.close_if_pulled_out(folder):
                raise
            return None

    def _written_down(self, note: Note) -> Note:
        """The note with what came of it. Where the database cannot be had, that is nothing."""
        return self._write(note.folder, partial(self._write_down, note)) or note

    def _write_down(self, note: Note, writer: Writer) -> Note:
        match note:
            case Appeared() | Departed() | Dismissed():
                pass  # who hears of it opens the database, or closes it, on this thread
            case Missing():
                writer.mark_missing(note.paths)
            case Returned():
                writer.mark_present(note.paths)
            case Moved():
                writer.move(note.moves)
            case Compared():
                with excused():  # the missing photos are looked for, on a network drive, say
                    swept = writer.mark_compared(note.folder, note.filesystem, dict(note.mounts))
                if swept.purged or swept.waiting:
                    log.info("tombstones", folder=note.folder, purged=swept.purged, waiting_for_purge=swept.waiting)
            case Purge():
                with excused():
                    purged = writer.purge(note.folder, note.below)
                log.info("tombstones", folder=note.folder, purged=purged)
                return replace(note, purged=purged)
            case Retry():
                return replace(note, forgotten=writer.forget_unscoreable(note.below))
            case Suspected():
                writer.suspect(note.contents)
            case _:
                assert_never(note)
        return note


def _commit_all(checked: Sequence[tuple[Judged, bool]], writer: Writer) -> bool:
    writer.commit(checked)
    return True


def _is_still(candidate: Candidate) -> bool:
    """Whether the path still is what was read; asked right before its score is committed."""
    return fingerprint_at(candidate.location) == candidate.fingerprint
