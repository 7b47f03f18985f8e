"""`photod-ctl top --copy`, `--link` and `--m3u`: what becomes of a ranking elsewhere."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

Ctl = Callable[..., subprocess.CompletedProcess[str]]
Archive = Callable[..., Path]


def test_copies_and_links_are_named_by_rank_and_overwrite_nothing(
    ctl: Ctl, archive: Archive, tmp_path: Path
) -> None:
    folder = archive("photos", {"a.jpg": 9.0, "sub/a.jpg": 8.0, "gone.jpg": 7.0})
    (folder / "gone.jpg").unlink()
    copied = ctl("top", folder, "--copy", "best")
    assert copied.stdout == "copied 2 photos to best\n"
    assert "gone.jpg is not there, left out" in copied.stderr
    assert sorted(path.name for path in (tmp_path / "best").iterdir()) == ["1 a.jpg", "2 a.jpg"]
    assert ctl("top", folder, "--copy", "best").returncode == 0  # again: they are there already
    (tmp_path / "best/1 a.jpg").write_bytes(b"something else")
    refused = ctl("top", folder, "--copy", "best")
    assert (refused.returncode, "exists already" in refused.stderr) == (2, True)
    assert (tmp_path / "best/1 a.jpg").read_bytes() == b"something else"
    assert ctl("top", folder, "--link", "links").stdout == "linked 2 photos in links\n"
    assert os.readlink(tmp_path / "links/2 a.jpg") == str(folder / "sub/a.jpg")


def test_a_playlist_names_the_photos_in_order(ctl: Ctl, archive: Archive, tmp_path: Path) -> None:
    folder = archive("photos", {"a.jpg": 8.0, "caf\udce9.jpg": 9.0, "new\nline.jpg": 7.0})
    run = ctl("top", folder, "--m3u", "best.m3u")
    expected = [b"#EXTM3U", os.fsencode(f"{folder}/caf\udce9.jpg"), os.fsencode(f"{folder}/a.jpg"), b""]
    assert (tmp_path / "best.m3u").read_bytes().split(b"\n") == expected
    assert "a playlist cannot name it" in run.stderr
    assert ctl("top", folder, "--m3u", "best.m3u").returncode == 2


def test_another_photo_of_the_same_name_and_size_is_no_earlier_copy(
    ctl: Ctl, archive: Archive, tmp_path: Path
) -> None:
    first, second = archive("first", {"a.jpg": 9.0}), archive("second", {"a.jpg": 9.0})
    (first / "a.jpg").write_bytes(b"first ")
    (second / "a.jpg").write_bytes(b"second")
    os.utime(second / "a.jpg", ns=(0, (first / "a.jpg").stat().st_mtime_ns))
    assert ctl("top", first, "--copy", "best").returncode == 0
    refused = ctl("top", second, "--copy", "best")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "1 a.jpg exists already; name an empty directory" in refused.stderr
    assert (tmp_path / "best/1 a.jpg").read_bytes() == b"first "
