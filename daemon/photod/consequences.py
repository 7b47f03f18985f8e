"""What follows once something was written down: whoever it concerns hears of it, on the committing thread."""

from functools import partial
from typing import assert_never

from photod.channel import excused
from photod.committer import Listeners
from photod.logs import get_logger
from photod.photos import (
    Appeared,
    Compared,
    Departed,
    Dismissed,
    Judged,
    Missing,
    Moved,
    Note,
    Outcome,
    Purge,
    Retry,
    Returned,
    Suspected,
    Unscoreable,
)
from photod.roster import Roster
from photod.tally import Tally

log = get_logger(__name__)


def listeners(roster: Roster, tally: Tally) -> Listeners:
    """Those who hear of finished photos and of notes: the tally, and each folder of its own."""
    return Listeners(
        partial(_hear_of_outcome, roster, tally), partial(_hear_of_note, roster, tally), roster.close_if_pulled_out
    )


def _hear_of_outcome(roster: Roster, tally: Tally, outcome: Outcome) -> None:
    tally.add(outcome)
    roster.folders[outcome.candidate.folder].watcher.finished(outcome)
    _log_outcome(outcome)


def _hear_of_note(roster: Roster, tally: Tally, note: Note) -> None:
    if isinstance(note, Purge):
        note.tell(note.purged)
    folder = roster.folders.get(note.folder)
    if folder is None:  # somebody asked for it just when the folder was let go
        return
    match note:
        case Missing() | Returned() | Moved() | Compared() | Retry():
            folder.watcher.noted(note)
        case Appeared():
            if roster.open_late(note.folder):
                with excused():  # all that is committed has been told, so nothing is counted twice
                    tally.seed(roster.given())
        case Departed():
            roster.close_departed(note.folder)
        case Dismissed():
            roster.close_dismissed(note.folder)
        case Purge() | Suspected():
            pass  # they are of no concern to the folder's thread
        case _:
            assert_never(note)


def _log_outcome(outcome: Outcome) -> None:
    """One record for each photo, below the default level."""
    what = {"photo": outcome.candidate.location, "folder": outcome.candidate.folder}
    if not isinstance(outcome, Judged):
        log.debug(outcome.why, **what, reason=outcome.reason)
    elif isinstance(outcome.verdict, Unscoreable):
        log.debug("unscoreable", **what, reason=outcome.verdict.reason)
    else:
        log.debug("scored_photo", **what, score=round(outcome.verdict.score, 3), duplicate=outcome.duplicate)
