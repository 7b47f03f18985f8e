"""`photod-ctl export --xmp`: stars beside the photos, read back by a reader that is not ours."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from machine import need
from mounts import Mounts

Ctl = Callable[..., subprocess.CompletedProcess[str]]
Archive = Callable[..., Path]

FOREIGN = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
  {rating}dc:format="image/jpeg"/></rdf:RDF></x:xmpmeta>
"""


@pytest.fixture
def folder(archive: Archive) -> Path:
    """Ten photos, from 9.jpg, the best, to 0.jpg."""
    folder = archive("photos", {f"{n}.jpg": float(n) for n in range(10)})
    for n in range(10):
        Image.new("RGB", (30, 20), (n, 0, 0)).save(folder / f"{n}.jpg")
    return folder


def _exiftool(*arguments: str | Path) -> str:
    if shutil.which("exiftool") is None:
        need("exiftool")
    return subprocess.run(["exiftool", *arguments], capture_output=True, text=True, check=True).stdout


def _rating(sidecar: Path) -> int | None:
    """As exiftool reads it."""
    rating: int | None = json.loads(_exiftool("-json", "-Rating", sidecar))[0].get("Rating")
    return rating


def _export(ctl: Ctl, folder: Path, *more: str) -> dict[str, int]:
    """What became of how many, less what became of none."""
    run = ctl("export", "--xmp", folder, "--stars", "100,90,80,50", "--json", *more)
    assert run.returncode == 0, run.stderr
    counts: dict[str, int] = json.loads(run.stdout)
    assert counts.keys() == {"rated", "unchanged", "removed", "unrated", "kept", "vanished", "failed"}
    return {outcome: count for outcome, count in counts.items() if count}


def _sidecars(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.xmp"))


def test_stars_follow_the_percentile_and_exiftool_reads_them(ctl: Ctl, folder: Path) -> None:
    photos = {path.name: path.read_bytes() for path in folder.glob("*.jpg")}
    assert _export(ctl, folder) == {"rated": 6, "unrated": 4}
    ratings = {n: _rating(folder / f"{n}.jpg.xmp") for n in range(4, 10)}
    assert ratings == {9: 5, 8: 4, 7: 3, 6: 2, 5: 2, 4: 2}
    assert len(_sidecars(folder)) == 6
    assert {path.name: path.read_bytes() for path in folder.glob("*.jpg")} == photos
    assert _export(ctl, folder) == {"unchanged": 6, "unrated": 4}
    (folder / "9.jpg").unlink()
    (folder / "9.jpg.xmp").unlink()
    assert _export(ctl, folder) == {"vanished": 1, "unchanged": 5, "unrated": 4}


def test_photos_that_wait_for_the_current_model_get_no_stars_yet(ctl: Ctl, folder: Path, archive: Archive) -> None:
    archive("photos", {"5.jpg": 3.0}, model="the next one")
    run = ctl("export", "--xmp", folder)
    assert (run.stdout, _sidecars(folder)) == ("1 rated\n", ["5.jpg.xmp"])
    assert "photos that wait for the current model keep their score of an earlier one" in run.stderr


def test_of_photos_that_share_a_sidecar_the_better_one_speaks(ctl: Ctl, archive: Archive) -> None:
    folder = archive("photos", {"a.jpg": 9.0, "a.dng": 1.0})
    assert _export(ctl, folder, "--names", "lightroom") == {"rated": 1}
    assert _rating(folder / "a.xmp") == 5


def test_lightroom_s_names_have_no_second_suffix(ctl: Ctl, folder: Path) -> None:
    (folder / "8.jpg.xmp").write_text(theirs := FOREIGN.format(rating='xmp:Rating="1" '))
    assert _export(ctl, folder, "--names", "lightroom") == {"rated": 5, "kept": 1, "unrated": 4}
    assert _sidecars(folder) == sorted([*(f"{n}.xmp" for n in (4, 5, 6, 7, 9)), "8.jpg.xmp"])
    assert _rating(folder / "9.xmp") == 5
    assert (folder / "8.jpg.xmp").read_text() == theirs


@pytest.mark.parametrize("rating", ["", 'xmp:Rating="0" '])  # the latter is how digiKam says unrated
def test_remove_takes_back_all_that_was_written(ctl: Ctl, folder: Path, rating: str) -> None:
    other = FOREIGN.format(rating=rating)
    (folder / "8.jpg.xmp").write_text(other)
    _export(ctl, folder)
    assert _rating(folder / "8.jpg.xmp") == 4
    assert _export(ctl, folder, "--remove") == {"removed": 6}
    assert _sidecars(folder) == ["8.jpg.xmp"]
    assert (folder / "8.jpg.xmp").read_text() == other


def test_remove_finds_sidecars_by_themselves_whatever_became_of_their_photos(
    ctl: Ctl, folder: Path, archive: Archive, tmp_path: Path
) -> None:
    _export(ctl, folder)
    _export(ctl, folder, "--names", "lightroom")
    (folder / "9.jpg").unlink()
    (folder / "8.jpg").rename(folder / "eight.jpg")
    (folder / "part").mkdir()
    (folder / "7.jpg.xmp").rename(folder / "part/7.jpg.xmp")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(folder / "6.jpg.xmp", elsewhere)
    (folder / "link").symlink_to(elsewhere)
    (folder / "6.xmp").unlink()
    (folder / "6.xmp").symlink_to(elsewhere / "6.jpg.xmp")
    archive("photos", {"5.jpg": 3.0}, model="the next one")  # the others wait for it
    theirs = FOREIGN.format(rating='xmp:Rating="1" ')
    (folder / "theirs.xmp").write_text(theirs)

    assert _export(ctl, folder / "part", "--remove") == {"removed": 1}
    assert _export(ctl, folder, "--remove") == {"removed": 10}
    assert (_sidecars(folder), _sidecars(folder / "part")) == (["6.xmp", "theirs.xmp"], [])
    assert (folder / "theirs.xmp").read_text() == theirs
    assert _sidecars(elsewhere) == ["6.jpg.xmp"]
    assert ctl("export", "--xmp", "--remove", folder).stdout == "nothing to take back\n"
    assert _export(ctl, folder, "--remove") == {}


def test_a_dry_run_counts_and_changes_nothing(ctl: Ctl, folder: Path) -> None:
    run = ctl("export", "--xmp", folder, "--stars", "100,90,80,50", "--dry-run")
    assert (run.returncode, run.stdout) == (0, "would be: 6 rated, 4 unrated\n"), run.stderr
    assert not _sidecars(folder)
    _export(ctl, folder)
    assert _export(ctl, folder, "--remove", "--dry-run") == {"removed": 6}
    assert len(_sidecars(folder)) == 6
    assert ctl("export", "--xmp", folder, "--remove", "--dry-run").stdout == "would be: 6 removed\n"


def test_a_changed_ranking_changes_our_stars(ctl: Ctl, folder: Path, archive: Archive) -> None:
    _export(ctl, folder)
    archive("photos", {"0.jpg": 9.9}, bytes_of={"0.jpg": "edited"})
    Image.new("RGB", (30, 20)).save(folder / "0.jpg")
    assert _export(ctl, folder) == {"rated": 4, "unchanged": 2, "removed": 1, "unrated": 3}
    assert (_rating(folder / "0.jpg.xmp"), _rating(folder / "9.jpg.xmp")) == (5, 4)


def test_a_rating_by_somebody_else_is_never_changed(ctl: Ctl, folder: Path) -> None:
    (folder / "9.jpg.xmp").write_text(FOREIGN.format(rating='xmp:Rating="1" '))  # in the sidecar
    (folder / "8.xmp").write_text(FOREIGN.format(rating='xmp:Rating="1" '))  # in one by the other convention
    embedded = FOREIGN.format(rating='xmp:Rating="1" ').encode()
    Image.new("RGB", (30, 20)).save(folder / "7.jpg", xmp=embedded)  # in the photo
    exif = Image.Exif()
    exif[0x4746] = 1
    Image.new("RGB", (30, 20)).save(folder / "6.jpg", exif=exif)
    (folder / "5.jpg").write_bytes(b"a RAW file, to Pillow" + embedded)
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert _export(ctl, folder) == {"kept": 5, "rated": 1, "unrated": 4}
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert _sidecars(folder) == ["4.jpg.xmp", "8.xmp", "9.jpg.xmp"]


def test_a_rating_in_a_photo_of_any_size_is_found_and_nothing_else_is_said(ctl: Ctl, folder: Path) -> None:
    exif = Image.Exif()
    exif[0x4746] = 1
    Image.new("1", (20_000, 10_000)).save(
        folder / "9.png", exif=exif
    )  # larger than Pillow takes without being told
    (folder / "9.png").rename(folder / "9.jpg")
    torn = b"Exif\0\0II*\0\x08\0\0\0\x63\0"  # 99 tags are promised, and none is there
    Image.new("RGB", (30, 20)).save(folder / "8.jpg", exif=torn)
    run = ctl("export", "--xmp", folder, "--stars", "100,90,80,50")
    assert (run.returncode, run.stdout) == (0, "1 kept, 5 rated, 4 unrated\n")
    assert "Warning" not in run.stderr


def test_a_sidecar_that_is_a_link_or_a_pipe_is_left_alone(ctl: Ctl, folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.xmp"
    elsewhere.write_text(before := FOREIGN.format(rating=""))
    (folder / "9.jpg.xmp").symlink_to(elsewhere)
    (folder / "8.jpg.xmp").symlink_to("/nowhere")
    os.mkfifo(folder / "7.jpg.xmp")
    os.mkfifo(folder / "6.xmp")  # by the other convention
    told = json.loads(ctl("export", folder, "--xmp", "--json").stdout)
    assert (told["kept"], told["rated"]) == (3, 3)
    assert ctl("export", folder, "--xmp", "--remove").returncode == 0
    assert elsewhere.read_text() == before
    assert [(folder / f"{n}.jpg.xmp").is_symlink() for n in (9, 8)] == [True, True]


def test_a_rating_that_was_changed_since_is_somebody_else_s(ctl: Ctl, folder: Path) -> None:
    _export(ctl, folder)
    _exiftool("-overwrite_original", "-XMP-xmp:Rating=1", folder / "9.jpg.xmp")
    assert _export(ctl, folder) == {"kept": 1, "unchanged": 5, "unrated": 4}
    _export(ctl, folder, "--remove")
    assert _rating(folder / "9.jpg.xmp") == 1


def test_a_sidecar_that_another_program_rewrote_is_still_ours_while_its_rating_is(ctl: Ctl, folder: Path) -> None:
    _export(ctl, folder)
    sidecar = folder / "9.jpg.xmp"
    _exiftool("-overwrite_original", "-XMP-dc:Subject=cat", sidecar)
    assert b"cat" in sidecar.read_bytes()
    _export(ctl, folder, "--remove")
    assert (_rating(sidecar), b"cat" in sidecar.read_bytes()) == (None, True)


def test_a_photo_whose_sidecar_cannot_be_written_keeps_no_other_from_its_stars(ctl: Ctl, archive: Archive) -> None:
    sidecar_fits, too_long = f"{'b' * 247}.jpg", f"{'a' * 248}.jpg"  # .xmp makes 255 and 256 bytes of them
    folder = archive("long", {too_long: 9.0, "directory.jpg": 8.0, sidecar_fits: 7.0, "c.jpg": 6.0})
    (folder / "directory.jpg.xmp").mkdir()
    run = ctl("export", "--xmp", folder, "--stars", "0,0,0,0")
    assert (run.returncode, run.stdout) == (2, "2 failed, 2 rated\n"), run.stderr
    (line,) = (line for line in run.stderr.splitlines() if "cannot" in line)
    assert line.endswith(f"{too_long}.xmp: File name too long; give the photo a shorter name")
    assert _sidecars(folder) == [f"{sidecar_fits}.xmp", "c.jpg.xmp", "directory.jpg.xmp"]


def test_a_photo_that_cannot_be_read_is_named_itself(ctl: Ctl, folder: Path) -> None:
    for name in ("9.jpg", "8.jpg"):  # of which the first is told
        (folder / name).unlink()
        (folder / name).mkdir()  # what can be read by nobody, not even by root
    run = ctl("export", "--xmp", folder, "--stars", "100,90,80,50")
    assert (run.returncode, run.stdout) == (2, "2 failed, 4 rated, 4 unrated\n")
    words = f"{folder}/9.jpg cannot be read: Is a directory; check its permissions, and its drive"
    assert run.stderr.splitlines()[-1] == f"photod-ctl: {words}"


def test_a_full_disk_ends_it_and_leaves_the_sidecar_of_before(
    ctl: Ctl, archive: Archive, mounts: Mounts, tmp_path: Path
) -> None:
    mounts(disk := tmp_path / "photos", "-t", "tmpfs", "-o", "size=2m", "none")
    folder = archive("photos", {"a.jpg": 9.0, "b.jpg": 8.0, "c.jpg": 7.0})
    theirs = FOREIGN.format(rating="") + " " * (256 << 10)
    (folder / "a.jpg.xmp").write_text(theirs)
    (disk / "others").write_bytes(bytes(shutil.disk_usage(disk).free - (128 << 10)))  # room to read a database
    run = ctl("export", "--xmp", folder)
    assert (run.returncode, run.stdout) == (2, "1 failed\n")
    words = f"cannot write {folder}/a.jpg.xmp: No space left on device; make room, then try again"
    assert run.stderr.splitlines()[-1] == f"photod-ctl: {words}"
    assert (folder / "a.jpg.xmp").read_text() == theirs
    assert _sidecars(folder) == ["a.jpg.xmp"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "nothing says what to export; add --xmp, for the stars in XMP sidecars"),
        (["--remove"], "nothing says what to take back; add --xmp, for the stars in XMP sidecars"),
        (["--xmp", "--stars", "50,80,95,99"], "four falling percentiles"),
        (["--xmp", "--stars", "99,80,95,50"], "four falling percentiles"),
        (["--xmp", "--stars", "many"], "four falling percentiles"),
        (["--xmp", "--stars", "101,95,80,50"], "four falling percentiles"),
        (["--xmp", "--stars", "99,95,80,-1"], "four falling percentiles"),
        (["--xmp", "--names", "picasa"], "write digikam, darktable, lightroom"),
    ],
)
def test_wrong_arguments_are_one_line(ctl: Ctl, folder: Path, arguments: list[str], words: str) -> None:
    run = ctl("export", folder, *arguments)
    assert (run.returncode, run.stderr.count("\n")) == (2, 1)
    assert words in run.stderr
