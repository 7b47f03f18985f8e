"""Ctrl-C before there is anybody to handle it. Imports little, since it goes before all else."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ended_by_ctrl_c() -> Iterator[None]:
    """While inside, Ctrl-C ends the process at once, as it does with programs that know nothing of it.

    Python would raise KeyboardInterrupt in the middle of an import, and print a traceback. Where Ctrl-C is ignored,
    as in the background of a script, it stays so.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGINT, before)
