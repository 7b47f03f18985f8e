"""`photod check`: what would happen if it were started, said in lines that a person reads."""

from functools import partial

from photod.config import Config, Folder, state_directory
from photod.files import is_gone
from photod.folders import choose_folders
from photod.intake.decode import PREPROCESSING_VERSION
from photod.intake.process import sandbox_report
from photod.registry import REGISTRY_NAME, Registry
from photod.score import describe, load_scorers
from photod.score.scorer import Scorer, score_stored
from photod.store.care import verify
from photod.store.queries import Reader
from photod.watch.presence import Presence, presence

SAMPLES = 100  # photos of each folder that are read again


def check(config: Config) -> bool:
    """Print what is found; returns whether all is true that the databases say.

    Raises ConfigError or DatabaseError for what would keep the daemon from starting.
    """
    if config.folders:
        choose_folders(config, None)
    for folder in config.folders:
        if not is_gone(str(folder.database_path)):
            totals = Reader(folder.database_path).totals()
            found = f"{totals.scored} scored, {totals.unscoreable} unscoreable, {totals.stale} by an earlier model"
        else:
            found = _without_database(folder)
        _line("folder", f"{folder.path}: {found}")
    if not config.folders:
        _line("folder", "none configured; photod run ends with 78 until the configuration names one")
    scorers = load_scorers(config.model, state_directory(), PREPROCESSING_VERSION)
    for name, text in describe(scorers):
        _line(name, text)
    kept = [folder for folder in config.folders if not is_gone(str(folder.database_path))]
    sound = [_verify(folder, scorers[0]) for folder in kept]
    for text in sandbox_report() or ["all restrictions are in force"]:
        _line("sandbox", text)
    return all(sound)


def _without_database(folder: Folder) -> str:
    """What becomes of a folder that has none."""
    record = Registry(state_directory() / REGISTRY_NAME).find(folder.path)
    if presence(folder, record, opened=None) is not Presence.ABSENT:
        return "no database yet"
    return "away; photod run waits for it" if record else "not a folder; photod run ends with 78 until it is one"


def _verify(folder: Folder, scorer: Scorer) -> bool:
    """Look at a database, and at some of its photos and scores again; returns whether nothing is wrong."""
    same = Reader(folder.database_path).model_key() == scorer.identity.key
    report = verify(folder.database_path, folder.path, SAMPLES, partial(score_stored, scorer) if same else None)
    looked = f"{report.hashed} photos hashed again, {report.rescored} scores computed again"
    for finding in report.findings or ("nothing wrong",):
        _line("database", f"{folder.path}: {looked}: {finding}")
    return not report.findings


def _line(name: str, text: str) -> None:
    print(f"{name + ':':<14}{text}")
