"""`photod-ctl status`: what the daemon does, or what the databases know without one."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from photod.processes import resident_bytes
from photod_ctl.options import ConfigFile, Json, at_most_one, load

if TYPE_CHECKING:
    from photod.config import Config

FOLLOW_S = 1.0
UNREADABLE = 5  # are named for each folder
_CLEAR = "\x1b[H\x1b[2J"


def status(
    context: typer.Context,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Again every second, until Ctrl-C.")] = False,
    prometheus: Annotated[
        bool, typer.Option("--prometheus", help="As text for node_exporter's textfile collector.")
    ] = False,
    as_json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Show whether photod runs, what it does, and how far each folder is.

    Without a daemon it reads the databases of the configured folders.

    Example: photod-ctl status --follow
    """
    at_most_one({"--prometheus": prometheus, "--json": as_json})
    at_most_one({"--prometheus": prometheus, "--follow": follow})
    settings = load(context, config)
    if prometheus:
        from photod_ctl.prometheus import prometheus_text

        print(prometheus_text(_answer(settings)), end="")
        return
    _show(settings, as_json, follow)
    while follow:
        time.sleep(FOLLOW_S)
        _show(settings, as_json, follow, again=True)


def _show(settings: "Config", as_json: bool, follow: bool, again: bool = False) -> None:
    from photod_ctl.progress import can_draw_over
    from photod_ctl.tables import print_json

    answer = _answer(settings)
    if as_json:
        print_json(answer, one_line=follow)
    else:
        if again and can_draw_over(sys.stdout):
            print(_CLEAR, end="")
        _print(answer, paged=not follow)
    sys.stdout.flush()  # in a pipe, too, each answer comes when it is given


def _answer(settings: "Config") -> dict[str, Any]:
    """A photod.wire.Status, the daemon's or what stands for it; `refused`: whom one answers that we may not ask."""
    from photod_ctl.client import ask, refusal

    answer = ask(settings, {"command": "status"})
    if answer is None:
        from photod_ctl.offline import offline_status

        answer = {**offline_status(settings), "refused": refusal(settings)}
    return answer


def _print(status: dict[str, Any], paged: bool = True) -> None:
    from photod_ctl.tables import print_fields, warn

    model = status["model"]
    name = f"{model['name']} ({model['architecture']})" if model else ""
    rescored = ("scored anew", _rescored(status["folders"]))
    work = _work(status) if status["running"] else []
    print_fields([("photod", _running(status)), ("model", name), rescored, *work])
    if status["folders"]:
        print()
        _print_folders(status["folders"], at_rest=bool(status.get("paused")), paged=paged)
    elif not status["running"]:
        warn("no folder is configured; photod-ctl rate FOLDER scores one now")
    errors = status.get("last_errors", [])
    if errors:
        print()
        _print_errors(errors)
    for folder in status["folders"]:
        _tell_unreadable(folder, {error["path"] for error in errors})
        for path in folder["unstable"]:
            warn(f"{path} keeps changing; looked at every few minutes")
        if folder["watched_by"] == "partly":
            warn(f"{folder['path']} is compared every few minutes: not all of it can be watched;"
                 " raise fs.inotify.max_user_watches with sysctl")  # fmt: skip


def _tell_unreadable(folder: dict[str, Any], told: set[str]) -> None:
    """Some of what could not be read, besides what was told, and how much more there is."""
    from photod_ctl.tables import warn

    unreadable = {photo["path"]: photo["reason"] for photo in folder["unreadable"]}
    paths = sorted(unreadable.keys() - told)
    for path in paths[:UNREADABLE]:
        warn(f"cannot read {path}: {unreadable[path]}")
    if len(paths) > UNREADABLE:
        warn(f"nor {len(paths) - UNREADABLE:,} more in {folder['path']}")


def _running(status: dict[str, Any]) -> str:
    if not status["running"]:
        return status.get("refused") or "not running"
    paused = ", paused" if status["paused"] else ""
    if status["resting"]:
        paused = f", resting ({status['resting']})"
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(status["started_at"]))
    return f"running since {since}, process {status['pid']}, version {status['version']}{paused}"


def _rescored(folders: list[dict[str, Any]]) -> str:
    """How far the current model is with the photos of earlier ones; empty where it has scored them all."""
    stale = sum(folder["stale"] or 0 for folder in folders)
    total = stale + sum(folder["scored"] or 0 for folder in folders)
    return f"{total - stale:,} of {total:,} photos ({(total - stale) / total:.1%}), newest first" if stale else ""


def _work(status: dict[str, Any]) -> list[tuple[str, str]]:
    from photod_ctl.progress import duration

    rate, pending = status["rate"], sum(folder["pending"] or 0 for folder in status["folders"])
    works = pending and rate and not status["paused"]
    memory = sum(map(resident_bytes, _family(status["pid"])))
    held = status.get("device_memory", {})
    return [
        ("devices", ", ".join(status["devices"])),
        ("queue", ", ".join(f"{count:,} {stage}" for stage, count in status["queue"].items())),
        ("rate", f"{rate:.1f} photos a second over the last minute"),
        ("time left", duration(pending / rate) if works else ""),
        ("median", "" if status["median"] is None else f"{status['median']:.2f} of all scores so far"),
        ("memory", f"{memory >> 20:,} MB" if memory else ""),
        (
            "device memory",
            ", ".join(f"{size >> 20:,} MB of {name}" for name, size in held.items() if size is not None),
        ),
    ]


def _family(pid: int) -> Iterator[int]:
    """The process and all that it has started."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:  # it has just ended
            continue
        for child in children:
            yield from _family(int(child))


def _print_folders(folders: list[dict[str, Any]], at_rest: bool, paged: bool) -> None:
    from photod_ctl.tables import Cell, Column, print_table

    columns = (
        Column("folder", wide=True), Column("state"), Column("watched", goes=2), Column("compared", goes=1),
        Column("pending", right=True, goes=5), Column("scored", right=True),
        Column("stale", right=True, goes=4), Column("failed", right=True, goes=6),
        Column("missing", right=True, goes=3),
    )  # fmt: skip
    rows = [
        (
            Cell(folder["path"], link=folder["path"]),
            "waiting" if at_rest and folder["state"] == "scoring" else folder["state"],
            folder["watched_by"] or "no",
            "" if folder["state"] == "absent" else _compared(folder["compared_at"]),
            *(
                "" if folder[name] is None else f"{folder[name]:,}"
                for name in ("pending", "scored", "stale", "unscoreable", "missing")
            ),
        )
        for folder in folders
    ]
    print_table(columns, rows, paged=paged)


def _print_errors(errors: list[dict[str, Any]]) -> None:
    from photod_ctl.tables import Cell, Column, print_table

    rows = [
        (
            time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(error["at"])),
            error["reason"],
            Cell(error["path"], link=error["path"]) if error["path"] else "photod itself",
        )
        for error in errors
    ]
    print_table((Column("last errors"), Column("reason", wide=True), Column("of", wide=True)), rows)


def _compared(moment: float | None) -> str:
    return "never" if moment is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))
