import json
import os
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from invented_archive import MODEL, write_archive
from mounts import Mounts
from other_program import opened
from photod.config import Config, Folder, state_directory
from photod.errors import UsageError
from photod.photos import Candidate, Fingerprint, Judged, Unscoreable
from photod.registry import REGISTRY_NAME, Registry
from photod.store.writer import Writer
from photod_ctl.folders import all_archives, is_away
from photod_ctl.offline import offline_status
from photod_ctl.prometheus import prometheus_text
from photod_ctl.status import _print, _show

FOLDER: dict[str, Any] = {
    "path": "/photos", "database": "/photos/.photod/photos.db", "state": "idle", "compared_at": None, "pending": 0,
    "scored": 2, "stale": 0, "unscoreable": 0, "missing": 0, "unreadable": [], "unstable": [],
    "watched_by": "inotify",
}  # fmt: skip
RUNNING: dict[str, Any] = {
    "running": True, "model": None, "queue": {}, "folders": [], "paused": False, "resting": "", "started_at": 0.0,
    "pid": 2**22, "version": "1", "rate": 0.0, "median": None, "devices": ["cpu", "cuda:0"],
    "device_memory": {"cpu": None, "cuda:0": 1536 << 20},
}  # fmt: skip


def told(capsys: pytest.CaptureFixture[str], **changes: Any) -> tuple[str, str]:
    """What is printed, on standard output and error, of a daemon that does not run."""
    _print({"running": False, "model": None, "queue": {}, "folders": [FOLDER | changes]})
    out, err = capsys.readouterr()
    return out, err


@pytest.mark.parametrize("closed", ["photos/.photod/photos.db", "photos"])
def test_a_database_that_is_closed_to_the_user_is_told_and_not_taken_for_empty(
    folder: Path, closed: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if closed == "photos":  # then what is in it cannot be looked for, either
        monkeypatch.setattr("photod_ctl.folders.is_gone", lambda path: path != str(folder))
    else:
        write_archive(folder, [])
    may = os.access
    shut = folder.parent / closed
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != shut and may(path, mode))  # root may all
    status = offline_status(Config(folders=(Folder(path=folder),)))
    _print(status)
    out, err = capsys.readouterr()
    assert err == f"photod-ctl: {shut} is closed to you; ask its owner, or call this with sudo\n"
    assert out.splitlines()[-1].split() == [str(folder), "closed", "no", "never"]
    assert str(folder) not in prometheus_text(status)


def test_a_damaged_database_keeps_no_other_folder_from_being_told(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The daemon has ended by then, and who monitors it must hear of that."""
    other = tmp_path / "other"
    for each in (folder, other):
        each.mkdir(exist_ok=True)
        write_archive(each, [])
    database = Folder(path=folder).database_path
    database.write_bytes(b"no database" * 1000)
    status = offline_status(Config(folders=(Folder(path=folder), Folder(path=other))))
    _print(status)
    out, err = capsys.readouterr()
    assert str(database) in err
    assert err.count("\n") == 1
    states = [line.split()[:2] for line in out.splitlines()[-2:]]
    assert states == [[str(folder), "unusable"], [str(other), "unwatched"]]
    text = prometheus_text(status)
    assert "photod_up 0" in text
    assert str(other) in text
    assert str(folder) not in text


def test_without_a_daemon_the_last_errors_of_all_folders_are_told_and_a_model_only_if_it_is_one(
    tmp_path: Path,
) -> None:
    folders = [Folder(path=tmp_path / name) for name in ("earlier", "later", "away")]
    for at, folder in enumerate(folders[:2]):
        root = str(folder.path)
        database = write_archive(folder.path, []).database
        with closing(Writer(database)) as writer:
            writer.commit([
                (Judged(Candidate(root, f"{n}.jpg", Fingerprint(1, 2, 3, n)), Unscoreable(f"{n}", ""), False), True)
                for n in range(3)
            ])  # fmt: skip
        with opened(database) as theirs:
            theirs.execute("UPDATE photo SET committed_at = ?", [at])
    config = Config(folders=tuple(folders))
    status = offline_status(config)
    told = [Path(error["path"]).parent.name for error in status["last_errors"]]
    assert told == ["later"] * 3 + ["earlier"] * 2
    assert [folder["unscoreable"] for folder in status["folders"]] == [3, 3, None]
    assert status["model"]["name"] == MODEL.name
    with closing(Writer(folders[0].database_path)) as writer:
        writer.use_model(replace(MODEL, weights_sha256="b" * 64))
    assert offline_status(config)["model"] is None


@pytest.mark.parametrize("database", ["folder", "state"])
def test_a_drive_that_is_not_mounted_has_not_lost_its_photos(
    folder: Path, database: Literal["folder", "state"], mounts: Mounts, capsys: pytest.CaptureFixture[str]
) -> None:
    """It leaves the directory behind where it was mounted."""
    config = Config(folders=(drive := Folder(path=folder, database=database),))
    mounts(folder, "-t", "tmpfs", "tmpfs")
    (folder / "a.jpg").touch()
    Registry(state_directory() / REGISTRY_NAME).remember(drive.path)
    assert offline_status(config)["folders"][0]["state"] == "unwatched"
    mounts.take_away(folder)
    status = offline_status(config)
    assert status["folders"][0] | {"state": "absent", "scored": None} == status["folders"][0]
    with pytest.raises(UsageError, match="no configured folder is there"):
        all_archives(None, config)
    with pytest.raises(UsageError, match=f"{folder} is not there; mount its drive"):
        all_archives([str(folder)], Config())
    assert capsys.readouterr().err == f"photod-ctl: {folder} is not there, left out\n"


def test_a_known_folder_that_nobody_may_list_is_not_taken_for_away(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state_directory().mkdir(parents=True)
    (state_directory() / REGISTRY_NAME).write_text(json.dumps({str(folder): {"filesystem": "another"}}))
    assert is_away(Folder(path=folder))

    def refuse(place: Path) -> list[str]:
        raise PermissionError(13, "Permission denied", place)

    monkeypatch.setattr("os.listdir", refuse)  # root may list anything
    assert not is_away(Folder(path=folder))


def test_a_folder_in_order_brings_no_warning(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = told(capsys)
    assert "inotify" in out
    assert err == ""


def test_a_folder_that_is_watched_in_part_names_the_sysctl(capsys: pytest.CaptureFixture[str]) -> None:
    _, err = told(capsys, watched_by="partly")
    assert "fs.inotify.max_user_watches" in err
    assert err.count("\n") == 1


def test_the_last_errors_are_told_with_time_and_reason(capsys: pytest.CaptureFixture[str]) -> None:
    noon = 1_600_000_000.0
    errors = [
        {"at": noon, "path": "/photos/a\n.jpg", "reason": "Permission denied"},
        {"at": noon, "path": None, "reason": "folder absent: /drive"},
    ]
    unreadable = [{"path": "/photos/a\n.jpg", "reason": "Permission denied"}]
    folders = [FOLDER | {"unreadable": unreadable}]
    _print({"running": False, "model": None, "queue": {}, "folders": folders, "last_errors": errors})
    out, err = capsys.readouterr()
    first, second = out.splitlines()[-2:]
    assert first.startswith("2020-09-13 ")
    assert first.endswith(r"Permission denied      /photos/a\n.jpg")
    assert second.endswith("folder absent: /drive  photod itself")
    assert err == ""  # it is not said twice


def test_of_much_that_cannot_be_read_a_few_are_named_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    unreadable = [{"path": f"/photos/{n}.jpg", "reason": "Permission denied"} for n in range(9, 0, -1)]
    _, err = told(capsys, unreadable=unreadable)
    first, *_, last = err.splitlines()
    assert len(err.splitlines()) == 6
    assert first == "photod-ctl: cannot read /photos/1.jpg: Permission denied"
    assert last == "photod-ctl: nor 4 more in /photos"


def test_of_a_folder_that_is_away_nothing_is_made_up(capsys: pytest.CaptureFixture[str]) -> None:
    nothing = dict.fromkeys(("scored", "stale", "unscoreable", "missing"))
    out, _ = told(capsys, state="absent", pending=0, **nothing)
    assert out.splitlines()[-1].split() == ["/photos", "absent", "inotify", "0"]


@pytest.mark.parametrize(("paused", "state"), [(False, "scoring"), (True, "waiting")])
def test_while_the_model_rests_photos_wait_and_no_end_is_foretold(
    paused: bool, state: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = FOLDER | {"pending": 20, "state": "scoring"}
    _print(RUNNING | {"paused": paused, "rate": 2.0, "folders": [folder]})
    out = capsys.readouterr().out
    assert f"/photos  {state} " in out
    assert ("time left" in out) is not paused


def test_the_memory_of_a_device_is_told_where_it_has_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    _print(RUNNING)
    assert "device memory  1,536 MB of cuda:0\n" in capsys.readouterr().out
    _print(RUNNING | {"device_memory": {"cpu": None}})
    assert "device memory" not in capsys.readouterr().out


@pytest.mark.parametrize(("terminal", "clears"), [("xterm", True), ("dumb", False)])
def test_who_follows_is_never_kept_by_a_pager(
    terminal: str, clears: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [FOLDER | {"path": f"/photos/{n}"} for n in range(100)]
    monkeypatch.setattr("photod_ctl.status._answer", lambda _: RUNNING | {"folders": folders})
    monkeypatch.setattr("photod_ctl.tables.page", lambda _: pytest.fail("paged"))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", terminal)
    _show(Config(), as_json=False, follow=True, again=True)
    out = capsys.readouterr().out
    assert out.startswith("\x1b[H\x1b[2J") is clears
    assert "/photos/99" in out


@pytest.mark.parametrize(
    ("paused", "resting", "words"),
    [
        (False, "", "version 1\n"),
        (True, "", "version 1, paused\n"),
        (True, "quiet hours until 07:00", "version 1, resting (quiet hours until 07:00)\n"),
    ],
)
def test_why_the_model_rests_is_told(
    paused: bool, resting: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _print(RUNNING | {"paused": paused, "resting": resting})
    assert words in capsys.readouterr().out


def test_photos_that_cannot_be_read_or_are_never_quiet_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    unreadable = [{"path": "/photos/a\n.jpg", "reason": "Permission denied"}]
    _, err = told(capsys, unreadable=unreadable, unstable=["/photos/b.jpg"])
    first, second = err.splitlines()
    assert "Permission denied" in first
    assert "/photos/b.jpg keeps changing" in second
