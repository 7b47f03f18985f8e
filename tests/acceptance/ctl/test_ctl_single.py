"""`photod-ctl rate FILE`: the score of a single photo, of an archive or of none."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from mounts import Mounts
from programs import BOUND

Ctl = Callable[..., subprocess.CompletedProcess[str]]
Archive = Callable[..., Path]

AS_ANYBODY = BOUND if os.getuid() == 0 else []


@pytest.mark.usefixtures("without_model")
def test_a_single_photo_s_score_is_printed_and_nothing_is_left_behind(ctl: Ctl, tmp_path: Path) -> None:
    Image.radial_gradient("L").save(tmp_path / "photo.png")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    alone = ctl("rate", "photo.png")
    assert re.fullmatch(r"\d+\.\d\d  photo\.png\n", alone.stdout)
    broken = ctl("rate", "broken.jpg")
    assert (broken.returncode, broken.stdout) == (2, "")
    assert "broken.jpg cannot be scored" in broken.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.jpg", "home", "photo.png"]
    assert json.loads((tmp_path / "home/.local/state/photod/folders.json").read_text()) == {}


def test_a_file_that_is_no_photo_by_its_name_is_refused_before_anything_is_started(
    ctl: Ctl, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("not a photo")
    run = ctl("rate", "notes.txt")
    assert (run.returncode, run.stdout) == (2, "")
    told = f"{tmp_path}/notes.txt is no photo by its name; name one, such as photo.jpg"
    assert run.stderr == f"photod-ctl: {told}\n"
    assert not (tmp_path / "home/.local").exists()


@pytest.mark.usefixtures("without_model")
@pytest.mark.parametrize("name", [".hidden.png", "~$open.png"])
def test_a_single_photo_that_would_be_left_out_of_a_folder_is_scored(ctl: Ctl, tmp_path: Path, name: str) -> None:
    Image.radial_gradient("L").save(tmp_path / name)
    run = ctl("rate", name)
    assert (run.returncode, run.stdout[-len(name) - 3 :]) == (0, f"  {name}\n")


@pytest.mark.usefixtures("without_model")
def test_a_single_photo_is_no_part_of_an_archive_that_temporary_files_lie_in(
    ctl: Ctl, tmp_path: Path, environment: dict[str, str]
) -> None:
    Image.radial_gradient("L").save(tmp_path / "photo.png")
    (tmp_path / "tmp/.photod").mkdir(parents=True)
    environment["TMPDIR"] = str(tmp_path / "tmp")
    assert ctl("rate", "photo.png").returncode == 0
    assert [path.name for path in (tmp_path / "tmp").rglob("*")] == [".photod"]


def test_a_single_photo_that_cannot_be_read_is_one_line(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "closed.jpg").touch(0o000)
    run = subprocess.run(
        [*AS_ANYBODY, sys.executable, "-m", "photod_ctl", "rate", "closed.jpg"],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    told = f"{tmp_path}/closed.jpg cannot be read: Permission denied; check its permissions"
    assert (run.returncode, run.stderr) == (2, f"photod-ctl: {told}\n")


def test_a_full_disk_for_temporary_files_is_not_blamed_on_the_photo(
    ctl: Ctl, mounts: Mounts, tmp_path: Path, environment: dict[str, str]
) -> None:
    mounts(disk := tmp_path / "disk", "-t", "tmpfs", "-o", "size=64k", "none")
    environment["TMPDIR"] = str(disk)
    (tmp_path / "photo.jpg").write_bytes(bytes(128 << 10))
    run = ctl("rate", "photo.jpg")
    assert (run.returncode, run.stdout, run.stderr.count("\n")) == (2, "", 1)
    assert run.stderr.startswith(f"photod-ctl: cannot write {disk}/photod-")
    assert run.stderr.endswith("/photo.jpg: No space left on device; make room, then try again\n")
    assert list(disk.iterdir()) == []


@pytest.mark.usefixtures("without_model")
def test_a_single_photo_of_an_archive_has_the_score_it_has_there_until_it_changes(
    ctl: Ctl, archive: Archive, tmp_path: Path
) -> None:
    folder = archive("photos", {"sub/a.jpg": 4.25}, {"b.jpg": "truncated"})
    (tmp_path / "link").symlink_to(folder / "sub")
    assert json.loads(ctl("rate", "link/a.jpg", "--json").stdout)["score"] == 4.25
    assert "b.jpg cannot be scored: truncated" in ctl("rate", folder / "b.jpg").stderr
    (folder / "sub/a.jpg").write_bytes(b"another file")
    assert "a.jpg cannot be scored: not a picture" in ctl("rate", "link/a.jpg").stderr
