"""A device is given time: each attempt after a failure waits longer than the one before.

One that others hold is waited for. One that failed wants a new process, and that start waits, as systemd's own
RestartSteps= would from version 254 on. The memory of failures is a file in the runtime directory, which systemd
keeps between restarts and removes at a stop; how many starts there may be is the unit's StartLimitBurst.
"""

import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from photod.errors import EXIT_DEVICE, BusyDeviceError
from photod.logs import get_logger
from photod.systemd import ask_for_time

T = TypeVar("T")

log = get_logger(__name__)

FIRST_S = 5.0
LONGEST_S = 300.0
FORGOTTEN_S = 3600.0  # a failure this long ago says nothing any more
_FILE = "device-failures"


def until_device_is_free(load: Callable[[], T], wait: Callable[[float], None], longest_s: float = math.inf) -> T:
    """What `load` returns, as soon as it raises no BusyDeviceError; others may hold a GPU for hours.

    `wait` lets so many seconds pass; what it raises ends this, as does anything else that `load` raises. After
    `longest_s` in all the BusyDeviceError is raised.
    """
    failures, waited_s = 0, 0.0
    while True:
        try:
            return load()
        except BusyDeviceError as error:
            if waited_s >= longest_s:
                raise
            failures += 1
            delay_s = _delay_s(failures)
            waited_s += delay_s
            log.warning("device_waited_for", reason=str(error), seconds=delay_s)
            ask_for_time(delay_s + LONGEST_S, f"waiting for the device: {error.problem}")
        wait(delay_s)


def wait_after_failures() -> None:
    """Sleep if the device failed at the last starts. Only in a service; nothing is held yet, SIGTERM ends it."""
    failures = len(_recent())
    if not failures:
        return
    delay_s = _delay_s(failures)
    ask_for_time(delay_s + LONGEST_S, f"the device failed {failures} times: waiting {delay_s:.0f} s")
    log.warning("waiting", seconds=delay_s, failures=failures, reason="the device failed")
    time.sleep(delay_s)


def note_end(exit_code: int) -> None:
    """Remember that the device failed."""
    file = _memory()
    if file is None or exit_code != EXIT_DEVICE:
        return
    try:
        file.write_text("\n".join(str(moment) for moment in [*_recent(), time.time()]))
    except OSError as error:  # then the next start does not wait
        log.warning("not_remembered", reason=error.strerror)


def _delay_s(failures: int) -> float:
    return min(FIRST_S * 2.0 ** (failures - 1), LONGEST_S)


def _recent() -> list[float]:
    file = _memory()
    try:
        moments = [float(line) for line in file.read_text().split()] if file else []
    except (OSError, ValueError):
        return []
    return [moment for moment in moments if 0 <= time.time() - moment < FORGOTTEN_S]


def _memory() -> Path | None:
    directory = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    return Path(directory) / _FILE if directory else None
