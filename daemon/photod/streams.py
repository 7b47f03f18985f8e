"""The standard streams, which whoever starts a program may have closed."""

import os
import sys


def open_closed_streams() -> None:
    """Lead those of descriptors 0 to 2 that are closed to /dev/null.

    Python has None for their streams, and whatever is opened next would take their place: a database, or a socket.
    """
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest that is free: this one
        if getattr(sys, name) is None:
            stream = open(descriptor, "w" if descriptor else "r", closefd=False)  # noqa: SIM115 - stays open
            setattr(sys, name, stream)
