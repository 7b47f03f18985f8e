"""`photod-ctl top --copy`, `--link` and `--m3u`: what becomes of a ranking elsewhere."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mounts import Mounts
from photod_ctl.collect import numbered
from waiting import wait_until

Ctl = Callable[..., subprocess.CompletedProcess[str]]
Archive = Callable[..., Path]


def test_copies_and_links_are_named_by_rank_and_overwrite_nothing(
    ctl: Ctl, archive: Archive, tmp_path: Path
) -> None:
    folder = archive("photos", {"a.jpg": 9.0, "sub/a.jpg": 8.0, "gone.jpg": 7.0})
    (folder / "gone.jpg").unlink()
    os.utime(folder / "a.jpg", (1e9, 1e9))
    copied = ctl("top", folder, "--copy", "best")
    assert copied.stdout == "copied 2 photos to best\n"
    assert "gone.jpg is not there, left out" in copied.stderr
    assert sorted(path.name for path in (tmp_path / "best").iterdir()) == ["1 a.jpg", "2 a.jpg"]
    assert (tmp_path / "best/1 a.jpg").stat().st_mtime == 1e9
    assert ctl("top", folder, "--copy", "best").stdout == "copied 0 photos to best, 2 there already\n"
    (tmp_path / "best/1 a.jpg").write_bytes(b"something else")
    refused = ctl("top", folder, "--copy", "best")
    assert (refused.returncode, "exists already" in refused.stderr) == (2, True)
    assert (tmp_path / "best/1 a.jpg").read_bytes() == b"something else"
    assert ctl("top", folder, "--link", "links").stdout == "linked 2 photos in links\n"
    assert ctl("top", folder, "--link", "links").stdout == "linked 0 photos in links, 2 there already\n"
    assert os.readlink(tmp_path / "links/2 a.jpg") == str(folder / "sub/a.jpg")


@pytest.mark.parametrize("option", ["--copy", "--link"])
def test_that_what_is_put_among_the_photos_is_ranked_too_is_said(ctl: Ctl, archive: Archive, option: str) -> None:
    folder = archive("photos", {"a.jpg": 9.0}, model="aesclip")
    words = "is in {0}: unless it is excluded, what is put there is scored and ranked, too\n"
    for place in ("new/best", "."):
        told = ctl("top", folder, option, folder / place).stderr
        assert told == f"photod-ctl: {folder / place} {words.format(folder)}"
    assert ctl("top", folder, option, "photos/there").stderr == f"photod-ctl: photos/there {words.format(folder)}"
    assert ctl("top", folder, option, "photos, the best").stderr == ""


def test_where_there_is_nothing_to_copy_no_directory_is_made(ctl: Ctl, archive: Archive, tmp_path: Path) -> None:
    folder = archive("photos", {"a.jpg": 9.0})
    run = ctl("top", folder, "--year", "1999", "--copy", "best", "--m3u", "best.m3u")
    assert (run.returncode, run.stderr.splitlines()[-1]) == (
        0,
        "photod-ctl: no photo is ranked within these limits",
    )
    assert not (tmp_path / "best").exists()
    assert (tmp_path / "best.m3u").read_text() == "#EXTM3U\n"


def test_a_playlist_names_the_photos_in_order(ctl: Ctl, archive: Archive, tmp_path: Path) -> None:
    folder = archive("photos", {"a.jpg": 8.0, "caf\udce9.jpg": 9.0, "new\nline.jpg": 7.0})
    run = ctl("top", folder, "--m3u", "best.m3u")
    expected = [b"#EXTM3U", os.fsencode(f"{folder}/caf\udce9.jpg"), os.fsencode(f"{folder}/a.jpg"), b""]
    assert (tmp_path / "best.m3u").read_bytes().split(b"\n") == expected
    assert "a playlist cannot name it" in run.stderr
    assert ctl("top", folder, "--m3u", "best.m3u").returncode == 2


@pytest.mark.parametrize("earlier", [b"first ", b"second, and more"])
def test_another_photo_of_the_same_name_is_no_earlier_copy(
    ctl: Ctl, archive: Archive, tmp_path: Path, earlier: bytes
) -> None:
    """Not if it is of the same size and time, nor if it only begins like the photo."""
    first, second = archive("first", {"a.jpg": 9.0}), archive("second", {"a.jpg": 9.0})
    (first / "a.jpg").write_bytes(earlier)
    (second / "a.jpg").write_bytes(b"second")
    os.utime(second / "a.jpg", ns=(0, (first / "a.jpg").stat().st_mtime_ns))
    assert ctl("top", first, "--copy", "new/best").returncode == 0
    refused = ctl("top", second, "--copy", "new/best")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "1 a.jpg exists already; name an empty directory" in refused.stderr
    assert (tmp_path / "new/best/1 a.jpg").read_bytes() == earlier


def test_a_link_that_leads_nowhere_is_not_overwritten_either(ctl: Ctl, archive: Archive, tmp_path: Path) -> None:
    folder = archive("photos", {"a.jpg": 9.0})
    (tmp_path / "best").mkdir()
    (tmp_path / "best/1 a.jpg").symlink_to("a drive that is away")
    assert "1 a.jpg exists already" in ctl("top", folder, "--copy", "best").stderr
    assert os.readlink(tmp_path / "best/1 a.jpg") == "a drive that is away"


def test_names_sort_in_the_order_of_the_photos_and_a_tilde_is_the_home(
    ctl: Ctl, archive: Archive, environment: dict[str, str]
) -> None:
    """A shell leaves it in --copy=~/best."""
    folder = archive("photos", {f"{n}.jpg": 10.0 - n for n in range(10)})
    assert ctl("top", folder, "-n", "10", "--link=~/new/best", "--m3u=~/best.m3u").returncode == 0
    home = Path(environment["HOME"])
    names = sorted(path.name for path in (home / "new/best").iterdir())
    assert names == [f"{n + 1:02} {n}.jpg" for n in range(10)]
    assert (home / "best.m3u").exists()


def test_a_link_to_another_photo_is_no_earlier_link(ctl: Ctl, archive: Archive, tmp_path: Path) -> None:
    first, second = archive("first", {"a.jpg": 9.0}), archive("second", {"a.jpg": 9.0})
    for _ in range(2):
        assert ctl("top", first, "--link", "links").returncode == 0
    refused = ctl("top", second, "--link", "links")
    assert (refused.returncode, "1 a.jpg exists already" in refused.stderr) == (2, True)
    assert os.readlink(tmp_path / "links/1 a.jpg") == str(first / "a.jpg")


@pytest.fixture
def slow_photo(archive: Archive) -> Path:
    """The only one of its folder, with bytes that come when somebody writes them."""
    photo = archive("photos", {"a.jpg": 9.0}) / "a.jpg"
    photo.unlink()
    os.mkfifo(photo)
    return photo


def test_a_copy_that_is_interrupted_leaves_nothing_behind_and_ends_with_130(
    slow_photo: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    best = tmp_path / "best"
    command = [sys.executable, "-m", "photod_ctl", "top", str(slow_photo.parent), "--copy", "best"]
    with (
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, cwd=tmp_path) as process,
        open(slow_photo, "wb") as photo,  # as long as this is open, the copy waits for more
    ):
        photo.write(bytes(3 << 20))
        photo.flush()
        wait_until(lambda: any(best.glob("*")))
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    assert list(best.iterdir()) == []


def test_what_somebody_puts_there_while_a_photo_is_copied_is_not_overwritten(
    slow_photo: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    best = tmp_path / "best"
    command = [sys.executable, "-m", "photod_ctl", "top", str(slow_photo.parent), "--copy", "best"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, cwd=tmp_path, text=True) as process:
        with open(slow_photo, "wb") as photo:
            wait_until(lambda: any(best.glob(".*")))
            (best / "1 a.jpg").write_bytes(b"somebody's")
            photo.write(b"a photo")
        _, told = process.communicate(timeout=60)
    assert process.returncode == 2
    assert told.endswith("photod-ctl: best/1 a.jpg exists already; name an empty directory\n")
    assert [(path.name, path.read_bytes()) for path in best.iterdir()] == [("1 a.jpg", b"somebody's")]


def test_a_full_disk_keeps_no_half_a_photo_and_the_same_command_goes_on(
    ctl: Ctl, archive: Archive, mounts: Mounts, tmp_path: Path
) -> None:
    mounts(best := tmp_path / "best", "-t", "tmpfs", "-o", "size=1m", "none")
    folder = archive("photos", {"a.jpg": 9.0, "b.jpg": 8.0})
    for name in ("a.jpg", "b.jpg"):
        (folder / name).write_bytes(bytes(700_000))
    full = ctl("top", folder, "--copy", "best")
    assert (full.returncode, full.stdout) == (2, "")
    assert full.stderr.endswith("cannot write best/2 b.jpg: No space left on device; make room, then try again\n")
    assert [path.name for path in best.iterdir()] == ["1 a.jpg"]
    mounts.remount(best, "size=2m")
    assert ctl("top", folder, "--copy", "best").stdout == "copied 1 photo to best, 1 there already\n"


def test_a_full_disk_keeps_no_half_a_playlist(ctl: Ctl, archive: Archive, mounts: Mounts, tmp_path: Path) -> None:
    mounts(disk := tmp_path / "disk", "-t", "tmpfs", "-o", "size=64k", "none")
    (disk / "others").write_bytes(bytes(64 << 10))
    folder = archive("photos", {"a.jpg": 9.0})
    full = ctl("top", folder, "--m3u", "disk/best.m3u")
    assert (full.returncode, full.stdout) == (2, "")
    words = "cannot write disk/best.m3u: No space left on device; make room, then try again\n"
    assert full.stderr.endswith(words)
    assert [path.name for path in disk.iterdir()] == ["others"]
    (disk / "others").unlink()
    assert ctl("top", folder, "--m3u", "disk/best.m3u").stdout == "wrote 1 path to disk/best.m3u\n"


def test_a_playlist_on_standard_output_has_nothing_else_in_it(ctl: Ctl, archive: Archive, tmp_path: Path) -> None:
    folder = archive("photos", {"caf\udce9.jpg": 9.0})
    playlist = f"#EXTM3U\n{folder}/caf\udce9.jpg\n"
    assert ctl("top", folder, "--m3u", "-").stdout == playlist
    both = ctl("top", folder, "--copy", "best", "--m3u", "-")
    assert (both.stdout, both.stderr.splitlines()[-1]) == (playlist, "copied 1 photo to best")
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize("option", ["--copy", "--link"])
def test_what_cannot_be_written_is_blamed_and_not_the_photo(
    ctl: Ctl, archive: Archive, mounts: Mounts, tmp_path: Path, option: str
) -> None:
    mounts(best := tmp_path / "best", "-t", "tmpfs", "none")
    folder = archive("photos", {"a.jpg": 9.0})
    (best / "1 a.jpg").write_bytes(b"somebody's")
    there = ctl("top", folder, option, "best")
    assert there.stderr.endswith("photod-ctl: best/1 a.jpg exists already; name an empty directory\n")
    (best / "1 a.jpg").unlink()
    mounts.remount(best, "ro")
    refused = ctl("top", folder, option, "best")
    words = "cannot write best/1 a.jpg: Read-only file system; name a place that you can write"
    assert (refused.returncode, refused.stderr.splitlines()[-1]) == (2, f"photod-ctl: {words}")


@pytest.mark.parametrize("option", ["--copy", "--link"])
def test_a_photo_that_cannot_be_read_keeps_no_other_from_being_placed(
    ctl: Ctl, archive: Archive, tmp_path: Path, option: str
) -> None:
    folder = archive("photos", {"a.jpg": 9.0, "b.jpg": 8.0, "c.jpg": 7.0})
    (folder / "b.jpg").unlink()
    (folder / "b.jpg").symlink_to("b.jpg")  # which refuses root, too
    run = ctl("top", folder, option, "best")
    assert run.returncode == 0
    assert f"{folder}/b.jpg cannot be read: Too many levels of symbolic links, left out\n" in run.stderr
    assert sorted(path.name for path in (tmp_path / "best").iterdir()) == ["1 a.jpg", "3 c.jpg"]


def test_a_name_with_no_room_for_a_number_is_cut_before_its_suffix(
    ctl: Ctl, archive: Archive, tmp_path: Path
) -> None:
    folder = archive("photos", {f"{'x' * 250}.jpg": 9.0})
    assert ctl("top", folder, "--copy", "best").returncode == 0
    assert [path.name for path in (tmp_path / "best").iterdir()] == [f"1 {'x' * 249}.jpg"]


@pytest.mark.parametrize(
    ("name", "cut"),
    [
        ("a.jpg", "10 a.jpg"),
        ("ä" * 125 + ".jpg", "10 " + "ä" * 124 + ".jpg"),
        ("x\udcff" * 125 + ".jpg", "10 " + "x\udcff" * 124 + ".jpg"),
        ("." + "x" * 253, "10 ." + "x" * 251),
    ],
)
def test_a_name_is_cut_between_characters(name: str, cut: str) -> None:
    assert numbered("10", name) == cut
    assert len(os.fsencode(cut)) <= 255
