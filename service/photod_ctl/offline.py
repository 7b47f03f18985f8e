"""What the databases know where no daemon answers, in the shape of its answer."""

import os
from typing import TYPE_CHECKING, Any

from photod.errors import DatabaseError, UsageError
from photod.store.queries import Reader
from photod.wire import CLOSED, LAST_ERRORS, UNUSABLE
from photod_ctl.folders import archive_of, has_database, is_away
from photod_ctl.tables import warn

if TYPE_CHECKING:
    from photod.config import Config, Folder

STAGES = ("waiting", "decoding", "scoring", "committing")
COUNTS = ("scored", "stale", "unscoreable", "missing")


def offline_status(config: "Config") -> dict[str, Any]:
    """The status of all configured folders; says on stderr which are closed to the user, or unusable."""
    folders = [_offline_folder(folder) for folder in config.folders]
    errors = sorted((e for folder in folders for e in folder.pop("errors")), key=lambda error: -error["at"])
    models = [model for folder in folders if (model := folder.pop("model"))]
    same = all(model == models[0] for model in models)
    return {
        "running": False,
        "model": models[0] if models and same else None,
        "queue": dict.fromkeys(STAGES, 0),
        "folders": folders,
        "last_errors": errors[:LAST_ERRORS],
    }


def _offline_folder(folder: "Folder") -> dict[str, Any]:
    known: dict[str, Any] = {
        "path": str(folder.path), "database": str(folder.database_path), "state": "unwatched", "model": None,
        "compared_at": None, "pending": None, "unreadable": [], "unstable": [], "watched_by": None,
        **dict.fromkeys(COUNTS, 0), "errors": [],
    }  # fmt: skip
    try:
        there = has_database(archive_of(folder))
        if is_away(folder):
            known |= {"state": "absent"} | dict.fromkeys(COUNTS)  # nobody knows, unless its database is elsewhere
        return known | _in_database(folder) if there else known
    except (UsageError, DatabaseError) as error:
        warn(str(error))
        state = CLOSED if isinstance(error, UsageError) else UNUSABLE
        return known | {"state": state} | dict.fromkeys(COUNTS)


def _in_database(folder: "Folder") -> dict[str, Any]:
    reader = Reader(folder.database_path)
    totals = reader.totals()
    return {
        "model": reader.model(),
        "compared_at": reader.compared_at(),
        **{name: getattr(totals, name) for name in COUNTS},
        "errors": [
            {"at": photo.committed_at, "path": os.path.join(folder.path, photo.path), "reason": photo.reason}
            for photo in reader.failed(LAST_ERRORS)
        ],
    }
