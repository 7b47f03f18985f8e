"""`photod-ctl pause` and `resume`: have the daemon rest, and go on."""

import re
import time
from typing import Annotated

import typer

from photod_ctl.options import ConfigFile, load

_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d)\s*")


def pause(
    context: typer.Context,
    how_long: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="45m, 2h or 1h30m; then it goes on by itself.")
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Have photod rest: it goes on watching, and scores nothing until photod-ctl resume.

    Example: photod-ctl pause --for 2h
    """
    from photod_ctl.client import tell

    seconds = None if how_long is None else parse_duration(how_long)
    tell(load(context, config), {"command": "pause", "seconds": seconds})
    if seconds is None:
        print("photod rests; photod-ctl resume continues")
    else:
        print(time.strftime("photod rests until %Y-%m-%d %H:%M", time.localtime(time.time() + seconds)))


def resume(context: typer.Context, config: ConfigFile = None) -> None:
    """Have photod go on after a pause.

    Example: photod-ctl resume
    """
    from photod_ctl.client import tell

    resting = tell(load(context, config), {"command": "resume"})["resting"]
    print(f"photod is no longer paused, but still resting ({resting})" if resting else "photod goes on")


def parse_duration(text: str) -> float:
    """Seconds in "90s", "45m", "2h", "1h30m". Raises UsageError."""
    from threading import TIMEOUT_MAX

    from photod.errors import UsageError

    parts = _PART.findall(text)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if not seconds or _PART.sub("", text).strip():
        raise UsageError(f"--for {text or repr(text)} is not a length of time", "write 45m, 2h or 1h30m")
    if seconds > TIMEOUT_MAX:
        most = int(TIMEOUT_MAX / _UNITS["d"])
        raise UsageError(f"--for {text} is too long", f"write {most}d at most, or leave --for out")
    return seconds
