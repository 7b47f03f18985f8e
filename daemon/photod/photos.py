"""The records that travel from stage to stage. All are immutable."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Literal, NamedTuple

BUILTIN = "builtin"  # the name of the model that ships with photod
EMBEDDING_DTYPE = "<f2"  # embeddings are stored as little-endian float16
LAST_NS = 2**63 - 1  # the last time that a database can hold, in the year 2262


def storable_ns(time_ns: int) -> int:
    """The time nearest to this one that a database can hold: `touch` can set others."""
    return max(-LAST_NS, min(time_ns, LAST_NS))


class Fingerprint(NamedTuple):
    """What one `stat` tells about a file's bytes; two equal ones mean that nobody wrote in between.

    `photod.fingerprints` makes them.
    """

    size: int
    mtime_ns: int
    ctime_ns: int  # catches a rewrite whose mtime was put back; the mtime where no ctime lasts
    inode: int  # 0 where no number lasts


class KnownPhoto(NamedTuple):
    """What the database says about a path: enough to see whether the file has changed."""

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    missing: int = 0  # 1: a listing lacked it
    stale: int = 0  # 1: its score is not the current model's

    @property
    def fingerprint(self) -> Fingerprint:
        """What its file looked like."""
        return Fingerprint(self.size, self.mtime_ns, self.ctime_ns, self.inode)


# A KnownPhoto as a plain tuple, which it is equal to. A listing makes one for each file, as if the database knew it
# well, so that what is unchanged is found by comparing tuples: a record for each would take longer than its `stat`.
PhotoRow = tuple[str, int, int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class StalePage:
    """Some photos that an earlier model scored, newest first by mtime."""

    photos: tuple[tuple[str, Fingerprint], ...]  # with the fingerprint that the database knows
    place: tuple[int, int] | None  # after which to go on, as (mtime_ns, row); None: there are no more


@dataclass(frozen=True, slots=True)
class Candidate:
    """A photo that the scan wants looked at: new, or changed since it was last committed."""

    folder: str  # the root that the user named, absolute and real
    path: str  # relative to the folder; surrogate-escaped where the name is not UTF-8
    fingerprint: Fingerprint
    landed: float | None = field(default=None, compare=False)  # monotonic seconds; None: backlog

    @property
    def urgent(self) -> bool:
        """Whether it landed just now, and goes before backlog."""
        return self.landed is not None

    @property
    def location(self) -> str:
        """The absolute path."""
        return os.path.join(self.folder, self.path)


@dataclass(frozen=True, slots=True)
class Facts:
    """What decoding found out about a photo besides its pixels."""

    width: int  # upright, pixels
    height: int
    taken_at: str | None = None  # local time of the camera, "YYYY-MM-DD HH:MM:SS"
    camera: str | None = None  # maker and model


@dataclass(frozen=True, slots=True)
class Scored:
    """The verdict on bytes that could be decoded."""

    sha256: str
    facts: Facts
    score: float  # 0 to 10
    embedding: bytes = field(repr=False)  # EMBEDDING_DTYPE, unit length


@dataclass(frozen=True, slots=True)
class Unscoreable:
    """The verdict on bytes that could not."""

    sha256: str
    reason: str


Verdict = Scored | Unscoreable


@dataclass(frozen=True, slots=True)
class Judged:
    """A photo whose bytes have a verdict: ready to commit."""

    candidate: Candidate
    verdict: Verdict
    duplicate: bool  # the verdict came from another file with the same bytes


@dataclass(frozen=True, slots=True)
class Passed:
    """A photo that gets no verdict this time."""

    candidate: Candidate
    why: Literal["vanished", "changed", "unreadable"]
    reason: str = ""  # for unreadable: the system's words


Outcome = Judged | Passed


def kind_of(outcome: Outcome) -> str:
    """One word for how a photo ended: scored, duplicates, unscoreable, or why it was passed."""
    if not isinstance(outcome, Judged):
        return outcome.why
    if isinstance(outcome.verdict, Unscoreable):
        return "unscoreable"
    return "duplicates" if outcome.duplicate else "scored"


@dataclass(frozen=True, slots=True)
class InputSpec:
    """How a photo becomes the model's input."""

    size: int = 224  # side of the square, pixels
    resize: Literal["squash", "crop"] = "squash"
    decode_sides: int = 6  # a JPEG may be decoded at a fraction of its size that leaves so many times `size`


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Everything that a score depends on. Scores of two identities are never ranked together."""

    name: str  # as configured: "builtin", a file, a tag
    architecture: str
    weights_sha256: str
    input: InputSpec
    precision: str  # class of arithmetic, such as "fp32"
    preprocessing: int  # version of the decoding and resizing code
    prompts: tuple[tuple[str, str], ...]  # (good, bad) pairs
    logit_scale: float

    def as_dict(self) -> dict[str, object]:
        """The fields as plain values, for JSON."""
        return asdict(self)

    @property
    def tower(self) -> str:
        """Names what an embedding depends on: all but prompts and logit scale. Hex SHA-256."""
        return self._digest({"name", "prompts", "logit_scale"})

    @property
    def key(self) -> str:
        """Names what a score depends on. Hex SHA-256."""
        return self._digest({"name"})

    def _digest(self, without: set[str]) -> str:
        parts = {k: v for k, v in self.as_dict().items() if k not in without}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Missing:
    """Photos that a listing of their directory lacked."""

    folder: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Returned:
    """Photos once missing that are there again, unchanged."""

    folder: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """Photos that are under new paths, as (old, new, fingerprint): the same files, nothing to read."""

    folder: str
    moves: tuple[tuple[str, str, Fingerprint], ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """The whole folder has just been compared with its database."""

    folder: str
    filesystem: str = ""  # its identity where there was no error at all, so that old tombstones may go
    mounts: tuple[tuple[str, str], ...] = ()  # what is mounted inside it: where, and which filesystem


@dataclass(frozen=True, slots=True)
class Appeared:
    """A folder is there whose database is not open: it was away, or its database is another one now."""

    folder: str


@dataclass(frozen=True, slots=True)
class Departed:
    """A folder is not there any more, and its database may be open."""

    folder: str


@dataclass(frozen=True, slots=True)
class Dismissed:
    """The configuration names a folder no more, and nothing of it is under way."""

    folder: str


@dataclass(frozen=True, slots=True)
class Purge:
    """The user wants the rows of missing photos dropped."""

    folder: str
    below: str  # the part that is meant: a subdirectory, relative to the folder; '' is all of it
    tell: Callable[[int], None]  # who waits to hear how many went
    purged: int = 0  # once written down: that many


@dataclass(frozen=True, slots=True)
class Retry:
    """The user wants the unscoreable photos of a folder tried again."""

    folder: str
    below: str  # as in Purge
    forgotten: frozenset[str] = frozenset()  # once written down: the directories of the photos to look at


@dataclass(frozen=True, slots=True)
class Suspected:
    """A device failed while it had these contents."""

    folder: str
    contents: tuple[str, ...]  # SHA-256


# What the committer writes down besides outcomes.
Note = Missing | Returned | Moved | Compared | Appeared | Departed | Dismissed | Retry | Purge | Suspected
