"""Walls around the process that decodes: what the kernel allows an ordinary user to give up.

A wall that this kernel lacks is left out, and `close()` says which; none of them is needed to decode. There is no
seccomp filter, because no library for one is kept up to date: landlock already denies opening files, running
programs and tracing, its newer versions TCP and signals too, and the namespace has no network.
"""

import ctypes
import os
import resource
import signal
import struct
import sys
from collections.abc import Callable, Iterable

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
# Numbers of system calls that are the same on every architecture.
_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = 444, 445, 446
_LANDLOCK_VERSION = 1  # flag: answer the version of the interface
_LANDLOCK_PATH = 1  # type of rule: what is allowed beneath a directory
_READ_FILE, _READ_DIRECTORY = 1 << 2, 1 << 3
_MOST_FILES = 64  # open at once
_LIBRARIES = {"/usr", "/lib", "/lib64", "/etc/ld.so.cache"}  # the system's
_LAST_WORDS = 1 << 16  # bytes that the worker may write to its stderr

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """Have the kernel end this process when the thread that started it ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def close(memory_mb: int) -> list[str]:
    """Close the sandbox around this process, for good. Returns what this kernel could not do, in words.

    To be called while the process has one thread. Afterwards: no more than `memory_mb` of address space, no
    file written, no file opened for reading outside Python's own, no network, no new privileges.
    """
    walls: tuple[tuple[str, Callable[[], None]], ...] = (
        ("first to go when memory runs out", _offer_to_oom_killer),
        ("address space limit", lambda: _limit(resource.RLIMIT_AS, memory_mb << 20)),
        ("core file limit", lambda: _limit(resource.RLIMIT_CORE, 0)),
        ("file size limit", lambda: _limit(resource.RLIMIT_FSIZE, _LAST_WORDS)),
        ("open files limit", lambda: _limit(resource.RLIMIT_NOFILE, _MOST_FILES)),
        ("network namespace", _leave_network),
        ("no new privileges", _refuse_privileges),
        ("landlock", lambda: _close_filesystem(_readable_paths())),
    )
    missing = []
    for name, build in walls:
        try:
            build()
        except (OSError, ValueError) as error:
            missing.append(f"{name}: {error}")
    return missing


def limit_cpu(seconds: float) -> None:
    """Let this process use that much more processor time; past it, the kernel ends it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime + seconds) + 1
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (until, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    except (OSError, ValueError):
        pass  # forbidden here, or beyond the limit of the whole service: the parent's clock remains


def landlock_version() -> int:
    """Which interface of landlock this kernel has. Raises OSError if it has none."""
    return _call(_libc.syscall, _LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION)


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


def _call(function: Callable[..., int], *arguments: object) -> int:
    answer = function(*arguments)
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return answer


def _offer_to_oom_killer() -> None:
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as adjustment:
        adjustment.write("1000")


def _leave_network() -> None:
    """An own network namespace, with nothing in it, not even a loopback that is up."""
    _call(_libc.unshare, _CLONE_NEWUSER | _CLONE_NEWNET)


def _refuse_privileges() -> None:
    _call(_libc.prctl, _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _close_filesystem(readable: Iterable[str]) -> None:
    """Landlock: every access to files, TCP, and other processes' sockets and signals is denied, but reading
    beneath `readable`. What is open already stays open."""
    version = landlock_version()
    # Each version of the interface knows more rights; a ruleset may only name those that the kernel knows.
    files = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    network = 0b11 if version >= 4 else 0  # bind, connect
    scope = 0b11 if version >= 6 else 0  # abstract sockets, signals
    rights = struct.pack("QQQ", files, network, scope)[: 24 if version >= 6 else 16 if version >= 4 else 8]
    ruleset = _call(_libc.syscall, _LANDLOCK_CREATE_RULESET, rights, len(rights), 0)
    try:
        for path in readable:
            _allow_reading(ruleset, path)
        _call(_libc.syscall, _LANDLOCK_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow_reading(ruleset: int, path: str) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # not there: nothing to allow
    try:
        allowed = _READ_FILE | _READ_DIRECTORY if os.path.isdir(path) else _READ_FILE
        rule = struct.pack("=Qi", allowed, place)
        _call(_libc.syscall, _LANDLOCK_ADD_RULE, ruleset, _LANDLOCK_PATH, rule, 0)
    finally:
        os.close(place)


def _readable_paths() -> set[str]:
    """Where Python and its libraries are: what is imported only when it is needed must still be found.

    Some Pythons have the shared libraries of others' modules below their prefix, too (conda).
    """
    told = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    return {sys.base_prefix, *sys.path, *told} | _LIBRARIES
