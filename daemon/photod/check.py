"""`photod check`: what would happen if it were started, said in lines that a person reads."""

from photod.config import Config, state_directory
from photod.folders import choose_folders
from photod.intake.decode import PREPROCESSING_VERSION
from photod.intake.process import sandbox_report
from photod.score import describe, load_scorers
from photod.store.queries import Reader


def check(config: Config) -> None:
    """Print what is found. Raises ConfigError or DatabaseError for what would keep the daemon from starting."""
    if config.folders:
        choose_folders(config, None)
    for folder in config.folders:
        if folder.database_path.exists():
            totals = Reader(folder.database_path).totals()
            found = f"{totals.scored} scored, {totals.unscoreable} unscoreable, {totals.stale} by an earlier model"
        else:
            found = "no database yet" if folder.path.is_dir() else "not there now"
        _line("folder", f"{folder.path}: {found}")
    if not config.folders:
        _line("folder", "none configured")
    for name, text in describe(load_scorers(config.model, state_directory(), PREPROCESSING_VERSION)):
        _line(name, text)
    for text in sandbox_report() or ["all walls stand"]:
        _line("sandbox", text)


def _line(name: str, text: str) -> None:
    print(f"{name + ':':<14}{text}")
