"""Whether somebody has a file open for writing: asked of the kernel, by a lease that is given back at once."""

import errno
import fcntl
import os
import signal
from enum import Enum

from photod.filesystem import is_remote
from photod.held import open_beside


class Writing(Enum):
    """What the kernel says about a file's writers."""

    NONE = "nobody has it open for writing"
    OPEN = "somebody has"
    UNKNOWN = "not to be found out: another user's file, or a filesystem without leases"


_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOATIME


def probe(location: str) -> Writing:
    """Ask for the file at `location`; takes microseconds, and never blocks on a local filesystem."""
    try:
        descriptor = open_beside(location, _FLAGS)
    except OSError:  # O_NOATIME alone is refused for another user's file, and so would the lease be
        return Writing.UNKNOWN
    try:
        # NFS and SMB answer EAGAIN whenever the server has not lent them the file: it would mean nothing.
        return Writing.UNKNOWN if is_remote(descriptor) else _ask(descriptor)
    finally:
        os.close(descriptor)


def _ask(descriptor: int) -> Writing:
    try:
        # Who opens the file for writing while we hold the lease makes the kernel send us a signal. SIGIO, the
        # default, ends a process that does not expect it; SIGURG is ignored.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return Writing.OPEN if error.errno == errno.EAGAIN else Writing.UNKNOWN
    return Writing.NONE
