"""`photod-ctl status`: what the daemon does, or what the databases know without one."""

import os
import time
from typing import TYPE_CHECKING, Any

import typer

from photod_ctl.options import ConfigFile, Json, load

if TYPE_CHECKING:
    from photod.config import Config, Folder

STAGES = ("waiting", "reading", "decoding", "scoring", "committing")


def status(context: typer.Context, as_json: Json = False, config: ConfigFile = None) -> None:
    """Show whether photod runs, what it does, and how far each folder is.

    Without a daemon it reads the databases of the configured folders.
    """
    from photod_ctl.client import ask
    from photod_ctl.tables import print_json

    settings = load(context, config)
    answer = ask(settings, {"command": "status"}) or offline_status(settings)
    if as_json:
        print_json(answer)
    else:
        _print(answer)


def offline_status(config: "Config") -> dict[str, Any]:
    """What the databases know, in the shape of the daemon's answer."""
    folders = [_offline_folder(folder) for folder in config.folders]
    models = [folder["model"] for folder in folders if folder["model"]]
    same = all(model == models[0] for model in models)
    return {
        "running": False,
        "model": models[0] if models and same else None,
        "queue": dict.fromkeys(STAGES, 0),
        "folders": folders,
    }


def _offline_folder(folder: "Folder") -> dict[str, Any]:
    from photod.store.queries import Reader

    known: dict[str, Any] = {
        "path": str(folder.path), "database": str(folder.database_path), "state": "unwatched", "model": None,
        "compared_at": None, "pending": None, "unreadable": [],
        "scored": 0, "stale": 0, "unscoreable": 0, "missing": 0,
    }  # fmt: skip
    if not os.path.isdir(folder.path):
        known["state"] = "absent"
    if folder.database_path.exists():
        reader = Reader(folder.database_path)
        totals = reader.totals()
        known |= {"model": reader.model(), "compared_at": reader.compared_at()}
        known |= {name: getattr(totals, name) for name in ("scored", "stale", "unscoreable", "missing")}
    return known


def _print(status: dict[str, Any]) -> None:
    from photod_ctl.tables import print_fields, warn

    model = status["model"]
    name = f"{model['name']} ({model['architecture']})" if model else ""
    fields = [("photod", _running(status)), ("model", name)]
    if status["running"]:
        queue = status["queue"]
        fields += [
            ("devices", ", ".join(status["devices"])),
            ("queue", ", ".join(f"{queue[stage]:,} {stage}" for stage in STAGES)),
            ("rate", f"{status['rate']:.1f} photos a second over the last minute"),
            ("median", "" if status["median"] is None else f"{status['median']:.2f}"),
        ]
    print_fields(fields)
    if status["folders"]:
        print()
        _print_folders(status["folders"])
    elif not status["running"]:
        warn("no folder is configured; photod-ctl rate FOLDER scores one now")
    for folder in status["folders"]:
        for photo in folder["unreadable"]:
            warn(f"cannot read {os.path.join(folder['path'], photo['path'])}: {photo['reason']}")


def _running(status: dict[str, Any]) -> str:
    if not status["running"]:
        return "not running"
    paused = ", paused" if status["paused"] else ""
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(status["started_at"]))
    return f"running since {since}, process {status['pid']}, version {status['version']}{paused}"


def _print_folders(folders: list[dict[str, Any]]) -> None:
    from photod_ctl.tables import Cell, Column, print_table

    columns = (
        Column("folder", wide=True), Column("state"), Column("compared"), Column("pending", right=True),
        Column("scored", right=True), Column("stale", right=True), Column("failed", right=True),
        Column("missing", right=True),
    )  # fmt: skip
    rows = [
        (
            Cell(folder["path"], link=folder["path"]),
            folder["state"],
            _compared(folder["compared_at"]),
            "" if folder["pending"] is None else f"{folder['pending']:,}",
            *(f"{folder[name]:,}" for name in ("scored", "stale", "unscoreable", "missing")),
        )
        for folder in folders
    ]
    print_table(columns, rows)


def _compared(moment: float | None) -> str:
    return "never" if moment is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))
