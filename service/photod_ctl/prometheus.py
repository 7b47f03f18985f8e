"""The daemon's status in the text format of Prometheus, for node_exporter's textfile collector."""

from collections.abc import Iterable, Mapping
from typing import Any

_STATES = ("scored", "stale", "unscoreable", "missing", "pending")


def prometheus_text(status: Mapping[str, Any]) -> str:
    """Render an answer to {"command": "status"}, or what stands for it where no daemon runs. Pure."""
    folders = status["folders"]
    lines = _metric("photod_up", "Whether the daemon answers.", [({}, status["running"])])
    lines += _metric("photod_paused", "Whether the model rests.", [({}, status.get("paused"))])
    lines += _metric(
        "photod_photos",
        "Photos by folder and state.",
        (({"folder": each["path"], "state": state}, each.get(state)) for each in folders for state in _STATES),
    )
    lines += _metric(
        "photod_unreadable_photos",
        "Photos that could not be read at the last look.",
        (({"folder": each["path"]}, len(each["unreadable"])) for each in folders),
    )
    lines += _metric(
        "photod_folder_absent",
        "Whether the folder is away, such as a drive that is not mounted.",
        (({"folder": each["path"]}, each["state"] == "absent") for each in folders),
    )
    lines += _metric(
        "photod_folder_compared_timestamp_seconds",
        "When the folder was last compared, whole, with its database.",
        (({"folder": each["path"]}, each["compared_at"]) for each in folders),
    )
    queue = status["queue"].items()
    lines += _metric(
        "photod_queue", "Photos before each stage.", (({"stage": name}, count) for name, count in queue)
    )
    lines += _metric("photod_photos_per_second", "Over the last minute.", [({}, status.get("rate"))])
    lines += _metric("photod_median_score", "Of all scores so far.", [({}, status.get("median"))])
    return "\n".join(lines) + "\n"


def _metric(name: str, meaning: str, samples: Iterable[tuple[Mapping[str, str], float | None]]) -> list[str]:
    """One gauge; samples without a value are left out, and the gauge if it has none."""
    lines = [f"{name}{_labels(labels)} {float(value):.15g}" for labels, value in samples if value is not None]
    return [f"# HELP {name} {meaning}", f"# TYPE {name} gauge", *lines] if lines else []


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    text = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
