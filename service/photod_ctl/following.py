"""Scoring as the commands show it: followed to its end, or until Ctrl-C."""

from collections.abc import Callable
from enum import Enum
from pathlib import Path

from photod.config import Config
from photod.wire import Progress
from photod_ctl.client import DaemonError
from photod_ctl.progress import Histogram, display
from photod_ctl.scoring import OwnProcess, daemon_has, follow_daemon, interrupts
from photod_ctl.tables import warn


class End(Enum):
    """How it ended."""

    DONE = "done"
    STOPPED = "stopped"  # before all was done; what was done is committed
    LEFT = "left"  # the daemon goes on, and nobody follows


def follow_scoring(
    folder: str,
    settings: Config,
    config_path: Path | None,
    histogram: Callable[[], Histogram] = dict,
    retry: bool = False,
) -> tuple[Progress, End]:
    """Have a daemon that watches the folder score it, or a process of our own; returns the last progress.

    With `retry`, what failed earlier is tried, too. Raises DaemonError.
    """
    if daemon_has(folder, settings):
        return _ask_daemon(folder, settings, histogram, retry)
    return _work(folder, config_path, histogram, retry)


def _ask_daemon(
    folder: str, settings: Config, histogram: Callable[[], Histogram], retry: bool
) -> tuple[Progress, End]:
    """Follow the daemon; Ctrl-C ends the following, and the daemon goes on."""
    last: Progress = {}
    try:
        with display(histogram) as shown:
            for last in follow_daemon(folder, settings, retry):
                shown.show(last)
    except KeyboardInterrupt:
        warn("no longer following; photod goes on by itself, and photod-ctl status shows how far it is")
        return last, End.LEFT
    return last, End.DONE if last.get("phase") == "done" else End.STOPPED


def _work(
    folder: str, config_path: Path | None, histogram: Callable[[], Histogram], retry: bool
) -> tuple[Progress, End]:
    """Score in a process of our own; Ctrl-C has it commit and end."""
    last: Progress = {}
    process = OwnProcess(folder, config_path)
    pressed = 0
    with display(histogram) as shown:

        def stop() -> None:
            nonlocal pressed
            pressed += 1
            process.stop()
            shown.say("stopping: committing what is done" if pressed == 1 else "stopping at once")

        try:
            with interrupts(stop):
                for last in process.follow(retry):
                    shown.show(last)
        except DaemonError:
            if not pressed:
                raise
        finally:
            process.close()
    return last, End.STOPPED if pressed else End.DONE
