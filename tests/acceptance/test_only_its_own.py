"""photod writes in its own directory and nowhere else; users' photos are only ever read."""

import hashlib
import os
from pathlib import Path

import pytest

from mounts import Mounts
from pictures import make_photo
from programs import FAKED, photod, photod_ctl, write_config
from running import ranking
from synthetic_clip import SMALL, make_state, save_directory

Look = dict[str, tuple[object, ...]]  # path -> what is there


@pytest.fixture
def photos(folder: Path) -> Path:
    """A tree of photos, good and bad."""
    for level in range(20):
        make_photo(folder / f"{level % 3}/{level}.jpg", 10 * level)
    (folder / "0/broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    (folder / "1/link.jpg").symlink_to("1.jpg")
    (folder / "notes.txt").write_text("not a photo")
    return folder


def look_at(tree: Path, without: Path) -> Look:
    """Contents, names, kinds, modes, owners and times of change of everything in a tree but one directory."""
    seen: Look = {}
    for place, directories, files in os.walk(tree):
        directories[:] = [name for name in directories if Path(place, name) != without]
        for name in (*directories, *files):
            path = Path(place, name)
            status = path.lstat()
            content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
            facts = (status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns, status.st_nlink)
            seen[str(path)] = (content, *facts, os.listxattr(path, follow_symlinks=False))
    return seen


def do_everything(folder: Path, config: Path) -> None:
    """Score, ask in every way, score again."""
    for _ in range(2):
        done = photod("run", "--once", folder, "--config", config, program=FAKED)
        assert done.returncode == 0, done.stderr
    for words in (
        ["top", folder],
        ["failed", folder],
        ["show", folder / "0/0.jpg"],
        ["verify", folder],
        ["status"],
    ):
        asked = photod_ctl(*words, "--config", config)
        assert asked.returncode == 0, asked.stderr


def test_nothing_outside_its_directory_is_touched(photos: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path / "config.toml", photos)
    own = photos / ".photod"
    own.mkdir()
    before = look_at(tmp_path, without=own)
    do_everything(photos, config)
    assert look_at(tmp_path, without=own) == before
    assert len(ranking(photos)) == 21


def test_a_folder_is_scored_whose_every_other_byte_is_read_only(
    photos: Path, tmp_path: Path, mounts: Mounts
) -> None:
    config = write_config(tmp_path / "config.toml", photos)
    (photos / ".photod").mkdir()
    mounts(photos, "--bind", str(photos))
    mounts(photos / ".photod", "-t", "tmpfs", "-o", "size=8m", "none")
    mounts.remount(photos, "bind,ro")
    with pytest.raises(OSError, match="Read-only"):
        (photos / "new.jpg").touch()
    before = look_at(photos, without=photos / ".photod")
    do_everything(photos, config)
    assert look_at(photos, without=photos / ".photod") == before
    assert len(ranking(photos)) == 21


def test_a_wholly_read_only_folder_is_scored_with_its_database_elsewhere(
    photos: Path, tmp_path: Path, mounts: Mounts
) -> None:
    config = write_config(tmp_path / "config.toml", photos)
    config.write_text(config.read_text().replace(f'["{photos}"]', f'[{{path = "{photos}", database = "state"}}]'))
    mounts(photos, "--bind", str(photos))
    mounts.remount(photos, "bind,ro")
    do_everything(photos, config)
    top = photod_ctl("top", photos, "--config", config, "--paths")
    assert len(top.stdout.splitlines()) == 21
    assert not (photos / ".photod").exists()


def test_the_libraries_of_a_model_leave_no_directory_of_temporary_files(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)  # as whoever imported torch here left it
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    save_directory(tmp_path / "weights", SMALL, make_state(SMALL))
    model = f'[model]\nweights = "local-dir:{tmp_path}/weights"\ndevices = "cpu"\n'
    config = write_config(tmp_path / "config.toml", photos, more=model)
    done = photod("run", "--once", photos, "--config", config)
    assert done.returncode == 0, done.stderr
    assert not list((tmp_path / "temporary").iterdir())
    assert len(ranking(photos)) == 21
