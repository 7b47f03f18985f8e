"""What the daemon says on its socket, as JSON: the same that `status --json` and `rate --json` tell programs.

Names that are not UTF-8 are surrogate-escaped. docs/JSON.md has what all keys have in common.
"""

from typing import Any, NotRequired, TypedDict

LAST_ERRORS = 5  # that a status tells
CLOSED = "closed"  # the state of a folder of which this user may know nothing
UNUSABLE = "unusable"  # and of one whose database says nothing: damaged, or a newer photod's


class Failure(TypedDict):
    """A photo or a directory with which something went wrong."""

    path: str  # absolute
    reason: str


class Trouble(TypedDict):
    """Something that went wrong, with a photo or with photod itself."""

    at: float
    path: str | None  # of the photo, absolute
    reason: str


class Latency(TypedDict):
    """How long arrivals took from landing to the commit of their score: a histogram."""

    buckets: list[list[float]]  # [upper bound in seconds, how many took at most that]
    count: int  # all, those above the last bound too
    sum_s: float


class FolderStatus(TypedDict):
    """One folder. What only a daemon knows is None without one, and so is what this user may not read."""

    path: str
    database: str
    state: str  # absent, comparing, scoring, idle; without a daemon: absent, unwatched, closed, unusable
    watched_by: str | None  # inotify, polling, partly
    compared_at: float | None  # when it was last compared, whole; without a daemon: as last written, with a change
    pending: int | None  # photos known to need work
    scored: int | None
    stale: int | None  # scored by an earlier model
    unscoreable: int | None
    missing: int | None
    unreadable: list[Failure]  # what could not be read at the last look
    unstable: list[str]  # photos that keep changing, absolute


class Status(TypedDict):
    """The answer to {"command": "status"}; what is not required is not there without a daemon."""

    running: bool
    model: dict[str, Any] | None  # photos.ModelIdentity
    queue: dict[str, int]  # photos before each stage
    folders: list[FolderStatus]
    last_errors: list[Trouble]  # the latest first
    pid: NotRequired[int]
    version: NotRequired[str]
    started_at: NotRequired[float]
    socket: NotRequired[str]
    paused: NotRequired[bool]  # whether the model rests, for whatever reason
    resting: NotRequired[str]  # why, where it is not because somebody said "pause"
    devices: NotRequired[list[str]]
    median: NotRequired[float | None]  # of all scores that the daemon has
    rate: NotRequired[float]  # photos a second, over the last minute
    finished: NotRequired[dict[str, int]]  # photos since the start, by how they ended
    latency: NotRequired[Latency]
    device_memory: NotRequired[dict[str, int | None]]  # bytes by device; None: it has none of its own
    refused: NotRequired[str | None]  # to whom a daemon answers that is closed to this user, in words


class Progress(TypedDict, total=False):
    """How far the scoring of a folder is; counts are of photos since it was asked for."""

    phase: str  # the folder's state; at the end done or stopped
    compared: int
    unchanged: int
    scored: int
    duplicates: int
    unscoreable: int
    unreadable: int
    vanished: int
    todo: int  # photos that need work, finished ones among them
    median: float | None  # of all scores that the daemon has
    rate: float  # photos a second, over the last minute
    last_failure: Failure | None
    last_unreadable: Failure | None
    unlisted: int  # directories that cannot be listed
    last_unlisted: Failure | None
    resting: str  # why the model rests; empty if it does not
    model_name: str
    duration_s: float  # that all of it took; told by `photod-ctl rate`
