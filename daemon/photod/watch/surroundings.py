"""What a folder's watcher needs from the rest of the program."""

from collections.abc import Callable
from dataclasses import dataclass

from photod.photos import Candidate, Fingerprint, Note, PhotoRow, StalePage
from photod.watch.presence import Presence


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Its database, its place, the pipeline and the committer. Any thread may call."""

    known: Callable[[str], list[PhotoRow]]  # the database's photos directly in a directory
    known_directories: Callable[[str], list[str]]  # those of the database at and below a directory
    links_of: Callable[[int], list[str]]  # where the database knows files with this inode
    paths_of: Callable[[Fingerprint], list[str]]  # where the database last saw a file that looked like this
    count_stale: Callable[[str], int]  # photos at and below a directory that an earlier model scored
    stale: Callable[[str, tuple[int, int] | None], StalePage]  # the next of them, newest first
    offer: Callable[[Candidate], bool]  # hand a candidate on; False: no room now
    expect: Callable[[], None]  # say that there will be one as soon as it has settled
    write_down: Callable[[Note], None]  # blocks while the committer is behind
    presence: Callable[[], Presence]  # whether the folder is there as itself
