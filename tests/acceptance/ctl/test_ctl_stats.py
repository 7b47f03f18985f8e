"""`photod-ctl stats`: the distribution of an archive."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mounts import Mounts
from photod.photos import Facts

Ctl = Callable[..., subprocess.CompletedProcess[str]]
Archive = Callable[..., Path]


def _archive(archive: Archive) -> Path:
    archive("photos", {"a.jpg": 2.0, "b.jpg": 5.0}, facts=Facts(6, 4, "2019-01-01 00:00:00", "Canon EOS 6D"))
    archive("photos", {"c.jpg": 7.5}, facts=Facts(6, 4, "2020-01-01 00:00:00", "X\x1b-T3"))
    return archive("photos", {"d.jpg": 10.0, "e.jpg": 10.0}, facts=Facts(6, 4), bytes_of={"e.jpg": "d.jpg"})


def test_the_figures_are_those_of_the_archive(ctl: Ctl, archive: Archive) -> None:
    folder = _archive(archive)
    (stats,) = json.loads(ctl("stats", folder, "--json").stdout)
    assert (stats["photos"], stats["median"], stats["mean"]) == (5, 7.5, 6.9)
    assert stats["shares"] == {"5.0": 0.8, "6.0": 0.6, "7.5": 0.6}
    filled = {(bin_["from"], bin_["to"]): bin_["photos"] for bin_ in stats["histogram"] if bin_["photos"]}
    assert filled == {(2.0, 2.5): 1, (5.0, 5.5): 1, (7.5, 8.0): 1, (9.5, 10.0): 2}
    assert stats["years"] == [
        {"year": "2019", "photos": 2, "mean": 3.5},
        {"year": "2020", "photos": 1, "mean": 7.5},
        {"year": None, "photos": 2, "mean": 10.0},
    ]
    assert (stats["duplicate_files"], stats["duplicate_bytes"]) == (1, (folder / "d.jpg").stat().st_size)


def test_the_duplicates_of_a_part_are_those_within_it(ctl: Ctl, archive: Archive) -> None:
    paths = ("a.jpg", "part/b.jpg", "part/sub/c.jpg", "party/d.jpg", "part/other.jpg")
    alike = dict.fromkeys(paths[:4], "the same bytes")
    folder = archive("photos", dict.fromkeys(paths, 5.0), bytes_of=alike)
    size = (folder / "a.jpg").stat().st_size
    for part, files in ((folder, 3), (folder / "part", 1), (folder / "part/sub", 0)):
        (stats,) = json.loads(ctl("stats", part, "--json").stdout)
        assert (stats["duplicate_files"], stats["duplicate_bytes"]) == (files, files * size)


def test_after_a_change_of_model_each_has_figures_and_one_that_has_scored_nothing_none(
    ctl: Ctl, archive: Archive
) -> None:
    archive("photos", {"a.jpg": 2.0, "b.jpg": 4.0}, model="aesclip")
    folder = archive("photos", {}, model="clip")
    assert "model  aesclip, an earlier model" in (text := ctl("stats", folder).stdout)
    assert "no photo is scored yet" not in text
    archive("photos", {"a.jpg": 6.0}, model="clip")
    told = json.loads(ctl("stats", folder, "--json").stdout)
    assert [(stats["model_name"], stats["model_is_current"], stats["photos"]) for stats in told] == [
        ("clip", True, 1),
        ("aesclip", False, 1),
    ]


def test_several_folders_are_counted_together(ctl: Ctl, archive: Archive) -> None:
    one, two = archive("one", {"a.jpg": 2.0}), archive("two", {"b.jpg": 4.0, "c.jpg": 6.0})
    (stats,) = json.loads(ctl("stats", one, two, "--json").stdout)
    assert (stats["photos"], stats["median"]) == (3, 4.0)
    assert stats["cameras"] == [{"camera": "Canon EOS 6D", "photos": 3, "mean": 4.0}]


def test_the_table_draws_the_histogram_within_80_columns(ctl: Ctl, archive: Archive) -> None:
    text = ctl("stats", _archive(archive)).stdout
    assert "median  7.50, mean 6.90" in text
    assert " 9.5 to 10.0  ██████████████████████████████████████████████ 2" in text
    assert r"X\x1b-T3" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_histogram_fits_a_narrow_terminal(ctl: Ctl, archive: Archive, environment: dict[str, str]) -> None:
    environment["COLUMNS"] = "40"
    text = ctl("stats", _archive(archive)).stdout
    assert " 9.5 to 10.0  ████████████████████████ 2" in text
    assert max(map(len, text.splitlines())) == 40


def test_cameras_that_are_seldom_used_are_counted_together(ctl: Ctl, archive: Archive) -> None:
    for number in range(15):
        folder = archive("photos", {f"{number}a": 5.0, f"{number}b": 5.0}, facts=Facts(6, 4, camera=f"X{number}"))
    archive("photos", {"c": 2.0}, facts=Facts(6, 4, camera="Y"))
    assert ctl("stats", folder).stdout.splitlines()[-1].split() == ["Y", "1", "2.00"]
    archive("photos", {"d": 4.0, "e": 6.0}, facts=Facts(6, 4, camera="Z"))
    assert ctl("stats", folder).stdout.splitlines()[-1].split() == ["2", "others", "3", "4.00"]
    (stats,) = json.loads(ctl("stats", folder, "--json").stdout)
    assert len(stats["cameras"]) == 17


def test_an_archive_without_scores_is_no_error(ctl: Ctl, archive: Archive) -> None:
    run = ctl("stats", archive("photos", {}))
    assert (run.returncode, run.stdout) == (0, "no photo is scored yet\n")


def test_the_histogram_is_drawn_as_a_picture(ctl: Ctl, archive: Archive, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="--png needs matplotlib, which is not required")
    run = ctl("stats", _archive(archive), "--png", "scores.png")
    assert run.returncode == 0
    assert (tmp_path / "scores.png").read_bytes().startswith(b"\x89PNG")
    assert ctl("stats", "photos", "--png", "scores.png").returncode == 0
    assert ctl("stats", "photos", "--png", "nowhere/scores.png").returncode == 2


def test_a_full_disk_keeps_the_histogram_of_before_and_nothing_half(
    ctl: Ctl, archive: Archive, mounts: Mounts, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib", reason="--png needs matplotlib, which is not required")
    mounts(disk := tmp_path / "disk", "-t", "tmpfs", "-o", "size=64k", "none")
    folder = _archive(archive)
    assert ctl("stats", folder, "--png", "disk/scores.png").returncode == 0
    before = (disk / "scores.png").read_bytes()
    room = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    (disk / "others").write_bytes(bytes(room))
    for name in ("scores.png", "more.png"):
        full = ctl("stats", folder, "--png", f"disk/{name}")
        words = f"cannot write disk/{name}: No space left on device; make room, then try again\n"
        assert (full.returncode, full.stderr.endswith(words)) == (2, True)
    assert sorted(path.name for path in disk.iterdir()) == ["others", "scores.png"]
    assert (disk / "scores.png").read_bytes() == before


def test_a_histogram_is_drawn_where_a_link_leads(ctl: Ctl, archive: Archive, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="--png needs matplotlib, which is not required")
    (tmp_path / "link.png").symlink_to("scores.png")
    assert ctl("stats", _archive(archive), "--png", "link.png").returncode == 0
    assert (tmp_path / "scores.png").read_bytes().startswith(b"\x89PNG")


def test_a_missing_library_is_installed_into_the_python_that_runs(
    ctl: Ctl, archive: Archive, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden/matplotlib.py").write_text("raise ImportError\n")
    environment["PYTHONPATH"] = os.pathsep.join(
        filter(None, (str(tmp_path / "hidden"), environment.get("PYTHONPATH")))
    )
    run = ctl("stats", archive("photos", {"a.jpg": 2.0}, model="openai"), "--png", "scores.png")
    assert (run.returncode, run.stderr.count("\n")) == (2, 1)
    assert f"{sys.executable} -m pip install matplotlib" in run.stderr


def test_a_photo_is_not_replaced_by_the_histogram(ctl: Ctl, archive: Archive, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="--png needs matplotlib, which is not required")
    photo = tmp_path / "photo.png"
    photo.write_bytes(before := b"\x89PNG\r\n\x1a\n and its pixels")
    run = ctl("stats", _archive(archive), "--png", "photo.png")
    assert (run.returncode, photo.read_bytes()) == (2, before)
    assert "photo.png is there, and is no histogram" in run.stderr


@pytest.mark.parametrize("place", ["directory", "pipe"])
def test_the_histogram_is_drawn_in_a_file_only(ctl: Ctl, archive: Archive, tmp_path: Path, place: str) -> None:
    pytest.importorskip("matplotlib", reason="--png needs matplotlib, which is not required")
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "pipe")
    run = ctl("stats", _archive(archive), "--png", place)
    assert run.returncode == 2
    assert f"photod-ctl: {place} is not a file; name one, such as scores.png\n" in run.stderr
