"""A device that failed is given time: each start after a failure waits longer than the one before.

systemd's own RestartSteps= does this from version 254 on. The memory is a file in the runtime directory, which
systemd keeps between restarts and removes at a stop; how many starts there may be is the unit's StartLimitBurst.
"""

import os
import time
from pathlib import Path

from photod.errors import EXIT_DEVICE
from photod.logs import get_logger
from photod.systemd import ask_for_time

log = get_logger(__name__)

FIRST_S = 5.0
LONGEST_S = 300.0
FORGOTTEN_S = 3600.0  # a failure this long ago says nothing any more
_FILE = "device-failures"


def wait_after_failures() -> None:
    """Sleep if the device failed at the last starts. Only in a service; nothing is held yet, SIGTERM ends it."""
    failures = len(_recent())
    if not failures:
        return
    delay_s = min(FIRST_S * 2 ** (failures - 1), LONGEST_S)
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
