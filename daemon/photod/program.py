"""The program: `photod run`, `photod init` and `photod check`. Maps a fatal error to its exit code."""

import argparse
import faulthandler
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import FrameType

from photod.config import load_config, state_directory
from photod.errors import (
    EXIT_BUG,
    EXIT_INTERRUPTED,
    EXIT_OK,
    PhotodError,
    refuse_gone_directory,
    unwritable,
)
from photod.journal import escaped
from photod.logs import configure_logs, tell
from photod.patience import note_end, wait_after_failures
from photod.setup.place import share_weights
from photod.streams import open_closed_streams
from photod.systemd import notify

MANY_FILES = 1 << 16  # where the system sets no limit

EXIT_CODES = """exit codes:
  0   done, or stopped as asked
  2   what was typed cannot be done
  69  the device failed: see the message; starting again is safe
  70  a bug in photod: please report the traceback
  74  a database or its disk failed, or says what is not true: do what the message says before starting again
  75  another process holds the folder, its database or the socket
  78  the configuration or the weights are not usable: nothing was started
  130 interrupted
"""


def main() -> None:
    """Run the command line and exit."""
    try:
        code = _code_of_run()
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    note_end(code)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # it has been told, or nobody reads on
            stream.flush()
    # Everything worth keeping is committed. Unwinding torch and daemon threads could only hang or crash.
    os._exit(code)


def _code_of_run() -> int:
    """Run the command line; its exit code, whatever comes of it but Ctrl-C."""
    open_closed_streams()
    _allow_many_files()
    try:
        refuse_gone_directory()
        arguments = _parser().parse_args()
        arguments.command(arguments)
        return EXIT_OK
    except PhotodError as error:
        tell(f"photod: {escaped(str(error))}\n")
        notify(f"STATUS={escaped(str(error))}")  # what `systemctl status` shows of a unit that failed
        return error.exit_code
    except Exception:
        tell(traceback.format_exc())
        return EXIT_BUG


def _allow_many_files() -> None:
    """Have as many files open as the system lets us: a folder takes six, so the usual 1,024 end at 170 folders.

    That is usual for the sake of programs that call select(), which photod does not.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MANY_FILES if hard == resource.RLIM_INFINITY else min(hard, MANY_FILES)
    if 0 <= soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _run(arguments: argparse.Namespace) -> None:
    config = load_config(arguments.config)
    share_weights(arguments.config)
    configure_logs(config.log.level, config.log.format)
    wait_after_failures()
    from photod.daemon import Daemon  # imports much: a wrong argument is answered without

    read_config = partial(load_config, arguments.config)
    daemon = Daemon(config, once=arguments.once, client=arguments.client, read_config=read_config)

    signals: list[int] = []  # not what the daemon knows: it may be ending by itself already

    def on_signal(number: int, _: FrameType | None) -> None:
        signals.append(number)
        if len(signals) > 1:
            os._exit(128 + number)  # at once
        daemon.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    # A terminal that goes away ends what was started in it; a service is told to read its configuration again.
    in_terminal = arguments.once is not None or arguments.client is not None or sys.stdin.isatty()
    if not in_terminal:
        signal.signal(signal.SIGHUP, lambda *_: daemon.reload())
    elif signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup has it
        signal.signal(signal.SIGHUP, on_signal)
    faulthandler.enable()  # SIGABRT, as the watchdog sends it: say where each thread is
    daemon.run()


def _check(arguments: argparse.Namespace) -> None:
    config = load_config(arguments.config)
    configure_logs(config.log.level, config.log.format)
    share_weights(arguments.config, download=arguments.download)
    from photod.check import check
    from photod.score import download

    if arguments.download:
        os.umask(0o022)  # weights are for everybody who runs photod
        download(config.model, state_directory(), print)
    fault = None
    with _output():
        fault = check(config)
    if fault is not None:
        raise fault


def _init(arguments: argparse.Namespace) -> None:
    from photod.setup.command import init

    with _output():
        init(arguments)


@contextmanager
def _output() -> Iterator[None]:
    """Around what prints a report. Nobody need read it to its end (`photod check | head -1`). Raises UsageError."""
    try:
        with suppress(BrokenPipeError):
            yield
            sys.stdout.flush()
    except OSError as error:
        raise unwritable(error) or error from None


def _inherited_socket(number: str) -> socket.socket:
    try:
        return socket.socket(fileno=int(number))
    except (OSError, ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{number} is no socket that was inherited") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="photod",
        description="Scores photographs as they land and remembers the scores.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version("photod"))
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, does: str, example: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            help=does,
            description=f"{does[0].upper()}{does[1:]}.",
            epilog=f"example: {example}\n\n{EXIT_CODES}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    run = add(
        "run",
        "watch the configured folders and score what lands, in the foreground",
        "photod run --once ~/Pictures",
    )
    run.set_defaults(command=_run)
    run.add_argument("--once", type=Path, metavar="FOLDER", help="score one folder and end")
    # What photod-ctl rate speaks to the daemon over: see control.py.
    run.add_argument("--control-fd", dest="client", type=_inherited_socket, help=argparse.SUPPRESS)
    check = add(
        "check",
        "check configuration, folders, databases, model and sandbox, and say what is found",
        "photod check",
    )
    check.set_defaults(command=_check)
    check.add_argument(
        "--download", action="store_true", help="fetch the configured weights first; the daemon itself never does"
    )
    init = add("init", "make photod a service of systemd, or take that back", "photod init --user ~/Pictures")
    _add_init(init)
    for command in (run, check):
        command.add_argument(
            "--config", type=Path, metavar="FILE", help="instead of $PHOTOD_CONFIG, XDG, /etc/photod"
        )
    return parser


def _add_init(init: argparse.ArgumentParser) -> None:
    init.set_defaults(command=_init)
    kind = init.add_mutually_exclusive_group(required=True)
    kind.add_argument("--system", action="store_true", help="a service of the machine, walled in; needs root")
    kind.add_argument("--user", action="store_true", help="a service of your own")
    init.add_argument(
        "folders", nargs="*", type=Path, metavar="FOLDER", help="folders to watch, besides known ones"
    )
    init.add_argument("--as", dest="run_as", metavar="USER", help="--system: who runs it, else the folders' owner")
    init.add_argument("--weights", metavar="WEIGHTS", help="the model to use; fetched if it is not on this machine")
    init.add_argument("--dry-run", action="store_true", help="show what would be done")
    init.add_argument("--uninstall", action="store_true", help="take it all back, but the scores")
    init.add_argument("--yes", action="store_true", help="do not ask before changing files")
