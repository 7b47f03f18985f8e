"""`photod-ctl purge` without a daemon: what is missing is dropped by a process of its own."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from other_program import opened
from photod.store.writer import Writer
from programs import write_config

Ctl = Callable[..., subprocess.CompletedProcess[str]]
Archive = Callable[..., Path]


@pytest.mark.usefixtures("without_model")
def test_without_a_daemon_missing_photos_are_purged_all_the_same(ctl: Ctl, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    (folder / "part").mkdir(parents=True)
    for level, name in enumerate(("a.jpg", "part/b.jpg", "part/c.jpg")):
        Image.new("L", (64, 64), level).save(folder / name)
    ctl("rate", "photos")
    (folder / "a.jpg").unlink()
    (folder / "part/b.jpg").unlink()
    ctl("rate", "photos")
    assert ctl("purge", "photos/part").stdout == f"dropped 1 missing photo of {folder}/part\n"
    assert ctl("purge", "photos").stdout == f"dropped 1 missing photo of {folder}\n"
    assert ctl("purge", "photos").stdout == f"dropped no photo of {folder}\n"
    assert [Path(photo["path"]).name for photo in json.loads(ctl("top", "photos", "--json").stdout)] == ["c.jpg"]


@pytest.mark.usefixtures("without_model")
def test_a_folder_that_is_away_keeps_no_other_from_being_purged(ctl: Ctl, archive: Archive, tmp_path: Path) -> None:
    drive, photos = archive("drive", {"a.jpg": 3.0}), archive("photos", {"a.jpg": 3.0})
    for folder in (drive, photos):
        (folder / "a.jpg").unlink()
        with closing(Writer(folder / ".photod/photos.db")) as writer:
            writer.mark_missing(["a.jpg"])
    # The drive's scores lie apart, as those of a network drive do.
    apart = tmp_path / "home/.local/state/photod/folders" / hashlib.sha256(os.fsencode(drive)).hexdigest()[:16]
    shutil.copytree(drive / ".photod", apart)
    shutil.rmtree(drive)
    run = ctl("purge", "--config", write_config(tmp_path / "config.toml", drive, photos))
    assert (run.returncode, run.stdout) == (0, f"dropped 1 missing photo of {photos}\n")
    assert run.stderr == f"photod-ctl: {drive} is not there, left out\n"


def test_a_purge_says_why_its_own_process_cannot_do_it(ctl: Ctl, archive: Archive, tmp_path: Path) -> None:
    folder = archive("photos", {"a.jpg": 3.0})
    with opened(folder / ".photod/photos.db") as database:
        database.execute("UPDATE photo SET missing_since = 1")
    holder = Writer(folder / ".photod/photos.db")
    run = ctl("purge", "photos")
    holder.close()
    assert (run.returncode, run.stdout, run.stderr.count("\n")) == (75, "", 1)
    assert f"process {os.getpid()}" in run.stderr


@pytest.mark.usefixtures("without_model")
def test_a_purge_counts_only_what_it_dropped_and_photos_that_are_merely_hidden_stay(
    ctl: Ctl, archive: Archive
) -> None:
    folder = archive("photos", {"gone.jpg": 3.0, "hidden.jpg": 3.0})
    (folder / "gone.jpg").unlink()
    with closing(Writer(folder / ".photod/photos.db")) as writer:
        writer.mark_missing(["gone.jpg", "hidden.jpg"])
    assert ctl("purge", "photos").stdout == f"dropped 1 missing photo of {folder}\n"
    assert "left out since" in ctl("show", folder / "hidden.jpg").stdout
