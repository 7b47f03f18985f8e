"""`photod-ctl failed`, `show` and `status`, with the daemon down."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photod.photos import EMBEDDING_DTYPE
from photod.store.writer import Writer

Ctl = Callable[..., subprocess.CompletedProcess[str]]
Archive = Callable[..., Path]


def test_failed_lists_each_photo_with_its_reason(ctl: Ctl, archive: Archive) -> None:
    folder = archive("photos", {"a.jpg": 1.0}, {"sub/b.jpg": "image file is truncated", "c\n.jpg": "empty"})
    failed = json.loads(ctl("failed", folder, "--json").stdout)
    assert [(f["path"], f["reason"]) for f in failed] == [
        (f"{folder}/c\n.jpg", "empty"),
        (f"{folder}/sub/b.jpg", "image file is truncated"),
    ]
    assert all(len(f["sha256"]) == 64 for f in failed)
    assert rf"{folder}/c\n.jpg" in ctl("failed", folder).stdout
    below = json.loads(ctl("failed", folder / "sub", "--json").stdout)
    assert [f["path"] for f in below] == [f"{folder}/sub/b.jpg"]


def test_failed_says_when_there_is_nothing_to_list(ctl: Ctl, archive: Archive) -> None:
    run = ctl("failed", archive("photos", {"a.jpg": 1.0}))
    assert (run.returncode, run.stdout) == (0, "no photo failed\n")


def test_show_tells_score_place_model_and_dates(ctl: Ctl, archive: Archive) -> None:
    folder = archive("photos", {"a.jpg": 4.0, "b.jpg": 6.0, "copy.jpg": 4.0}, bytes_of={"copy.jpg": "a.jpg"})
    shown = json.loads(ctl("show", folder / "a.jpg", "--json").stdout)
    assert (shown["score"], shown["rank"], shown["ranked"]) == (4.0, 2, 3)
    assert round(shown["percentile"], 3) == 66.667
    assert shown["model"]["prompts"] == [["good image", "bad image"]]
    assert shown["copies"] == [f"{folder}/copy.jpg"]
    assert shown["taken"] == "2021-02-03 04:05:06"
    assert shown["scored_at"] >= shown["first_seen_at"] > 0
    text = ctl("show", folder / "a.jpg").stdout
    assert "2 of 3, percentile 66.7" in text
    assert "“good image” against “bad image”" in text


def test_show_tells_earlier_scores_and_what_the_file_held_before(ctl: Ctl, archive: Archive) -> None:
    archive("photos", {"a.jpg": 3.0}, bytes_of={"a.jpg": "before it was edited"})
    archive("photos", {"a.jpg": 4.0}, model="of old")
    folder = archive("photos", {"a.jpg": 6.0})
    shown = json.loads(ctl("show", folder / "a.jpg", "--json").stdout)
    (score,), (content,) = shown["earlier_scores"], shown["earlier_contents"]
    assert (shown["score"], score["score"], score["model"]["name"]) == (6.0, 4.0, "of old")
    assert (content["score"], content["sha256"]) == (3.0, hashlib.sha256(b"before it was edited").hexdigest())
    assert content["replaced_at"] > 0
    text = ctl("show", folder / "a.jpg").stdout
    assert re.search(r"earlier score  4\.00 on 20[-0-9]+ [:0-9]+ by of old \(ViT-B-16, weights \w{12}\)\n", text)
    before = content["sha256"][:12]
    assert re.search(rf"held before  score 3\.00, until 20[-0-9]+ [:0-9]+, sha256 {before}\n", text)


def test_show_names_the_photos_that_look_most_like_it(ctl: Ctl, archive: Archive) -> None:
    for name, direction in {"a": (1, 0), "near": (0.96, 0.28), "far": (0, 1), "copy": (1, 0)}.items():
        embedding = np.array(direction, EMBEDDING_DTYPE).tobytes()
        archive("photos", {f"{name}.jpg": 5.0}, embedding=embedding, bytes_of={"copy.jpg": "a.jpg"})
    shown = json.loads(ctl("show", "photos/a.jpg", "--neighbours", "2", "--json").stdout)
    found = [(Path(n["path"]).name, round(n["cosine"], 2)) for n in shown["neighbours"]]
    assert found == [("near.jpg", 0.96), ("far.jpg", 0.0)]
    assert "most like it" in ctl("show", "photos/a.jpg").stdout
    assert json.loads(ctl("show", "photos/a.jpg", "--neighbours", "0", "--json").stdout)["neighbours"] == []


def test_show_names_what_pulled_the_score_of_the_built_in_model_down(ctl: Ctl, demo: Path, tmp_path: Path) -> None:
    (found,) = demo.rglob("avenue.jpg")
    (tmp_path / "photos").mkdir()
    good = shutil.copy(found, tmp_path / "photos" / "good.jpg")
    with Image.open(good) as image:
        image.point(lambda value: value // 9).save(tmp_path / "photos" / "dark.jpg", quality=92)
    assert ctl("rate", "photos").returncode == 0
    shown = json.loads(ctl("show", "photos/dark.jpg", "--json").stdout)
    assert "dark" in shown["faults"]
    assert len(shown["faults"]) <= 2
    assert "dark" in ctl("show", "photos/dark.jpg").stdout.split("pulled down")[1].splitlines()[0]
    assert json.loads(ctl("show", good, "--json").stdout)["faults"] == []


def test_show_tells_why_a_photo_has_no_score(ctl: Ctl, archive: Archive) -> None:
    folder = archive("photos", {}, {"a.jpg": "image file is truncated"})
    assert "cannot be scored  image file is truncated" in ctl("show", folder / "a.jpg").stdout
    shown = json.loads(ctl("show", folder / "a.jpg", "--json").stdout)
    assert (shown["state"], shown["score"], shown["model"]) == ("unscoreable", None, None)


def test_show_tells_a_photo_that_is_hidden_from_one_that_is_gone(ctl: Ctl, archive: Archive) -> None:
    folder = archive("photos", {"a.jpg": 4.0})
    with closing(Writer(folder / ".photod/photos.db")) as writer:
        writer.mark_missing(["a.jpg"])
    assert "left out since" in ctl("show", folder / "a.jpg").stdout
    (folder / "a.jpg").unlink()
    assert "missing since" in ctl("show", folder / "a.jpg").stdout


def test_show_of_a_link_is_about_the_photo_that_it_leads_to(ctl: Ctl, archive: Archive, tmp_path: Path) -> None:
    folder = archive("photos", {"sub/a.jpg": 4.0})
    ctl("top", folder, "--link", "best")
    (link,) = (tmp_path / "best").iterdir()
    shown = json.loads(ctl("show", link, "--json").stdout)
    assert (shown["path"], shown["score"]) == (f"{folder}/sub/a.jpg", 4.0)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("/etc/passwd", "/etc/passwd is no photo by its name; name one, such as photo.jpg"),
        ("photos/new.jpg", "photos/new.jpg has no score yet; run photod-ctl rate {}/photos; hidden "
                           "and excluded photos get none"),
        ("photos/gone.jpg", "photos/gone.jpg does not exist; name a photo"),
        ("photos", "photos is a folder; name a photo, or use photod-ctl top"),
    ],
)  # fmt: skip
def test_show_says_why_it_knows_nothing(ctl: Ctl, archive: Archive, tmp_path: Path, name: str, words: str) -> None:
    (archive("photos", {"a.jpg": 4.0}) / "new.jpg").touch()
    run = ctl("show", name)
    assert (run.returncode, run.stdout, run.stderr) == (2, "", f"photod-ctl: {words.format(tmp_path)}\n")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("/etc/passwd", "/etc/passwd, which is no photo by its name; name one, such as photo.jpg"),
        ("/nowhere/a.jpg", "/nowhere/a.jpg, which does not exist; name a photo"),
        ("/etc", "/etc, which is a folder; name a photo, or use photod-ctl top"),
        ("link.jpg", "{}/link.jpg, which cannot be read: Too many levels of symbolic links; check its"),
    ],
)
def test_show_of_a_link_tells_where_it_leads(ctl: Ctl, tmp_path: Path, target: str, words: str) -> None:
    (tmp_path / "link.jpg").symlink_to(target)
    run = ctl("show", "link.jpg")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith(f"photod-ctl: link.jpg leads to {words.format(tmp_path)}")


def test_show_sends_nobody_to_rate_what_is_no_file(ctl: Ctl, archive: Archive) -> None:
    os.mkfifo(archive("photos", {"a.jpg": 4.0}) / "fifo.jpg")
    run = ctl("show", "photos/fifo.jpg")
    assert (run.returncode, run.stderr) == (
        2, "photod-ctl: photos/fifo.jpg is no regular file; name a photo\n",
    )  # fmt: skip


def test_show_says_that_a_photo_without_a_score_cannot_be_read(
    archive: Archive, tmp_path: Path, environment: dict[str, str]
) -> None:
    photo = archive("photos", {"a.jpg": 4.0}) / "closed.jpg"
    photo.touch(0o000)
    # Root reads all, but for these two capabilities.
    command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", sys.executable]
    run = subprocess.run(
        [*(command if os.getuid() == 0 else command[-1:]), "-m", "photod_ctl", "show", str(photo)],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    words = f"{photo} cannot be read: Permission denied; check its permissions, and its drive"
    assert (run.returncode, run.stderr) == (2, f"photod-ctl: {words}\n")


def test_status_without_a_daemon_reads_the_databases(ctl: Ctl, archive: Archive, tmp_path: Path) -> None:
    folder = archive("photos", {"a.jpg": 4.0, "b.jpg": 6.0}, {"c.jpg": "truncated"})
    (tmp_path / "c.toml").write_text(f"folders = ['{folder}', '{tmp_path}/drive']\n")
    status = json.loads(ctl("status", "--json", "--config", "c.toml").stdout)
    assert status["running"] is False
    assert status["model"]["name"] == "builtin"
    assert set(status["queue"].values()) == {0}
    first, second = status["folders"]
    assert (first["path"], first["scored"], first["unscoreable"]) == (str(folder), 2, 1)
    assert first["compared_at"] > 0
    assert second["state"] == "absent"
    (error,) = status["last_errors"]
    assert (error["path"], error["reason"], error["at"] > 0) == (f"{folder}/c.jpg", "truncated", True)
    text = ctl("status", "--config", "c.toml").stdout
    assert "not running" in text
    assert "truncated" in text
    assert str(folder) in text


def test_status_with_nothing_configured_says_what_to_do(ctl: Ctl) -> None:
    run = ctl("status")
    assert run.returncode == 0
    assert "not running" in run.stdout
    assert "photod-ctl rate FOLDER" in run.stderr
