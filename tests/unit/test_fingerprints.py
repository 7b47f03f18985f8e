"""What a fingerprint is made of where inode numbers, or ctimes as well, do not last."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from photod import fingerprints
from photod.filesystem import FAT, RENUMBERING
from photod.fingerprints import fingerprint_at, fingerprint_of, notice
from photod.intake.memory import PhotoMemory
from photod.intake.read import ReadPhoto, read_photo
from photod.photos import Candidate, Fingerprint, KnownPhoto
from photod.watch.ignore import Rules
from photod.watch.listing import Listing, compare, entered, list_directory

EXT4, FUSE, EXFAT = 0xEF53, 0x65735546, 0x2011BAB0
RULES = Rules((), lambda name: name.endswith(".jpg"))


@pytest.fixture
def photo(folder: Path) -> Iterator[Path]:
    """A file whose mtime was set, as those of cameras are."""
    path = folder / "a.jpg"
    path.write_bytes(b"photo")
    os.utime(path, ns=(10**18, 10**18))
    yield path
    fingerprints.forgetful.clear()


def lies_on(monkeypatch: pytest.MonkeyPatch, kind: int, place: Path) -> None:
    monkeypatch.setattr(fingerprints, "filesystem_type", lambda _: kind)
    notice(str(place))


def look_at(folder: Path) -> Listing:
    with entered(str(folder), "") as place:
        return list_directory(place, str(folder), "", RULES)


def test_everything_counts_where_everything_lasts(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lies_on(monkeypatch, EXT4, photo.parent)
    status = photo.stat()
    assert fingerprint_at(str(photo)) == Fingerprint(5, 10**18, status.st_ctime_ns, status.st_ino)


def test_numbers_do_not_count_where_they_are_given_anew(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lies_on(monkeypatch, FUSE, photo.parent)
    assert fingerprint_at(str(photo)) == Fingerprint(5, 10**18, photo.stat().st_ctime_ns, 0)


def test_nor_do_the_ctimes_of_fat(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert EXFAT in FAT < RENUMBERING
    lies_on(monkeypatch, EXFAT, photo.parent)
    assert fingerprint_at(str(photo)) == Fingerprint(5, 10**18, 10**18, 0)


def test_a_device_may_hold_another_filesystem_later(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lies_on(monkeypatch, EXFAT, photo.parent)
    lies_on(monkeypatch, EXT4, photo.parent)
    assert fingerprint_of(photo.stat()).inode == photo.stat().st_ino


def test_a_server_that_does_not_say_what_it_is_is_trusted_with_times_alone(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> int:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fingerprints, "filesystem_type", refuse)
    notice(str(photo.parent))
    assert fingerprint_at(str(photo)) == Fingerprint(5, 10**18, photo.stat().st_ctime_ns, 0)


@pytest.mark.parametrize("kind", [EXT4, FUSE, EXFAT])
def test_what_is_listed_is_what_is_read(photo: Path, monkeypatch: pytest.MonkeyPatch, kind: int) -> None:
    monkeypatch.setattr(fingerprints, "filesystem_type", lambda _: kind)
    ((path, fingerprint),) = compare(look_at(photo.parent), []).new
    found = read_photo(Candidate(str(photo.parent), path, fingerprint), 1 << 20, PhotoMemory())
    assert isinstance(found, ReadPhoto)
    found.data.close()
    assert fingerprint == fingerprint_at(str(photo))


def test_a_drive_of_exfat_looks_the_same_after_its_next_mount(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprints, "filesystem_type", lambda _: EXFAT)
    known = [KnownPhoto("a.jpg", *fingerprint_of(photo.stat()))]
    before = look_at(photo.parent).photos
    other = photo.with_name("other")  # another number and another ctime, as a mount gives them
    other.write_bytes(b"photo")
    os.utime(other, ns=(10**18, 10**18))
    other.replace(photo)
    listing = look_at(photo.parent)
    assert listing.photos == before
    assert compare(listing, list(before)).unchanged == 1
    assert compare(listing, known).changed  # what was known before photod knew of that is read once
