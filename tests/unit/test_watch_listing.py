"""What the listing of a directory means, beside what the database knows of it."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from photod.fingerprints import fingerprint_of
from photod.photos import Fingerprint, KnownPhoto, PhotoRow, storable_ns
from photod.watch.ignore import Rules
from photod.watch.listing import Comparison, Listing, compare, entered, list_directory

RULES = Rules((), lambda name: name.endswith(".jpg"))
NOW, BEFORE = Fingerprint(10, 20, 30, 40), Fingerprint(9, 20, 30, 40)


def listed(*paths: str) -> Listing:
    return Listing({KnownPhoto(path, *NOW) for path in paths})


def look_at(folder: Path, directory: str = "") -> Listing:
    with entered(str(folder), directory) as place:
        return list_directory(place, str(folder), directory, RULES)


def known(path: str, fingerprint: Fingerprint = NOW, *, missing: int = 0, stale: int = 0) -> PhotoRow:
    return KnownPhoto(path, *fingerprint, missing, stale)


def test_what_is_as_the_database_says_needs_nothing() -> None:
    comparison = compare(listed("a.jpg", "b.jpg"), [known("a.jpg"), known("b.jpg")])
    assert comparison == Comparison(unchanged=2)


def test_new_changed_missing_and_returned_photos_are_told_apart() -> None:
    rows = [
        known("changed.jpg", BEFORE),
        known("gone.jpg"),
        known("back.jpg", missing=1),
        known("away.jpg", missing=1),
    ]
    comparison = compare(listed("new.jpg", "changed.jpg", "back.jpg"), rows)
    assert comparison.new == [("new.jpg", NOW)]
    assert comparison.changed == [("changed.jpg", NOW)]
    assert comparison.missing == ["gone.jpg"]
    assert comparison.returned == ["back.jpg"]
    assert comparison.unchanged == 1


def test_photos_of_an_earlier_model_are_counted_and_read_only_if_they_changed_or_were_away() -> None:
    rows = [
        known("same.jpg", stale=1), known("changed.jpg", BEFORE, stale=1),
        known("back.jpg", missing=1, stale=1), known("away.jpg", missing=1, stale=1),
    ]  # fmt: skip
    comparison = compare(listed("same.jpg", "changed.jpg", "back.jpg"), rows)
    assert comparison.stale == 1
    assert comparison.changed == [("back.jpg", NOW), ("changed.jpg", NOW)]
    assert comparison.missing == comparison.returned == []
    assert comparison.unchanged == 0


def test_work_comes_in_the_order_of_names() -> None:
    assert [path for path, _ in compare(listed("c.jpg", "a.jpg", "b.jpg"), []).work] == ["a.jpg", "b.jpg", "c.jpg"]


def test_a_photo_that_moved_here_counts_as_unchanged() -> None:
    comparison = compare(listed("a.jpg", "b.jpg"), []).without({"a.jpg"})
    assert comparison.work == [("b.jpg", NOW)]
    assert comparison.unchanged == 1


def test_a_listing_shows_photos_as_the_database_would_know_them(folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / "a/below.jpg").mkdir()
    (folder / "a/x.jpg").write_text("x")
    (folder / "a/notes.txt").touch()
    os.mkfifo(folder / "a/pipe.jpg")
    (folder / "a/link.jpg").symlink_to("x.jpg")
    (folder / "a/link to below.jpg").symlink_to("below.jpg")
    (folder / "a/out.jpg").symlink_to("/etc/hostname")
    (folder / "a/loop.jpg").symlink_to("loop.jpg")
    listing = look_at(folder, "a")
    seen = fingerprint_of((folder / "a/x.jpg").stat())
    assert listing.photos == {KnownPhoto("a/x.jpg", *seen), KnownPhoto("a/link.jpg", *seen)}
    assert listing.directories == ["a/below.jpg"]


def test_a_link_to_what_is_photods_own_is_no_photo(folder: Path) -> None:
    for place in (".photod", "a/.photod", "a/.photodetails"):
        (folder / place).mkdir(parents=True)
        (folder / place / "photos.db").touch()
        (folder / f"{place.replace('/', '-')}.jpg").symlink_to(folder / place / "photos.db")
    assert [photo[0] for photo in look_at(folder).photos] == ["a-.photodetails.jpg"]


def test_a_time_that_no_database_can_hold_is_the_nearest_that_one_can(folder: Path) -> None:
    last = 2**63 - 1
    assert [storable_ns(ns) for ns in (-(10**19), -1, 5, 10**19)] == [-last, -1, 5, last]
    (folder / "a.jpg").touch()
    os.utime(folder / "a.jpg", (0, 10_400_000_000))
    ((_, _, mtime_ns, ctime_ns, *_),) = look_at(folder).photos
    assert (mtime_ns, ctime_ns) == fingerprint_of((folder / "a.jpg").stat())[1:3]
    assert mtime_ns <= last


def test_a_directory_that_is_gone_or_a_file_by_now_cannot_be_listed(folder: Path) -> None:
    (folder / "file").touch()
    with pytest.raises(FileNotFoundError):
        look_at(folder, "gone")
    with pytest.raises(NotADirectoryError):
        look_at(folder, "file")


class Refusing:
    """An entry of a directory that cannot be looked at."""

    def __init__(self, entry: os.DirEntry[str], error: int) -> None:
        self._entry = entry
        self._error = error
        self.name = entry.name
        self.is_file, self.is_dir, self.is_symlink = entry.is_file, entry.is_dir, entry.is_symlink

    def stat(self, *, follow_symlinks: bool) -> os.stat_result:
        if self.name.startswith("bad"):
            raise OSError(self._error, os.strerror(self._error))
        return self._entry.stat(follow_symlinks=follow_symlinks)


def refuse(monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    really_scan = os.scandir

    @contextmanager
    def scan(place: int) -> Iterator[Iterator[Refusing]]:
        with really_scan(place) as entries:
            yield (Refusing(entry, error) for entry in entries)

    monkeypatch.setattr("photod.watch.listing.os.scandir", scan)


def test_a_photo_that_cannot_be_looked_at_is_not_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad.jpg").touch()
    (tmp_path / "good.jpg").touch()
    refuse(monkeypatch, errno.EIO)
    listing = look_at(tmp_path)
    assert listing.unreadable == {"bad.jpg": os.strerror(errno.EIO)}
    assert [photo[0] for photo in listing.photos] == ["good.jpg"]
    assert compare(listing, [known("bad.jpg"), known("gone.jpg")]).missing == ["gone.jpg"]


def test_a_photo_that_vanishes_while_it_is_listed_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad.jpg").touch()
    refuse(monkeypatch, errno.ENOENT)
    listing = look_at(tmp_path)
    assert compare(listing, [known("bad.jpg")]).missing == ["bad.jpg"]


def test_a_directory_in_which_nothing_may_be_looked_at_is_not_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be listed, but not entered: mode r--."""
    (tmp_path / "bad.jpg").touch()
    refuse(monkeypatch, errno.EACCES)
    with pytest.raises(PermissionError):
        look_at(tmp_path)
