"""When the rows of deleted photos go: late, few at once, and never because a drive was away.

A photo that a listing lacks keeps its row as a tombstone. The row goes when two whole comparisons of the folder,
a day or more apart and on the same filesystem, both lacked the photo, and when few go at once: a drive that was
swapped or half restored looks like many deletions. More of them wait for the user's word. So do all below a place
inside the folder where another filesystem was mounted before than is now.
"""

import os
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass

from photod.files import is_gone
from photod.store.rankings import below_condition
from photod.store.reading import fetched
from photod.store.schema import directory_from_sql, from_sql, to_sql

APART_S = 24 * 3600
FEW = 100  # rows that may go at once
FEW_SHARE = 0.2  # of all rows, where that is more


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did."""

    purged: int = 0
    waiting: int = 0  # would have gone, were they not so many


class Tombstones:
    """Sweeps one database; inside the caller's transactions, on the caller's thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._confirmed: float | None = None  # the last confirmation by this process, by the boot clock

    def remember(self, mounts: Mapping[str, str]) -> None:
        """Note what is mounted inside the folder: where, relative to it, and the identity of the filesystem."""
        self._db.executemany(
            "INSERT OR IGNORE INTO mounted (path, filesystem) VALUES (?, ?)",
            [(to_sql(place), filesystem) for place, filesystem in mounts.items()],
        )

    def confirm(self, folder: str, filesystem: str, mounts: Mapping[str, str], now: int) -> Swept:
        """A whole comparison without any error just ended: note it, and sweep what an earlier one confirms.

        `filesystem` is its identity, `mounts` as for `remember`, `now` seconds since 1970. Returns what was purged.
        Without tombstones there is nothing to note.
        """
        (any_missing,) = self._db.execute(
            "SELECT EXISTS (SELECT 1 FROM photo WHERE missing_since IS NOT NULL)"
        ).fetchone()
        if not any_missing:
            return Swept()
        rows = fetched(self._db.execute("SELECT confirmed_at, confirmed_on FROM folder"))
        earlier, on = rows[0] if rows else (None, None)
        if earlier is not None and self._age_s(earlier, now) < APART_S:
            return Swept()
        swept = Swept()
        if earlier is not None and on == filesystem and earlier <= now:
            swept = self._sweep(folder, mounts, earlier)
        self._db.execute("UPDATE folder SET confirmed_at = ?, confirmed_on = ?", (now, filesystem))
        self._confirmed = time.clock_gettime(time.CLOCK_BOOTTIME)
        return swept

    def purge(self, folder: str, below: str) -> int:
        """Drop every tombstone in that subdirectory now ('' for all), as the user asked; returns how many."""
        forgotten = [row for row in self._mounted() if not below or f"{row[0]}/".startswith(f"{below}/")]
        self._db.executemany(
            "DELETE FROM mounted WHERE path = ? AND filesystem = ?",
            [(to_sql(place), filesystem) for place, filesystem in forgotten],
        )
        return self._drop([row for row, _ in self._gone(folder, None, below)])

    def _age_s(self, earlier: int, now: int) -> float:
        # A wall clock that jumped ahead must not age a confirmation; one that jumped back starts it again.
        if now < earlier:
            return APART_S
        if self._confirmed is not None:
            return min(now - earlier, time.clock_gettime(time.CLOCK_BOOTTIME) - self._confirmed)
        return now - earlier

    def _sweep(self, folder: str, mounts: Mapping[str, str], since: int) -> Swept:
        away = {f"{place}/" for place, remembered in self._mounted() if mounts.get(place) != remembered}
        gone = [row for row, path in self._gone(folder, since) if not any(map(path.startswith, away))]
        if not gone:
            return Swept()
        (total,) = self._db.execute("SELECT count(*) FROM photo").fetchone()
        if len(gone) >= max(FEW, FEW_SHARE * total):
            return Swept(waiting=len(gone))
        return Swept(purged=self._drop(gone))

    def _mounted(self) -> list[tuple[str, str]]:
        """What was mounted inside the folder since the last `purge`: where, and which filesystem."""
        rows = fetched(self._db.execute("SELECT path, filesystem FROM mounted"))
        return [(directory_from_sql(place), filesystem) for place, filesystem in rows]

    def _gone(self, folder: str, since: int | None, below: str = "") -> list[tuple[int, str]]:
        """Rows missing since then (None: whenever) with their paths, which do not exist: a new rule only hides."""
        where, arguments = below_condition(below)
        rows = self._db.execute(
            f"SELECT id, path FROM photo WHERE missing_since <= ? {where}",
            (2**62 if since is None else since, *arguments),
        )
        named = ((row, from_sql(path)) for row, path in rows)
        return [(row, path) for row, path in named if is_gone(os.path.join(folder, path))]

    def _drop(self, rows: list[int]) -> int:
        self._db.executemany("DELETE FROM photo WHERE id = ?", [(row,) for row in rows])
        if rows:
            # Young contents may belong to a photo that was renamed on its way here.
            self._db.execute(
                """DELETE FROM content WHERE coalesce(scored_at, 0) < ?
                AND NOT EXISTS (SELECT 1 FROM photo WHERE photo.content = content.id)""",
                (int(time.time()) - APART_S,),
            )
        return len(rows)
