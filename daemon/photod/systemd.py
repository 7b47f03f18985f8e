"""Talking to the service manager: sd_notify, which is one datagram."""

import os
import socket
import time
from pathlib import Path


def is_booted() -> bool:
    """Whether systemd runs this machine: not in most containers, nor where an image is being built."""
    return Path("/run/systemd/system").is_dir()


def notify(*assignments: str) -> None:
    """Send assignments such as "READY=1" to systemd; does nothing where nobody listens."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    name = "\0" + address[1:] if address.startswith("@") else address
    # One line each: the name of a folder must not be able to say READY=1.
    lines = (" ".join(assignment.splitlines()) for assignment in assignments)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
        try:
            manager.sendto("\n".join(lines).encode("utf-8", "replace"), name)
        except OSError:
            pass  # the manager went away; there is nobody to tell


def notify_reloading() -> None:
    """Say that a reload begins; READY=1 ends it. With the time, as Type=notify-reload wants it."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")


def ask_for_time(seconds: float, status: str) -> None:
    """Have the manager wait so much longer, from now, for the start or the stop that is under way."""
    notify(f"EXTEND_TIMEOUT_USEC={int(seconds * 1e6)}", f"STATUS={status}")


def watchdog_s() -> float | None:
    """How often at least the manager wants a sign of life; None where it does not ask."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        return int(os.environ["WATCHDOG_USEC"]) / 1e6
    except (KeyError, ValueError):
        return None
