"""The daemon's status in the text format of Prometheus, for node_exporter's textfile collector.

docs/MONITORING.md explains each metric, docs/photod-alerts.yml warns by them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from photod.wire import CLOSED, UNUSABLE

Samples = Iterable[tuple[Mapping[str, str], float | None]]

_STATES = ("scored", "stale", "unscoreable", "missing", "pending")


def prometheus_text(status: Mapping[str, Any]) -> str:
    """Render the daemon's status (photod.wire.Status), or what stands for it where no daemon runs. Pure."""
    known = [folder for folder in status["folders"] if folder["state"] not in (CLOSED, UNUSABLE)]
    lines = [*_of_the_daemon(status), *_of_the_work(status), *_of_the_folders(known)]
    return "\n".join(lines) + "\n"


def _of_the_daemon(status: Mapping[str, Any]) -> list[str]:
    build = [({"version": status["version"]}, 1)] if "version" in status else []
    memory = [({"device": name}, held) for name, held in status.get("device_memory", {}).items()]
    return [
        *_gauge("photod_up", "Whether the daemon answers.", [({}, status["running"])]),
        *_gauge("photod_build_info", "The version that runs.", build),
        *_gauge("photod_start_time_seconds", "When the daemon was started.", [({}, status.get("started_at"))]),
        *_gauge("photod_paused", "Whether the model rests.", [({}, status.get("paused"))]),
        *_gauge("photod_device_memory_bytes", "Memory of its own that a device holds for photod.", memory),
    ]


def _of_the_work(status: Mapping[str, Any]) -> list[str]:
    queue = [({"stage": name}, count) for name, count in status["queue"].items()]
    finished = [({"outcome": name}, count) for name, count in status.get("finished", {}).items()]
    return [
        *_gauge("photod_queue_photos", "Photos before each stage.", queue),
        *_gauge("photod_photos_per_second", "Photos finished, over the last minute.", [({}, status.get("rate"))]),
        *_gauge("photod_median_score", "Of all scores so far.", [({}, status.get("median"))]),
        *_metric("photod_photos_finished_total", "counter", "Photos finished since the start.", finished),
        *_latency(status.get("latency")),
    ]


def _of_the_folders(folders: Sequence[Mapping[str, Any]]) -> list[str]:
    def each(value: str) -> Samples:
        return [({"folder": folder["path"]}, folder[value]) for folder in folders]

    states = [
        ({"folder": folder["path"], "state": state}, folder.get(state)) for folder in folders for state in _STATES
    ]
    unreadable = [({"folder": folder["path"]}, len(folder["unreadable"])) for folder in folders]
    absent = [({"folder": folder["path"]}, folder["state"] == "absent") for folder in folders]
    return [
        *_gauge("photod_photos", "Photos by folder and state.", states),
        *_gauge("photod_unreadable_photos", "Photos that could not be read at the last look.", unreadable),
        *_gauge("photod_folder_absent", "Whether the folder is away, as a drive that is not mounted.", absent),
        *_gauge(
            "photod_folder_compared_timestamp_seconds",
            "When the folder was last compared, whole, with its database.",
            each("compared_at"),
        ),
    ]


def _latency(latency: Mapping[str, Any] | None) -> list[str]:
    if latency is None:
        return []
    name = "photod_landed_to_scored_seconds"
    bounds = [*((f"{bound:.15g}", count) for bound, count in latency["buckets"]), ("+Inf", latency["count"])]
    return [
        f"# HELP {name} From a photo's landing to the commit of its score; arrivals only, no backlog.",
        f"# TYPE {name} histogram",
        *(_sample(f"{name}_bucket", {"le": bound}, count) for bound, count in bounds),
        _sample(f"{name}_sum", {}, latency["sum_s"]),
        _sample(f"{name}_count", {}, latency["count"]),
    ]


def _gauge(name: str, meaning: str, samples: Samples) -> list[str]:
    return _metric(name, "gauge", meaning, samples)


def _metric(name: str, kind: str, meaning: str, samples: Samples) -> list[str]:
    """One metric; samples without a value are left out, and the metric if it has none."""
    lines = [_sample(name, labels, value) for labels, value in samples if value is not None]
    return [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}", *lines] if lines else []


def _sample(name: str, labels: Mapping[str, str], value: float) -> str:
    pairs = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
    return f"{name}{{{pairs}}} {float(value):.15g}" if pairs else f"{name} {float(value):.15g}"


def _escaped(value: str) -> str:
    text = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
