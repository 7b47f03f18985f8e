"""`photod init`: decides what is to be done, and shows it or does it."""

import argparse
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from photod.config import DATABASE_DIRECTORY, LOCAL_DIR, Config, Folder, load_config, parse_config, state_directory
from photod.errors import ConfigError, UsageError
from photod.files import closed_at
from photod.folders import choose_folders, plain_folder, why_none
from photod.photos import BUILTIN
from photod.score.sources import HUB
from photod.setup.dropin import system_dropin, user_dropin
from photod.setup.place import CACHE, HUB_CACHE, SERVICE_USER, Place, account, owner_of, system_place, user_place
from photod.setup.settings import with_folders
from photod.setup.steps import Ask, MakeDirectory, Remove, RemoveTree, Run, Step, Write
from photod.systemd import is_booted

NVIDIA = Path("/dev/nvidiactl")


def init(arguments: argparse.Namespace) -> None:
    """Do what was typed. Raises UsageError and ConfigError."""
    place = system_place() if arguments.system else user_place()
    if arguments.system and os.geteuid() != 0 and not arguments.dry_run:
        raise UsageError("photod init --system writes below /etc", "call it with sudo, or use --user")
    if arguments.run_as and not arguments.system:
        raise UsageError("--as is for --system: your own service runs as you", "leave it away, or use --system")
    if arguments.uninstall and arguments.folders:
        raise UsageError("--uninstall takes the whole service back, not a folder", "leave the folder away")
    steps = list(_uninstall(place) if arguments.uninstall else _install(place, arguments))
    if arguments.dry_run:
        print("\n".join(step.show() for step in steps))
        return
    ask: Ask = (lambda _: True) if arguments.yes else _ask
    if place.system:
        os.umask(0o022)  # the service, which is another user, reads what root writes
    try:
        for step in steps:
            step.do(ask, print)
    except OSError as error:
        raise ConfigError(f"cannot write {error.filename}: {error.strerror}") from error
    if arguments.uninstall:
        print(
            f"photod is no service any more. The scores are where they were, in each folder's {DATABASE_DIRECTORY}."
        )
        return
    if arguments.weights and arguments.weights != BUILTIN:
        _fetch_weights(place)
    _say_what_next(place)


def _install(place: Place, arguments: argparse.Namespace) -> Iterator[Step]:
    folders = [_folder(path) for path in arguments.folders]
    weights = _weights(arguments.weights) if arguments.weights else None
    before = _written(place.config)
    text = with_folders(before, folders, weights)
    config = parse_config(tomllib.loads(text), str(place.config))
    if not config.folders:
        raise UsageError(f"no folder is named, and none is configured in {place.config}", "name one or more")
    choose_folders(config, None)  # refuses folders within one another
    # Where a link to it leads, as from a home to what keeps its settings; what only its owner may read stays so.
    yield Write(place.config.resolve(), text, keep_mode=not place.system)
    if place.system:
        yield from _install_system(place, config, arguments)
    else:
        yield Write(place.unit, _shipped("photod-user.service"))
        yield Write(place.folders_dropin, user_dropin(_command(place)))
        yield from _scores(config, None)
    yield Run((*place.control, "daemon-reload"), may_fail=not place.system)  # no user manager: read when there is


def _install_system(place: Place, config: Config, arguments: argparse.Namespace) -> Iterator[Step]:
    user = arguments.run_as or owner_of(config.folders)
    scores = list(_scores(config, user))
    if user != SERVICE_USER or (scores and not is_booted()):  # else systemd-sysusers makes it in time
        account(user)
    yield Write(place.unit, _shipped("photod.service"))
    yield Write(place.snippets["tmpfiles.conf"], _shipped("tmpfiles.conf"))
    if user == SERVICE_USER:
        yield Write(place.snippets["sysusers.conf"], _shipped("sysusers.conf"))
        yield Run(("systemd-sysusers", str(place.snippets["sysusers.conf"])))
    if NVIDIA.exists():
        yield Write(place.gpu_dropin, _shipped("gpu.conf"))
    dropin = system_dropin(_command(place), user, _code(config), config.folders, _fstab(place))
    yield Write(place.folders_dropin, dropin)
    yield from scores


def _fstab(place: Place) -> str:
    """The table of drives; empty where there is none, or nobody but root may read it, as in a dry run."""
    try:
        return (place.etc / "fstab").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _scores(config: Config, user: str | None) -> Iterator[Step]:
    """The `.photod` of each folder that keeps its scores: the unit may write there only if it is there."""
    for folder in config.folders:
        if folder.holds_database:
            # setgid: the databases in it belong to the group, whose members may read them.
            mode = 0o2770 if user == SERVICE_USER else 0o700
            yield MakeDirectory(folder.path / DATABASE_DIRECTORY, user, mode)


def _uninstall(place: Place) -> Iterator[Step]:
    yield Run((*place.control, "disable", "--now", "photod.service"), may_fail=True)
    for path in (place.folders_dropin, place.gpu_dropin, place.unit, *place.snippets.values()):
        if path.exists():
            yield Remove(path)
    if place.config.exists():
        yield Remove(place.config, ask=True)
    if place.system and CACHE.is_dir():
        yield RemoveTree(CACHE, "the weights that were downloaded")
    yield Run((*place.control, "daemon-reload"), may_fail=not place.system)


def _written(config: Path) -> str | None:
    """The configuration that is there, as text. Raises ConfigError."""
    try:
        return config.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"cannot read {config}: {error.strerror}", "check its permissions") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{config} is not valid TOML: {error}") from error


def _folder(path: Path) -> Folder:
    folder = plain_folder(path)
    if not str(folder.path).isprintable():  # such as bytes that are no UTF-8
        raise UsageError(f"{str(folder.path)!r} cannot be named in a configuration", "rename it")
    if not os.path.isdir(folder.path) or closed_at(folder.path):
        problem, remedy = why_none(folder.path)
        raise UsageError(problem, f"{remedy} first")
    return folder


def _weights(typed: str) -> str:
    """What a service is told, which has another directory and maybe another home than whoever types.

    Raises UsageError for a file or directory that is not there; tags, and what is on the hub, come later.
    """
    place = os.path.expanduser(typed.removeprefix(LOCAL_DIR))
    if typed.startswith(LOCAL_DIR):
        if not os.path.isdir(place):
            raise UsageError(f"--weights: {place} is no directory, or closed to this user", "check the path")
        return LOCAL_DIR + os.path.abspath(place)
    if "/" not in place or place.startswith(HUB):
        return typed
    if not os.path.isfile(place):
        problem = f"--weights: {place} is no file, or closed to this user"
        raise UsageError(problem, f"check the path, or write {HUB}OWNER/NAME for the hub")
    return os.path.abspath(place)


def _command(place: Place) -> list[str]:
    """How the service starts this very program."""
    script = Path(sys.executable).with_name("photod")
    program = [str(script)] if script.exists() else [sys.executable, "-P", "-m", "photod"]
    return [*program, "run", "--config", str(place.config)]


def _code(config: Config) -> list[Path]:
    """Where the program is: Python, its packages, the weights."""
    weights = Path(os.path.expanduser(config.model.weights.removeprefix(LOCAL_DIR)))
    places = [Path(sys.prefix), Path(sys.base_prefix), *(Path(place) for place in sys.path if place), weights]
    named = [place for place in places if place.is_absolute() and place.exists()]
    found = list(dict.fromkeys([*named, *(place.resolve() for place in named)]))
    return [path for path in found if not any(path != other and path.is_relative_to(other) for other in found)]


def _shipped(name: str) -> str:
    return (files("photod.setup") / "units" / name).read_text(encoding="utf-8")


def _ask(question: str) -> bool:
    try:
        return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        return False


def _fetch_weights(place: Place) -> None:
    """Bring the weights to where the service looks for them: it has no network. Blocks for minutes."""
    if place.system:  # as in the unit
        os.environ["HF_HOME"] = str(HUB_CACHE)
    from photod.score import download

    download(load_config(place.config).model, state_directory(), print)


def _say_what_next(place: Place) -> None:
    sudo = "sudo " if place.system else ""
    control = sudo + " ".join(place.control)
    ask = [*place.control, "is-active", "--quiet", "photod.service"]
    running = is_booted() and subprocess.run(ask, check=False).returncode == 0
    verb = "restart" if running else "enable --now"
    print(f"\nNow type:\n    {control} {verb} photod\n    {Path(sys.executable).with_name('photod-ctl')} status")
    if not place.system:
        print("To have it run while you are not logged in:\n    loginctl enable-linger")
    elif f"User={SERVICE_USER}" in place.folders_dropin.read_text(encoding="utf-8").splitlines():
        print(
            "It runs as the user photod, who must be able to read the photos.\nTo let somebody speak to it:\n"
            "    sudo usermod -aG photod NAME"
        )
