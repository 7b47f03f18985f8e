"""A running daemon reads its configuration again: what has changed, and how it is taken over."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from photod.config import Config, Folder
from photod.errors import ConfigError
from photod.folders import choose_folders
from photod.logs import get_logger
from photod.roster import Roster
from photod.systemd import notify, notify_reloading

log = get_logger(__name__)

_TAKEN = {"folders", "schedule"}  # the sections that a reload takes; all others are read at the start
LET_GO_S = 20.0  # that a reload takes at most, before the photos of a folder that is let go are through


@dataclass(frozen=True, slots=True)
class Changes:
    """From one configuration to another. A folder whose settings changed is let go and taken anew."""

    let_go: tuple[Folder, ...]
    taken: tuple[Folder, ...]
    need_restart: tuple[str, ...]  # sections


def compare(before: Config, after: Config) -> Changes:
    """The difference, in the order of the configuration."""
    return Changes(
        let_go=tuple(folder for folder in before.folders if folder not in after.folders),
        taken=tuple(folder for folder in after.folders if folder not in before.folders),
        need_restart=tuple(
            name
            for name in Config.model_fields
            if name not in _TAKEN and getattr(before, name) != getattr(after, name)
        ),
    )


class Reloader:
    """Takes over what can be taken of a changed configuration, while everything works.

    Belongs to the main thread, but for `request`. `read` reads the configuration; raises ConfigError.
    """

    def __init__(self, config: Config, read: Callable[[], Config], roster: Roster) -> None:
        self.config = config  # as it was last taken
        self._read = read
        self._roster = roster
        self._requested = False
        self._told_by: float | None = None  # when systemd is told that it is done, even if a folder is not gone yet

    def request(self) -> None:
        """Have the next `step` read the configuration. Any thread may call, and any signal handler."""
        self._requested = True

    def step(self) -> bool:
        """Go on, without waiting for anything; True while folders that are let go have photos under way."""
        if self._requested:
            self._requested = False
            notify_reloading()
            self._take()
            self._told_by = time.monotonic() + LET_GO_S
        left = self._roster.exchange()
        if self._told_by is not None and (not left or time.monotonic() > self._told_by):
            if left:
                log.warning("not_gone_yet", folders=left, note="photos of them are under way")
            notify("READY=1")
            self._told_by = None
        return bool(left)

    def _take(self) -> None:
        """A configuration that cannot be used changes nothing."""
        try:
            after = self._read()
            choose_folders(after, None)
        except ConfigError as error:
            log.error("not_reloaded", reason=str(error))
            return
        changes = compare(self.config, after)
        self._roster.change(changes.let_go, changes.taken)
        self.config = after
        if changes.need_restart:
            log.warning("restart_needed", sections=list(changes.need_restart))
        log.info("reloaded", folders=[str(folder.path) for folder in after.folders])
