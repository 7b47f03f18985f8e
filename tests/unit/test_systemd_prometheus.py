"""What Prometheus reads, by Prometheus' own parser, and the alert rules that stand on it."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from clock import Clock
from photod.photos import Candidate, Facts, Fingerprint, Judged, Passed, Scored, Unscoreable
from photod.tally import KINDS, Tally
from photod_ctl.prometheus import prometheus_text

DOCUMENTS = Path(__file__).parents[2] / "docs"
RULES = DOCUMENTS / "photod-alerts.yml"
UNITS = ("_seconds", "_bytes", "_total", "_info", "_per_second")  # and plain numbers of things, by name below
NUMBERS = {"photod_up", "photod_paused", "photod_photos", "photod_queue_photos", "photod_unreadable_photos",
           "photod_folder_absent", "photod_median_score"}  # fmt: skip
FOLDER: dict[str, Any] = {
    "path": '/a "b"\\\n\udcff', "state": "idle", "compared_at": 1.5e9, "pending": None, "unreadable": [1, 2],
    "scored": 12, "stale": 0, "unscoreable": 3, "missing": 1,
}  # fmt: skip


def status(**more: Any) -> dict[str, Any]:
    tally = Tally()
    return {
        "running": True, "version": "1.2", "started_at": 1.6e9, "paused": False, "rate": 1.25, "median": 5.5,
        "queue": {"waiting": 4}, "finished": tally.finished(), "latency": tally.latency(),
        "device_memory": {"cuda:0": 3 << 30, "cpu": None}, "folders": [FOLDER],
    } | more  # fmt: skip


def read(text: str) -> dict[str, Metric]:
    families = {family.name: family for family in text_string_to_metric_families(text)}
    # The parser leaves out what it cannot read, and "_total" from the names of counters.
    said = re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE)
    assert {name.removesuffix("_total"): kind for name, kind in said} == {n: f.type for n, f in families.items()}
    assert sum(len(family.samples) for family in families.values()) == len(re.findall(r"^[^#]", text, re.MULTILINE))
    return families


def value(families: dict[str, Metric], name: str, **labels: str) -> float:
    samples = (sample for family in families.values() for sample in family.samples)
    (found,) = [sample.value for sample in samples if sample.name == name and sample.labels == labels]
    return found


def test_prometheus_reads_what_the_status_says() -> None:
    families = read(prometheus_text(status()))
    path = '/a "b"\\\n\ufffd'
    assert value(families, "photod_up") == 1
    assert value(families, "photod_paused") == 0
    assert value(families, "photod_build_info", version="1.2") == 1
    assert value(families, "photod_photos", folder=path, state="scored") == 12
    assert value(families, "photod_unreadable_photos", folder=path) == 2
    assert value(families, "photod_folder_absent", folder=path) == 0
    assert value(families, "photod_folder_compared_timestamp_seconds", folder=path) == 1.5e9
    assert value(families, "photod_queue_photos", stage="waiting") == 4
    assert value(families, "photod_photos_per_second") == 1.25
    assert value(families, "photod_median_score") == 5.5
    assert not [sample for sample in families["photod_photos"].samples if sample.labels["state"] == "pending"]


def test_a_device_without_memory_of_its_own_tells_none() -> None:
    families = read(prometheus_text(status()))
    (sample,) = families["photod_device_memory_bytes"].samples
    assert (sample.labels, sample.value) == ({"device": "cuda:0"}, 3 << 30)
    assert "device_memory" not in prometheus_text(status(device_memory={"cpu": None}))


def test_names_end_in_their_unit() -> None:
    """As promtool asks: base units, "_total" for counters alone."""
    families = read(prometheus_text(status()))
    for name, family in families.items():
        assert re.fullmatch(r"photod_[a-z]+(_[a-z]+)*", name)
        assert family.documentation.endswith(".")
        full = f"{name}_total" if family.type == "counter" else name
        assert full.endswith(UNITS) or full in NUMBERS
        assert full.endswith("_total") is (family.type == "counter")


def test_without_a_daemon_it_says_so_and_little_else() -> None:
    families = read(prometheus_text({"running": False, "median": None, "queue": {}, "folders": [FOLDER]}))
    assert value(families, "photod_up") == 0
    assert {"photod_paused", "photod_start_time_seconds", "photod_landed_to_scored_seconds"}.isdisjoint(families)
    assert "photod_photos" in families


def photo(landed: float | None) -> Candidate:
    return Candidate("/f", "a.jpg", Fingerprint(1, 2, 3, 4), landed)


SCORED = Scored("aa", Facts(1, 1), 5.0, b"")


def test_arrivals_are_timed_from_landing_to_commit_and_backlog_is_not() -> None:
    tally = Tally(Clock(100.0))
    for landed in (99.0, 97.5, 95.0, 40.0, 100.0 - 200_000, None):
        tally.add(Judged(photo(landed), SCORED, duplicate=False))
    tally.add(Judged(photo(99.0), Unscoreable("bb", "broken"), duplicate=False))
    families = read(prometheus_text(status(latency=tally.latency())))
    name = "photod_landed_to_scored_seconds"
    buckets = {s.labels["le"]: s.value for s in families[name].samples if s.name == f"{name}_bucket"}
    assert [*buckets] == ["2.5", "5", "10", "30", "60", "300", "1800", "14400", "86400", "+Inf"]
    assert [*buckets.values()] == [2, 3, 3, 3, 4, 4, 4, 4, 4, 5]
    assert value(families, f"{name}_count") == 5
    assert value(families, f"{name}_sum") == 1 + 2.5 + 5 + 60 + 200_000


def test_every_way_to_end_is_counted_from_the_start() -> None:
    tally = Tally()
    assert [*tally.finished()] == [*KINDS]
    for outcome in (
        Judged(photo(None), SCORED, duplicate=False),
        Judged(photo(None), SCORED, duplicate=True),
        Judged(photo(None), Unscoreable("bb", "broken"), duplicate=False),
        Passed(photo(None), "unreadable", "Permission denied"),
        Passed(photo(None), "vanished"),
        Passed(photo(None), "changed"),
    ):
        tally.add(outcome)
    families = read(prometheus_text(status(finished=tally.finished())))
    for kind in KINDS:
        assert value(families, "photod_photos_finished_total", outcome=kind) == 1


@pytest.fixture(scope="module")
def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_every_alert_stands_on_metrics_that_there_are(rules: list[dict[str, Any]]) -> None:
    text = prometheus_text(status(folders=[FOLDER | {"pending": 1}]))
    there = {sample.name for family in read(text).values() for sample in family.samples}
    assert rules
    for rule in rules:
        named = set(re.findall(r"\bphotod_\w+", rule["expr"]))
        assert named
        assert named <= there, rule["alert"]


def test_every_alert_says_what_is_wrong_and_what_to_do(rules: list[dict[str, Any]]) -> None:
    for rule in rules:
        assert rule["alert"].startswith("Photod")
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"].keys() == {"summary", "description"}
    assert len({rule["alert"] for rule in rules}) == len(rules)


def test_the_page_about_monitoring_names_every_metric_and_every_alert(rules: list[dict[str, Any]]) -> None:
    page = (DOCUMENTS / "MONITORING.md").read_text()
    families = read(prometheus_text(status()))
    names = {f"{name}_total" if family.type == "counter" else name for name, family in families.items()}
    missing = {name for name in names | {rule["alert"] for rule in rules} if f"`{name}`" not in page}
    assert not missing
