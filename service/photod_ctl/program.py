"""`photod-ctl`: finds the command, and turns every error into one line and an exit code."""

import gc
import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer
import typer.core

from photod.errors import (
    EXIT_BUG,
    EXIT_INTERRUPTED,
    EXIT_USAGE,
    PhotodError,
    UsageError,
    refuse_gone_directory,
    unwritable,
)
from photod.streams import open_closed_streams
from photod_ctl.options import ConfigFile

# Imported when called: a command pays for itself alone.
COMMANDS = {
    "rate": "photod_ctl.rate",
    "top": "photod_ctl.top",
    "slideshow": "photod_ctl.slideshow.command",
    "stats": "photod_ctl.stats",
    "show": "photod_ctl.show",
    "failed": "photod_ctl.failed",
    "status": "photod_ctl.status",
    "export": "photod_ctl.export",
    "rescan": "photod_ctl.rescan",
    "purge": "photod_ctl.purge",
    "release": "photod_ctl.release",
    "pause": "photod_ctl.pause",
    "resume": "photod_ctl.pause",
    "verify": "photod_ctl.verify",
    "backup": "photod_ctl.backup",
    "demo": "photod_ctl.demo.command",
}
DEBUG = "PHOTOD_DEBUG"
_HELP = """Scores for your photos, best first.

The scores come from photod, the daemon; without one, `photod-ctl rate FOLDER` does the work itself.
"""
_EPILOGUE = """Exit codes: 0 done; 2 what was typed cannot be done; 69 the device that runs the model failed;
70 a bug; 74 a database cannot be used; 75 another process holds it, or photod does not answer; 78 the configuration
or the weights are not usable; 130 interrupted.
"""


class _Command(typer.core.TyperCommand):
    """A command whose help calls an argument by its name alone, not by Python's type as well."""

    def get_params(self, ctx: Any) -> list[Any]:
        params: list[Any] = super().get_params(ctx)
        for param in params:
            if param.param_type_name == "argument":
                param.display_type_rich = lambda ctx: ""
        return params


def main() -> None:
    """Run one command and exit."""
    try:
        code = _code_of(sys.argv[1:])
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    _end(code)


def _code_of(arguments: list[str]) -> int:
    """Run one command; its exit code, whatever comes of it but Ctrl-C."""
    gc.set_threshold(100_000)  # imports make much that stays: looking for garbage in it costs a tenth of the start
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # it has none, and seeking them takes 5 ms
    open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # they are text streams
    try:
        refuse_gone_directory()
        code = _run(arguments)
        sys.stdout.flush()
        return code
    except PhotodError as error:
        return _complain(error)
    except BrokenPipeError:  # nobody reads on: `photod-ctl top | head -1`
        return 0
    except Exception as error:  # a bug, or a full disk; people are spared the traceback, who reports it is not
        if DEBUG in os.environ:
            raise
        return _complain(unwritable(error) or _bug(error))


def _run(arguments: list[str]) -> int:
    app = assemble(arguments)
    try:
        outcome = app(args=arguments, prog_name="photod-ctl", standalone_mode=False)
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # which typer takes for a failure
            raise end.__context__ from None
        return end.code if isinstance(end.code, int) else EXIT_BUG
    except Exception as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            error.show()  # type: ignore[attr-defined]
            return EXIT_USAGE
        if hasattr(error, "format_message"):  # click's; which module has them differs from typer to typer
            raise _mistyped(error, arguments) from None
        if isinstance(error, OSError) and "--install-completion" in arguments:
            problem = f"cannot write {error.filename}: {error.strerror}"
            raise UsageError(problem, "make it writable, or put what --show-completion prints elsewhere") from None
        raise
    if outcome == 1:  # no code of ours: typer does not know the shell that asks for completion, and has said so
        return EXIT_USAGE
    return outcome if isinstance(outcome, int) else 0


def _mistyped(error: Any, arguments: list[str]) -> UsageError:
    """What typer says of arguments that it refuses, as one line with a remedy."""
    words = str(error.format_message()).strip().rstrip(".?")
    context = getattr(error, "ctx", None)  # an option without its argument has none
    command = context.command_path if context else " ".join(("photod-ctl", *_called(arguments)))
    return UsageError(" ".join((words[:1].lower() + words[1:]).split()), f"see {command} --help")


def assemble(arguments: list[str]) -> typer.Typer:
    """The application with the one command that is called; with all of them where help or completion is."""
    app = typer.Typer(
        help=_HELP, epilog=_EPILOGUE, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )  # fmt: skip
    app.callback()(_global_options)
    for name in _called(arguments) or COMMANDS:
        module = import_module(COMMANDS[name])
        command = getattr(module, name)
        # As typer would make it of the docstring, but whole: in the list of all commands it would cut it.
        summary = " ".join((command.__doc__ or "").partition("\n\n")[0].split())  # python -OO keeps none
        app.command(name, cls=_Command, epilog=_EPILOGUE, short_help=summary or None)(command)
    return app


def _called(arguments: list[str]) -> list[str]:
    """The command that is called, if it is a known one; none where the shell asks for completions."""
    words = iter([] if "_PHOTOD_CTL_COMPLETE" in os.environ else arguments)
    for word in words:
        if word == "--config":
            next(words, None)
        elif not word.startswith("-"):
            return [word] if word in COMMANDS else []
    return []


def _tell_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(version("photod"))
        raise typer.Exit


def _global_options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_tell_version, help="Show the version and exit.")
    ] = False,
    config: ConfigFile = None,
) -> None:
    context.obj = config


def _bug(error: Exception) -> PhotodError:
    return PhotodError(f"a bug: {type(error).__name__}: {error}", f"please report it, with {DEBUG}=1 set")


def _complain(error: PhotodError) -> int:
    from photod_ctl.tables import warn

    warn(str(error))
    return error.exit_code


def _end(code: int) -> NoReturn:
    """End at once: all is written and closed by now, and taking the modules apart costs a sixth of `top`."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # what could not be written has been told
            stream.flush()
    os._exit(code)
