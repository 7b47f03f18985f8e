"""Backs the databases up, from time to time."""

from collections.abc import Callable, Iterable
from pathlib import Path

from photod.config import Store
from photod.errors import DatabaseError
from photod.logs import get_logger
from photod.store.care import back_up, is_backup_due
from photod.store.connection import DamagedError
from photod.threads import Crew

log = get_logger(__name__)

LOOK_S = 3600.0  # between two looks at whether a backup is due: a daemon may be restarted every day


class Caretaker:
    """Makes the rotating backups that are due. That a copy cannot be made is said; a damaged original is fatal."""

    def __init__(self, settings: Store, databases: Callable[[], Iterable[Path]], crew: Crew) -> None:
        self.look_s = min(settings.backup_s, LOOK_S)
        self._settings = settings
        self._databases = databases
        self._crew = crew

    def request(self) -> None:
        """Have it looked after soon, in a thread of its own."""
        if self._settings.backups:
            self._crew.start("backup", self._look)

    def _look(self) -> None:
        for database in self._databases():
            try:
                if is_backup_due(database, self._settings.backup_s):
                    log.info("backed_up", backup=str(back_up(database, self._settings.backups)))
            except DamagedError:
                raise
            except (DatabaseError, OSError) as error:
                log.warning("backup_failed", database=str(database), reason=str(error))
