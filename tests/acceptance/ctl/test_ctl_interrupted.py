"""Ctrl-C: 130, and nothing said that is not so."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from photod_ctl.scoring import interrupts
from processes import children
from scripted_daemon import ScriptedDaemon
from waiting import wait_until

Archive = Callable[..., Path]
Interrupt = Callable[..., tuple[int, str, str]]

WAITING = {
    "phase": "scoring", "compared": 2, "unchanged": 1, "todo": 1, "scored": 0, "duplicates": 0, "unscoreable": 0,
    "unreadable": 0, "vanished": 0, "median": None, "rate": 0.0, "model_name": "builtin", "last_failure": None,
}  # fmt: skip


@pytest.fixture
def interrupted(environment: dict[str, str], tmp_path: Path) -> Interrupt:
    """Runs photod-ctl and presses Ctrl-C once `ready`, which is told the process; its code, and what it said."""

    def run(ready: Callable[[int], bool], *arguments: str | Path) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "photod_ctl", *map(str, arguments)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=tmp_path, text=True
        ) as process:
            try:
                wait_until(lambda: ready(process.pid) or process.poll() is not None)
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=60)
            except BaseException:
                process.kill()
                raise
        return process.returncode, out, err

    return run


def _is_loading(pid: int) -> bool:
    """Whether the process has a child that has the model loaded."""
    return any(children("photod.score.worker", child) for child in children("photod", pid))


def test_failed_retry_of_its_own_says_what_goes_on_from_there(interrupted: Interrupt, archive: Archive) -> None:
    folder = archive("photos", {"a.jpg": 9.0}, {"b.jpg": "truncated"})
    code, out, err = interrupted(_is_loading, "failed", folder, "--retry")
    assert (code, out) == (130, "")
    assert err.splitlines() == [
        "stopping: committing what is done",
        f"photod-ctl: stopped; photod-ctl rate {folder} tries what is left",
    ]


def test_once_scoring_has_ended_ctrl_c_means_what_it_did_before() -> None:
    pressed: list[str] = []
    before = signal.getsignal(signal.SIGINT)
    with interrupts(lambda: pressed.append("Ctrl-C")):
        signal.raise_signal(signal.SIGINT)
    assert (pressed, signal.getsignal(signal.SIGINT)) == (["Ctrl-C"], before)


def test_who_leaves_a_daemon_to_its_work_is_told_once(
    interrupted: Interrupt, archive: Archive, daemon: Callable[..., ScriptedDaemon]
) -> None:
    folder = archive("photos", {"a.jpg": 9.0})
    asked = daemon(folder, {"progress": WAITING}).asked
    follows = {"command": "rate", "folder": str(folder)}
    code, out, err = interrupted(lambda _: follows in asked, "rate", folder)
    assert (code, out) == (130, "")
    assert err.startswith("photod-ctl: no longer following; photod goes on by itself")


def test_failed_retry_by_a_daemon_leaves_it_to_the_daemon(
    interrupted: Interrupt, archive: Archive, daemon: Callable[..., ScriptedDaemon]
) -> None:
    folder = archive("photos", {"a.jpg": 9.0}, {"b.jpg": "truncated"})
    asked = daemon(folder, {"progress": WAITING}).asked
    follows = {"command": "rate", "folder": str(folder), "retry": True}
    code, out, err = interrupted(lambda _: follows in asked, "failed", folder, "--retry")
    assert (code, out) == (130, "")
    assert err.startswith("photod-ctl: no longer following; photod goes on by itself")
    assert err.count("\n") == 1


def test_the_score_of_one_photo(interrupted: Interrupt, environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    environment["TMPDIR"] = str(tmp_path / "tmp")
    Image.new("RGB", (30, 20)).save(tmp_path / "photo.png")
    assert interrupted(_is_loading, "rate", "photo.png") == (130, "", "")
    assert list((tmp_path / "tmp").iterdir()) == []


def test_status_that_is_followed_asks_again_every_second(
    interrupted: Interrupt, daemon: Callable[..., ScriptedDaemon], tmp_path: Path
) -> None:
    asked = daemon(tmp_path).asked
    code, out, err = interrupted(lambda _: len(asked) > 2, "status", "--follow", "--json")
    assert (code, err) == (130, "")
    first, second, *_ = map(json.loads, out.splitlines())
    assert first == second == {"running": True, "folders": [{"path": str(tmp_path)}]}
