from typing import Any

import pytest

from photod_ctl.status import _print

FOLDER: dict[str, Any] = {
    "path": "/photos", "database": "/photos/.photod/photos.db", "state": "idle", "compared_at": None, "pending": 0,
    "scored": 2, "stale": 0, "unscoreable": 0, "missing": 0, "unreadable": [], "unstable": [],
    "watched_by": "inotify",
}  # fmt: skip


def told(capsys: pytest.CaptureFixture[str], **changes: Any) -> tuple[str, str]:
    """What is printed, on standard output and error, of a daemon that does not run."""
    _print({"running": False, "model": None, "queue": {}, "folders": [FOLDER | changes]})
    out, err = capsys.readouterr()
    return out, err


def test_a_folder_in_order_brings_no_warning(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = told(capsys)
    assert "inotify" in out
    assert err == ""


def test_a_folder_that_is_watched_in_part_names_the_sysctl(capsys: pytest.CaptureFixture[str]) -> None:
    _, err = told(capsys, watched_by="partly")
    assert "fs.inotify.max_user_watches" in err
    assert err.count("\n") == 1


def test_photos_that_cannot_be_read_or_are_never_quiet_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    _, err = told(capsys, unreadable=[{"path": "a\n.jpg", "reason": "Permission denied"}], unstable=["b.jpg"])
    first, second = err.splitlines()
    assert "Permission denied" in first
    assert "/photos/b.jpg is written without end" in second
