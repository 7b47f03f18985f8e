"""`photod check`: what would happen if it were started, said in lines that a person reads."""

from functools import partial

from photod.config import SYSTEM_STATE, Config, Folder, state_directory
from photod.control import why_unusable
from photod.errors import ConfigError, DatabaseError, PhotodError
from photod.files import closed_at, is_gone
from photod.filesystem import answers
from photod.folders import choose_folders, no_folders, refusal
from photod.intake.decode import PREPROCESSING_VERSION
from photod.intake.process import sandbox_report
from photod.journal import escaped
from photod.registry import recall
from photod.score import describe, load_scorers
from photod.score.scorer import Scorer, score_stored
from photod.store.care import verify
from photod.store.queries import Reader
from photod.watch.presence import Presence, presence

SAMPLES = 100  # photos of each folder that are read again


def check(config: Config) -> PhotodError | None:
    """Print what is found; returns what `photod run` would end with, or that a database says what is not true.

    Raises ConfigError or DatabaseError for what keeps the rest from being looked at.
    """
    faults: list[ConfigError] = []
    if config.folders:
        choose_folders(config, None)
    else:
        faults.append(no_folders(config))
        _line("folder", "none configured; photod run ends with 78 until the configuration names one")
    for folder in config.folders:
        found, fault = _look(folder)
        if fault:
            faults.append(fault)
        _line("folder", f"{folder.path}: {found}")
    if config.control.socket and (fault := why_unusable(config.control.path)):
        faults.append(fault)
        _line("socket", fault.problem)
    scorers = load_scorers(config.model, state_directory(), PREPROCESSING_VERSION)
    for name, text in describe(scorers):
        _line(name, text)
    there = [folder for folder in config.folders if answers(str(folder.path))]
    kept = [folder for folder in there if not is_gone(str(folder.database_path))]
    sound = [_verify(folder, scorers[0]) for folder in kept]
    for text in sandbox_report() or ["all restrictions are in force"]:
        _line("sandbox", text)
    if not all(sound):  # of all faults the one that must not wait
        return DatabaseError("not all that the databases say is true", "see above what is wrong, and where")
    return faults[0] if faults else None


def _look(folder: Folder) -> tuple[str, ConfigError | None]:
    """What there is of a folder, and what `photod run` would end with."""
    # The machine's service knows folders that whoever checks has never worked on.
    record = recall(folder.path, (state_directory(), SYSTEM_STATE))
    found = presence(folder, record, opened=None)
    if found is Presence.SILENT:
        return "its filesystem does not answer; photod run waits for it", None
    present = found is not Presence.ABSENT
    fault = refusal(folder.path, known=record is not None, present=present)
    closed = closed_at(folder.path) is not None
    if fault:
        words, wanted = ("closed to this user", "open") if closed else ("not a folder", "one")
        return f"{words}; photod run ends with 78 until it is {wanted}", fault
    if not is_gone(str(folder.database_path)):
        totals = Reader(folder.database_path).totals()
        return f"{totals.scored} scored, {totals.unscoreable} unscoreable, {totals.stale} by an earlier model", None
    if present:
        return "no database yet", None
    return f"{'closed to this user' if closed else 'away'}; photod run waits for it", None


def _verify(folder: Folder, scorer: Scorer) -> bool:
    """Look at a database, and at some of its photos and scores again; returns whether nothing is wrong."""
    same = Reader(folder.database_path).model_key() == scorer.identity.key
    report = verify(folder.database_path, folder.path, SAMPLES, partial(score_stored, scorer) if same else None)
    looked = f"{report.hashed} photos hashed again, {report.rescored} scores computed again"
    for finding in report.findings or ("nothing wrong",):
        _line("database", f"{folder.path}: {looked}: {finding}")
    return not report.findings


def _line(name: str, text: str) -> None:
    print(f"{name + ':':<14}{escaped(text)}")
