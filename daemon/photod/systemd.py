"""Talking to the service manager: sd_notify, which is one datagram."""

import os
import socket


def notify(*assignments: str) -> None:
    """Send assignments such as "READY=1" to systemd; does nothing where nobody listens."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    name = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
        try:
            manager.sendto("\n".join(assignments).encode(), name)
        except OSError:
            pass  # the manager went away; there is nobody to tell
