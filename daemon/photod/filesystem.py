"""What a file or directory lies on, by statfs: its identity, and what may not be relied on there."""

import ctypes
import os
import re
import threading
import time
from contextlib import suppress
from pathlib import Path

# Filesystems of a network, by statfs type.
SHARED = frozenset({
    0x6969,  # NFS
    0x517B, 0xFE534D42, 0xFF534D42,  # SMB, SMB2, CIFS
    0x00C36400,  # Ceph
    0x0BD00BD0,  # Lustre
    0x5346414F, 0x6B414653,  # AFS
})  # fmt: skip
# Those whose files other machines or programs change behind the kernel's back.
REMOTE = SHARED | {
    0x65735546,  # FUSE: sshfs, rclone, ntfs-3g, mergerfs
    0x01021997,  # 9p: virtual machines
    0x786F4256,  # VirtualBox shared folders
}
TMPFS = 0x01021994
FAT = frozenset({0x4D44, 0x2011BAB0})  # and exFAT
# Filesystems that number their files anew at each mount, or whenever the kernel forgets one.
RENUMBERING = FAT | {0x65735546, 0x786F4256}  # FUSE: some of them, as sshfs, rclone and exfat-fuse; VirtualBox


class _Statfs(ctypes.Structure):
    """struct statfs of the 64-bit ABIs, see statfs(2)."""

    _fields_ = (
        ("type", ctypes.c_long),
        ("counts", ctypes.c_ulong * 6),
        ("fsid", ctypes.c_uint32 * 2),
        ("rest", ctypes.c_long * 16),
    )


_ESCAPED = re.compile(rb"\\([0-7]{3})")  # spaces and such, in the kernel's tables
_libc = ctypes.CDLL(None, use_errno=True)

ANSWER_S = 5.0  # that a filesystem is given to answer
_asked: dict[str, tuple[threading.Thread, float]] = {}  # place -> who asks, and until when it is waited for

DRIVES = "/sys/dev/block"  # where the kernel lists the drives that are there, by their numbers


def filesystem_type(place: str | int) -> int:
    """The magic number of the filesystem at a path or behind a descriptor. Raises OSError."""
    return int(_ask(place).type) & 0xFFFFFFFF


def answers(place: str) -> bool:
    """Whether the filesystem at a path answers, if only that nothing is there. Blocks for ANSWER_S at most.

    A network drive whose server is gone may never answer, and whoever asks it waits where no signal is heard. So a
    thread asks, and nobody asks again before it has its answer.
    """
    thread, until = ask(place)
    thread.join(max(0.0, until - time.monotonic()))
    if thread.is_alive():
        return False
    _asked.pop(place, None)  # of the paths that clients name there is no end
    return True


def ask(place: str) -> tuple[threading.Thread, float]:
    """Have the filesystem at a path asked, so that several are waited for together: who asks, and until when."""
    asked = _asked.get(place)
    if asked is None or not asked[0].is_alive():
        thread = threading.Thread(target=is_remote, args=(place,), daemon=True)
        thread.start()
        asked = _asked[place] = thread, time.monotonic() + ANSWER_S
    return asked


def real_path(path: str) -> Path:
    """Where a path leads; as it stands, where its filesystem does not answer."""
    return Path(os.path.realpath(path) if answers(path) else os.path.abspath(path))


def filesystem_identity(path: str) -> str:
    """Names the filesystem at `path` across restarts, as far as it has a name. Raises OSError."""
    answer = _ask(path)
    return f"{answer.type & 0xFFFFFFFF:x}:{answer.fsid[0]:08x}{answer.fsid[1]:08x}"


def mounts_below(directory: str) -> dict[str, str]:
    """The mount points below a directory, relative to it, and the identity of what is mounted there.

    Where something is mounted at the first look only (autofs), nothing is until then. Raises OSError.
    """
    above = os.path.realpath(directory).rstrip("/") + "/"
    found: dict[str, str] = {}
    with open("/proc/self/mountinfo", "rb") as table:
        for line in table:
            told, _, filesystem = line.partition(b" - ")
            place = os.fsdecode(_ESCAPED.sub(lambda octal: bytes([int(octal[1], 8)]), told.split(b" ")[4]))
            if place.startswith(above) and not filesystem.startswith(b"autofs "):
                with suppress(OSError):  # it cannot be looked at: as good as away
                    found[place.removeprefix(above)] = filesystem_identity(place)
    return found


def is_remote(place: str | int) -> bool:
    """Whether events of changes there may be missing for good; so too where that cannot be found out."""
    try:
        return filesystem_type(place) in REMOTE
    except OSError:
        return True


def is_shared(place: str) -> bool:
    """Whether other machines may write there at the same time, as far as can be found out."""
    try:
        return filesystem_type(place) in SHARED
    except OSError:
        return False


def drive_of(path: str) -> int | None:
    """The number of the drive that a path lies on; None where the kernel lists none, or nothing is there."""
    try:
        number = os.stat(path).st_dev
    except OSError:
        return None
    return number if is_plugged_in(number) else None


def is_plugged_in(drive: int) -> bool:
    """Whether a drive is there: one that was pulled out may stay mounted, though nothing can be read of it."""
    return os.path.exists(f"{DRIVES}/{os.major(drive)}:{os.minor(drive)}")


def _ask(place: str | int) -> _Statfs:
    answer = _Statfs()
    if isinstance(place, int):
        failed = _libc.fstatfs(place, ctypes.byref(answer))
    else:
        failed = _libc.statfs(os.fsencode(place), ctypes.byref(answer))
    if failed:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), place)
    return answer
