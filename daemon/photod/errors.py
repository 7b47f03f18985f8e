"""What can go wrong, as classes: each carries its exit code and what the operator can do about it.

Errors are classified by where they were raised, never by the type of what was raised there: a stage wraps
whatever its libraries throw at its boundary. Only output has no such place, since everything prints: `unwritable`.
"""

import errno
import os

EXIT_OK = 0
EXIT_USAGE = 2
EXIT_DEVICE = 69  # EX_UNAVAILABLE
EXIT_BUG = 70  # EX_SOFTWARE
EXIT_DATABASE = 74  # EX_IOERR
EXIT_BUSY = 75  # EX_TEMPFAIL
EXIT_CONFIG = 78  # EX_CONFIG
EXIT_INTERRUPTED = 130  # 128 + SIGINT

FULL = (errno.ENOSPC, errno.EDQUOT)  # a disk, or what a user may have of it
_UNWRITABLE = (*FULL, errno.EFBIG, errno.EIO)


class PhotodError(Exception):
    """An error with a remedy: `str()` is one line that says what is wrong, where, and what to do."""

    exit_code = EXIT_BUG

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem}; {self.remedy}" if self.remedy else self.problem


class UsageError(PhotodError):
    """What was typed cannot be done."""

    exit_code = EXIT_USAGE


class ConfigError(PhotodError):
    """The configuration or the weights are not usable; nothing was started."""

    exit_code = EXIT_CONFIG


class DatabaseError(PhotodError):
    """A database cannot be trusted or written; everything stops, since going on could lose scores."""

    exit_code = EXIT_DATABASE


class BusyError(PhotodError):
    """Another process holds what this one needs."""

    exit_code = EXIT_BUSY


class DeviceError(PhotodError):
    """The device that runs the model failed; its state cannot be trusted, so the process ends."""

    exit_code = EXIT_DEVICE


class BusyDeviceError(DeviceError):
    """The device cannot be had now, and may be later: other programs hold it, or its driver is not ready."""


class DecodeError(Exception):
    """A photo cannot be decoded. Never fatal: `str()` is the reason that the user reads."""


class DecoderKilledError(Exception):
    """What was decoding a photo was killed from outside: nothing is known of the photo. `str()` is for the user."""


def refuse_gone_directory() -> None:
    """Raises UsageError where the current directory is no more: names mean nothing then, and torch crashes."""
    try:
        os.getcwd()
    except FileNotFoundError:
        raise UsageError("the current directory is gone", "cd somewhere else") from None


def unwritable(error: Exception) -> UsageError | None:
    """What to tell where output that no stage answers for could not be written; None where it is something else."""
    if not isinstance(error, OSError) or error.filename is not None or error.errno not in _UNWRITABLE:
        return None
    return UsageError(f"the output cannot be written: {error.strerror}", "make room, or send it elsewhere")
