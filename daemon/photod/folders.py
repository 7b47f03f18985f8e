"""Which folders are meant, by the configuration or by what was typed, and why one is refused."""

import os
from pathlib import Path

from photod.config import DATABASE_DIRECTORY, Config, Folder
from photod.errors import ConfigError, UsageError
from photod.files import closed_at, may_be_a_strangers
from photod.filesystem import answers, is_shared
from photod.intake.formats import is_photo_name
from photod.watch.ignore import Rules


def choose_folders(config: Config, once: Path | None) -> tuple[list[Folder], list[Folder]]:
    """The folders to work on, and others that are only asked for known contents.

    `once`: the one folder that was typed. Raises UsageError for that, ConfigError for the others.
    """
    configured = list(config.folders)
    if once is None:
        if not configured:
            raise no_folders(config)
        _refuse_nested(configured)
        for folder in configured:
            refuse_shared(folder)
            rules_of(folder)  # refuses what is no pattern
        return configured, []
    meant = Folder(path=once).path
    chosen = next((folder for folder in configured if meant.is_relative_to(folder.path)), None)
    chosen = chosen or plain_folder(_with_database(meant))
    if not answers(str(meant)):
        raise silence(meant)
    closed = closed_at(meant) is not None
    if closed or not os.path.isdir(meant):
        problem, remedy = why_none(meant)
        within = not closed and chosen.path != meant and os.path.isdir(chosen.path)  # a slip within an archive
        raise UsageError(problem, f"name one that is in {chosen.path}" if within else f"{remedy} first")
    return [chosen], [folder for folder in configured if folder.path != chosen.path]


def plain_folder(path: Path) -> Folder:
    """A folder without settings of its own. On a network drive its scores are kept apart."""
    return Folder(path=path, database="state" if is_shared(str(path)) else "folder")


def no_folders(config: Config) -> ConfigError:
    """What is wrong with a configuration that names none."""
    return ConfigError("no folders are configured", f'add folders = ["/path/to/photos"] to {config.place}')


def refusal(folder: Path, *, known: bool, present: bool) -> ConfigError | None:
    """Why photod does not begin with a folder; None where it does, or waits for one that it knows."""
    if known or (present and closed_at(folder) is None):
        return None
    problem, remedy = why_none(folder)
    return ConfigError(problem, f"{remedy}, or take it out of the configuration")


def why_none(path: Path) -> tuple[str, str]:
    """Why no folder can be read at this path, and what to do about it."""
    closed = closed_at(path)
    if closed is not None:
        return f"{path} is closed to this user", f"change the permissions of {closed}"
    return f"{path} is not a folder", "create or mount it"


def silence(path: Path) -> UsageError:
    """What to tell whoever typed a path whose filesystem does not answer."""
    return UsageError(f"{path} does not answer", "see whether its drive is there, and its server")


def rules_of(folder: Folder) -> Rules:
    """What counts as a photo there. Raises ConfigError for what is no pattern."""
    return Rules(folder.exclude, is_photo_name)


def refuse_shared(folder: Folder) -> None:
    """Raises ConfigError for a folder that would hold a database which other machines may write to, too.

    Processes share SQLite's log by way of memory, which those of two machines do not have in common.
    """
    if answers(str(folder.path)) and folder.holds_database and is_shared(str(folder.path)):
        problem = f"folders: {folder.path} is on a network drive, where a database can be damaged"
        raise ConfigError(problem, f'write {{ path = "{folder.path}", database = "state" }}')


def _with_database(meant: Path) -> Path:
    """The nearest directory at or above `meant` that has a database; `meant` itself where there is none."""
    markers = (place / DATABASE_DIRECTORY for place in (meant, *meant.parents))
    return next((m.parent for m in markers if os.path.isdir(m) and not may_be_a_strangers(str(m))), meant)


def _refuse_nested(folders: list[Folder]) -> None:
    paths = [folder.path for folder in folders]
    for position, path in enumerate(paths):
        for other in paths[:position]:
            if path == other:
                raise ConfigError(f"folders: {path} is listed twice", "take one of them out")
            if _is_same_directory(path, other):
                problem = f"folders: {path} and {other} are one directory under two names, such as a bind mount"
                raise ConfigError(problem, "list it once")
            if path.is_relative_to(other) or other.is_relative_to(path):
                problem = f"folders: one of {path} and {other} contains the other"
                raise ConfigError(problem, "list the outer one only")


def _is_same_directory(path: Path, other: Path) -> bool:
    try:
        return answers(str(path)) and answers(str(other)) and path.samefile(other)
    except OSError:  # one of them is not there
        return False
