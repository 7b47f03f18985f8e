import re
from typing import Any

from photod_ctl.prometheus import prometheus_text

FOLDER: dict[str, Any] = {
    "path": '/a "b"\\\n\udcff', "state": "idle", "compared_at": 1.5e9, "pending": None, "unreadable": [1, 2],
    "scored": 12, "stale": 0, "unscoreable": 3, "missing": 1,
}  # fmt: skip


def test_every_line_is_what_prometheus_reads() -> None:
    text = prometheus_text(
        {
            "running": True,
            "paused": False,
            "rate": 1.25,
            "median": None,
            "queue": {"waiting": 4},
            "folders": [FOLDER],
        }
    )
    lines = text.splitlines()
    sample = re.compile(r'photod_\w+(\{\w+="([^"\\\n]|\\["\\n])*"(,\w+="([^"\\\n]|\\["\\n])*")*\})? [\d.e+]+')
    assert [line for line in lines if not line.startswith("# ") and not sample.fullmatch(line)] == []
    assert 'photod_photos{folder="/a \\"b\\"\\\\\\n\ufffd",state="scored"} 12' in lines
    assert 'photod_queue{stage="waiting"} 4' in lines
    assert "photod_up 1" in lines
    assert not [line for line in lines if "median" in line or "pending" in line]


def test_without_a_daemon_it_says_so() -> None:
    text = prometheus_text({"running": False, "median": None, "queue": {}, "folders": []})
    assert "photod_up 0" in text
    assert "photod_paused" not in text
