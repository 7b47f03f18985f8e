"""Backs the databases up, from time to time."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from threading import Thread

from photod.config import Store
from photod.errors import DatabaseError
from photod.logs import get_logger
from photod.store.care import add_backup, is_backup_due
from photod.store.errors import DamagedError
from photod.threads import Crew

log = get_logger(__name__)

LOOK_S = 3600.0  # between two looks at whether a backup is due: a daemon may be restarted every day


class Caretaker:
    """Makes the rotating backups that are due. That a copy cannot be made is said; a damaged original is fatal, but
    for one whose drive was pulled out.

    `databases` has, by folder, what finds its database, if it is there; a drive that hangs may block that.
    """

    def __init__(
        self, settings: Store, databases: Callable[[], Mapping[str, Callable[[], Path | None]]], crew: Crew
    ) -> None:
        self.look_s = min(settings.backup_s, LOOK_S)
        self._settings = settings
        self._databases = databases
        self._crew = crew
        self._at_work: dict[str, Thread] = {}

    def request(self) -> None:
        """Have each database looked after soon, in a thread of its own, unless the last one is still at it."""
        if not self._settings.backups:
            return
        self._at_work = {folder: thread for folder, thread in self._at_work.items() if thread.is_alive()}
        for folder, find in self._databases().items():
            if folder not in self._at_work:
                self._at_work[folder] = self._crew.start("backup", partial(self._look, find))

    def _look(self, find: Callable[[], Path | None]) -> None:
        database = find()
        if database is None:
            return
        try:
            if is_backup_due(database, self._settings.backup_s):
                log.info("backed_up", backup=str(add_backup(database, self._settings.backups)))
        except DamagedError:
            if find() is not None:
                raise
        except (DatabaseError, OSError) as error:
            log.warning("backup_failed", database=str(database), reason=str(error))
