from pathlib import Path

import pytest

from photod.config import Config, Folder
from photod.errors import ConfigError
from photod.folders import choose_folders
from photod.intake.formats import is_photo_name
from photod.watch.ignore import Rules

PLAIN = Rules((), is_photo_name)


@pytest.mark.parametrize(
    "path",
    [
        "a.jpg", "A.JPG", "b/c.heic", "#1.png", "part.jpg", "写真.webp", "x.tar.jpeg", "a b.nef", "~a.jpg",
        "~/a.jpg", "a.tmp.jpg",
    ],
)  # fmt: skip
def test_photos_are_looked_at(path: str) -> None:
    assert PLAIN.is_photo(path)


@pytest.mark.parametrize(
    "path",
    [
        ".a.jpg", "._a.jpg", "~$a.jpg", "~syncthing~a.jpg.tmp", "~syncthing~a.jpg", "a.jpg.part",
        "a.jpg.crdownload", "a.tmp", "a.txt", "jpg", ".jpg", "a.jpg~", ".syncthing.a.jpg.tmp", ".a.jpg.Xk3v9Q", "a",
    ],
)  # fmt: skip
def test_files_that_are_hidden_unfinished_or_no_photos_are_not(path: str) -> None:
    assert not PLAIN.is_photo(path)


@pytest.mark.parametrize(
    "directory",
    [
        ".photod",
        ".Trash-1000",
        "a/.stversions",
        "@eaDir",
        "x/@eaDir/y",
        "#recycle",
        "$RECYCLE.BIN",
        "$Recycle.Bin/S-1-5-21-1004336348/$R3XN1VC",
        "old disk/RECYCLER",
        "RECYCLED",
        "@Recycle",
        "@Recently-Snapshot",
        "#snapshot",
        "Network Trash Folder",
        "from a Mac/__MACOSX",
        "Catalog Previews.lrdata",
        "Lightroom/Catalog Smart Previews.lrdata/A/A1B2",
        "Photos Library.photoslibrary/resources",
        "a/Photos Library.photoslibrary/resources/derivatives",
        "iPhoto Library.photolibrary/Thumbnails",
        "iPhoto Library.photolibrary/Previews",
        "Aperture Library.aplibrary/Thumbnails",
        "Aperture Library.aplibrary/Previews/2009",
        "~snapshot/hourly.0",
    ],
)
def test_directories_of_others_are_not_entered(directory: str) -> None:
    assert not PLAIN.enters(directory)


@pytest.mark.parametrize(
    "directory",
    [
        "#1",
        "~Portfolio",
        "~",
        "2014 Road trip.part",
        "lightroom.tmp",
        "recycled bottles",
        "Mobile Downloads.lrdata/a",
        "Previews",
        "resources",
        "Thumbnails",
        "Photos Library.photoslibrary/originals/resources",
        "Photos Library.photoslibrary/originals",
        "Aperture Library.aplibrary/Masters",
    ],
)
def test_directories_that_only_remind_of_them_are(directory: str) -> None:
    assert PLAIN.enters(directory)


def test_the_users_patterns_have_gitignore_syntax() -> None:
    rules = Rules(("raw/", "*.png", "!keep.png", "/top.jpg"), is_photo_name)
    assert not rules.enters("2019/raw")
    assert not rules.is_photo("a.png")
    assert rules.is_photo("keep.png")
    assert not rules.is_photo("top.jpg")
    assert rules.is_photo("sub/top.jpg")
    assert rules.enters("rawer")


def test_no_pattern_brings_a_hidden_file_back() -> None:
    assert not Rules(("!.a.jpg",), is_photo_name).is_photo(".a.jpg")


@pytest.mark.parametrize("pattern", ["!", "[z-a]", "a\\"])
def test_what_is_no_pattern_is_named_before_anything_starts(pattern: str, folder: Path) -> None:
    config = Config(folders=(Folder(path=folder, exclude=("raw/", pattern)),))
    with pytest.raises(ConfigError, match="exclude") as caught:
        choose_folders(config, None)
    assert repr(pattern) in str(caught.value)
