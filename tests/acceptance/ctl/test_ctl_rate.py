"""`photod-ctl rate`: follows a daemon, or does the work in a process of its own."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from other_program import opened
from photod.config import Config, Control
from photod_ctl.scoring import daemon_has
from processes import children
from programs import BOUND
from scripted_daemon import ScriptedDaemon
from waiting import wait_until

Ctl = Callable[..., subprocess.CompletedProcess[str]]
Archive = Callable[..., Path]

AS_ANYBODY = BOUND if os.getuid() == 0 else []

DONE = {
    "phase": "done", "compared": 12, "unchanged": 5, "todo": 7, "scored": 4, "duplicates": 2, "unscoreable": 1,
    "unreadable": 0, "vanished": 0, "median": 5.25, "rate": 2.0, "model_name": "builtin",
    "last_failure": {"path": "x\n.jpg", "reason": "truncated"},
}  # fmt: skip


def test_a_daemon_that_has_the_folder_is_asked_and_followed(
    ctl: Ctl, archive: Archive, daemon: Callable[..., ScriptedDaemon], tmp_path: Path
) -> None:
    archive("photos", {"sub/a.jpg": 3.0, "sub/b.jpg": 4.0, "c.jpg": 9.0})
    asked = daemon(tmp_path / "photos", {"progress": DONE | {"phase": "scoring"}}, {"progress": DONE, "done": True})
    run = ctl("rate", "photos/sub")
    assert run.returncode == 0
    assert asked.asked[-1] == {"command": "rate", "folder": str(tmp_path / "photos/sub")}
    assert "4 scored, 5 unchanged, 2 known already, 1 unscoreable" in run.stdout
    assert "median score 3.50" in run.stdout, "that of the part, as stats tells it, not the daemon's of all folders"
    assert "technical quality only" in run.stderr
    final = json.loads(ctl("rate", "photos/sub", "--json").stdout)
    assert final.items() >= (DONE | {"median": 3.5}).items()


def test_a_daemon_has_a_folder_and_what_lies_in_it_but_not_beside_or_around_it(
    daemon: Callable[..., ScriptedDaemon], environment: dict[str, str], tmp_path: Path
) -> None:
    daemon(tmp_path / "photos")
    config = Config(control=Control(socket=f"{environment['XDG_RUNTIME_DIR']}/photod/control.sock"))
    assert daemon_has(None, config)
    has = {name: daemon_has(str(tmp_path / name), config) for name in ("photos", "photos/part", "photos 2", "")}
    assert has == {"photos": True, "photos/part": True, "photos 2": False, "": False}


def test_a_folder_of_photos_is_no_place_to_import_from(environment: dict[str, str], tmp_path: Path) -> None:
    (folder := tmp_path / "photos").mkdir()
    (folder / "pydantic.py").write_text("raise SystemExit('executed')\n")
    command = [sys.executable, "-P", "-m", "photod_ctl", "rate", "."]
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert (run.returncode, "executed" in run.stdout + run.stderr) == (0, False)


@pytest.mark.parametrize(
    ("resting", "words"),
    [
        ("paused", "photod is paused; photod-ctl resume continues\n"),
        ("quiet hours until 07:00", "photod rests (quiet hours until 07:00); it goes on by itself\n"),
    ],
)
def test_that_the_daemon_rests_is_said_at_once_and_once(
    resting: str, words: str, ctl: Ctl, daemon: Callable[..., ScriptedDaemon], tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    waits = DONE | {"phase": "scoring", "scored": 0, "duplicates": 0, "unscoreable": 0, "resting": resting}
    done = DONE | {"resting": resting}
    daemon(tmp_path / "photos", {"progress": waits}, {"progress": waits}, {"progress": done, "done": True})
    told = ctl("rate", "photos").stderr
    assert told.startswith(words)
    assert told.count(words) == 1


@pytest.mark.usefixtures("without_model")
def test_directories_that_cannot_be_listed_are_named_though_no_photo_is_left(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    for name in ("a", "b", "part/c"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        (tmp_path / "photos" / name).chmod(0)

    def rate(folder: str) -> str:
        run = subprocess.run(
            [*AS_ANYBODY, sys.executable, "-m", "photod_ctl", "rate", folder],
            env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert run.returncode == 0
        return run.stderr

    words = r"photod-ctl: {}/photos/{} cannot be listed{}: Permission denied; nothing in it is scored\n"
    assert re.match(words.format(tmp_path, "(a|b|part/c)", ", as 2 more"), rate("photos"))
    assert re.match(words.format(tmp_path, "part/c", ""), rate("photos/part"))


@pytest.mark.parametrize(("unreadable", "others"), [(1, ""), (3, ", as 2 more")])
def test_what_could_not_be_read_is_named(
    unreadable: int, others: str, ctl: Ctl, daemon: Callable[..., ScriptedDaemon], tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    told = {"unreadable": unreadable, "last_unreadable": {"path": "sub/b.jpg", "reason": "Permission denied"}}
    daemon(tmp_path / "photos", {"progress": DONE | told, "done": True})
    run = ctl("rate", "photos")
    assert f"1 unscoreable, {unreadable} unreadable" in run.stdout
    words = f"sub/b.jpg cannot be read{others}: Permission denied; it is tried again next time"
    assert f"photod-ctl: {words}\n" in run.stderr


def test_the_end_of_a_pause_in_quiet_hours_is_no_end_of_the_rest(
    ctl: Ctl, daemon: Callable[..., ScriptedDaemon], tmp_path: Path
) -> None:
    daemon(tmp_path, {"ok": True, "resting": "quiet hours until 07:00"})
    said = "photod is no longer paused, but still resting (quiet hours until 07:00)\n"
    assert ctl("resume").stdout == said
    assert ctl("pause").stdout == "photod rests; photod-ctl resume continues\n"


@pytest.mark.parametrize("verb", ["purge", "rescan"])
def test_of_a_part_a_daemon_is_asked_for_that_part(
    verb: str, ctl: Ctl, daemon: Callable[..., ScriptedDaemon], tmp_path: Path
) -> None:
    (tmp_path / "photos/part").mkdir(parents=True)
    asked = daemon(tmp_path / "photos", {"ok": True, "purged": 3})
    assert ctl(verb, "photos/part").returncode == 0
    assert asked.asked[-1] == {"command": verb, "folder": str(tmp_path / "photos/part")}


def test_a_refusal_of_the_daemon_is_one_line_with_its_exit_code(
    ctl: Ctl, daemon: Callable[..., ScriptedDaemon], tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    daemon(tmp_path / "photos", {"error": "the database is full; free some space", "exit_code": 74})
    run = ctl("rate", "photos")
    assert (run.returncode, run.stdout) == (74, "")
    assert run.stderr == "photod-ctl: the database is full; free some space\n"


def test_a_daemon_that_stops_while_it_is_followed_is_an_interruption(
    ctl: Ctl, daemon: Callable[..., ScriptedDaemon], tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    daemon(tmp_path / "photos", {"progress": DONE | {"phase": "stopped"}, "done": True})
    run = ctl("rate", "photos")
    assert run.returncode == 130
    assert "photod-ctl rate photos goes on from here" in run.stdout


def test_the_fatal_error_of_its_own_process_is_shown_as_one_line(ctl: Ctl, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "c.toml").write_text('[model]\nweights = "/nowhere/weights.pt"\n')
    run = ctl("rate", "photos", "--config", "c.toml")
    assert (run.returncode, run.stdout) == (78, "")
    assert run.stderr.count("\n") == 1
    assert run.stderr.startswith("photod-ctl: ")
    assert "/nowhere/weights.pt" in run.stderr


def test_a_bug_in_its_own_process_is_shown_as_one_line(
    ctl: Ctl, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/structlog.py").write_text("1 / 0\n")
    environment["PYTHONPATH"] = str(tmp_path / "broken")
    run = ctl("rate", "photos")
    words = "the scoring process failed: ZeroDivisionError: division by zero; photod run --once shows all"
    assert (run.returncode, run.stdout, run.stderr) == (70, "", f"photod-ctl: {words}\n")


@pytest.mark.usefixtures("without_model")
def test_its_own_process_is_out_of_the_terminal_s_reach_and_missed_when_it_is_killed(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    environment["FAKE_GATE"] = str(tmp_path / "gate")
    command = [sys.executable, "-m", "photod_ctl", "rate", "photos"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=tmp_path, text=True
    ) as process:
        wait_until((tmp_path / "photos/.photod/photos.db").exists)
        (child,) = children("photod", process.pid)
        assert os.getpgid(child) == child
        os.kill(child, signal.SIGKILL)
        told = process.communicate(timeout=60)
    assert process.returncode == 70
    words = "was killed (SIGKILL), as happens when the system runs out of memory; start again"
    assert told == ("", f"photod-ctl: the scoring process {words}\n")


@pytest.mark.parametrize(("name", "words"), [("nowhere", "does not exist"), ("/dev/null", "is not a folder")])
def test_what_is_no_folder_is_refused(ctl: Ctl, name: str, words: str) -> None:
    run = ctl("rate", name)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == f"photod-ctl: {name} {words}; name a photo or a folder of photos\n"


def test_without_a_daemon_it_does_the_work_itself(ctl: Ctl, demo: Path, tmp_path: Path) -> None:
    shutil.copytree(demo, tmp_path / "demo")
    first = json.loads(ctl("rate", "demo", "--json").stdout)
    assert (first["unscoreable"], first["duplicates"], first["phase"]) == (5, 3, "done")
    assert first["scored"] == len(json.loads(ctl("top", "demo", "-n", "1000", "--json").stdout)) - 3
    again = json.loads(ctl("rate", "demo", "--json").stdout)
    assert (again["unchanged"], again["todo"], again["scored"]) == (first["compared"], 0, 0)


@pytest.mark.usefixtures("without_model")
def test_without_a_daemon_a_part_is_retried_by_itself(ctl: Ctl, tmp_path: Path) -> None:
    (tmp_path / "photos/part").mkdir(parents=True)
    for name in ("a.jpg", "part/b.jpg"):
        (tmp_path / "photos" / name).write_bytes(b"broken: " + name.encode())
    ctl("rate", "photos")
    with opened(tmp_path / "photos/.photod/photos.db") as database:
        database.execute("UPDATE photo SET reason = 'of old'")
    (retried,) = json.loads(ctl("failed", "photos/part", "--retry", "--json").stdout)
    left, _ = json.loads(ctl("failed", "photos", "--json").stdout)
    assert (Path(retried["path"]).name, retried["reason"] == "of old") == ("b.jpg", False)
    assert (Path(left["path"]).name, left["reason"]) == ("a.jpg", "of old")


@pytest.mark.usefixtures("without_model")
def test_an_empty_folder_is_one_line_and_no_error(ctl: Ctl, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    run = ctl("rate", "photos", "--top", "3")
    assert (run.returncode, run.stdout) == (0, "")
    assert run.stderr == "photod-ctl: photos has no photos, or only hidden and excluded ones\n"


@pytest.mark.usefixtures("without_model")
def test_ctrl_c_commits_and_says_how_to_go_on(
    ctl: Ctl, environment: dict[str, str], demo: Path, tmp_path: Path
) -> None:
    shutil.copytree(demo, tmp_path / "demo")
    environment["FAKE_GATE"] = str(tmp_path / "gate")
    command = [sys.executable, "-m", "photod_ctl", "rate", "demo"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=tmp_path, text=True
    ) as process:
        while not os.path.exists(tmp_path / "demo/.photod/photos.db"):
            assert process.poll() is None
            time.sleep(0.01)  # the processor is for the one that is watched
        process.send_signal(signal.SIGINT)
        (tmp_path / "gate").touch()
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert "photod-ctl rate demo goes on from here" in stdout
    assert json.loads(ctl("rate", "demo", "--json").stdout)["phase"] == "done"
