import errno
import hashlib
import os
from pathlib import Path
from typing import Any, NoReturn

import pytest

from photod.fingerprints import fingerprint_of
from photod.intake import read
from photod.intake.memory import PhotoMemory
from photod.intake.read import ReadPhoto, read_photo
from photod.photos import Candidate, Fingerprint, Passed

CONTENT = b"not really a photo" * 1000
LIMIT = 1 << 20
MEMORY = PhotoMemory()


def candidate_for(path: Path) -> Candidate:
    return Candidate(str(path.parent), path.name, fingerprint_of(path.stat()))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "a.jpg"
    path.write_bytes(CONTENT)
    return path


def read_whole(candidate: Candidate) -> ReadPhoto:
    answer = read_photo(candidate, LIMIT, MEMORY)
    assert isinstance(answer, ReadPhoto)
    return answer


def why_passed(candidate: Candidate) -> tuple[str, str]:
    answer = read_photo(candidate, LIMIT, MEMORY)
    assert isinstance(answer, Passed)
    assert answer.candidate is candidate
    return answer.why, answer.reason


def test_the_hash_belongs_to_the_very_bytes_in_memory(photo: Path) -> None:
    answer = read_whole(candidate_for(photo))
    with answer.data as data:
        assert data.fd is not None
        kept = os.pread(data.fd, data.size, 0)
    assert kept == CONTENT
    assert answer.sha256 == hashlib.sha256(kept).hexdigest()


def test_a_read_that_comes_in_pieces_is_put_together(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.preadv

    def little(file: int, buffers: list[memoryview], offset: int) -> int:
        return whole(file, [buffers[0][:1000]], offset)

    monkeypatch.setattr(os, "preadv", little)
    with read_whole(candidate_for(photo)).data as data, data.view() as view:
        assert view == CONTENT


def test_an_empty_file_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "empty.jpg"
    path.touch()
    with read_whole(candidate_for(path)).data as data:
        assert data.size == 0


def test_a_file_just_within_the_limit_is_kept(photo: Path) -> None:
    answer = read_photo(candidate_for(photo), len(CONTENT), MEMORY)
    assert isinstance(answer, ReadPhoto)
    with answer.data as data:
        assert data.fd is not None


def test_a_file_beyond_the_limit_is_hashed_but_not_kept(photo: Path) -> None:
    answer = read_photo(candidate_for(photo), len(CONTENT) - 1, MEMORY)
    assert isinstance(answer, ReadPhoto)
    assert (answer.data.fd, answer.data.size) == (None, len(CONTENT))
    assert answer.sha256 == hashlib.sha256(CONTENT).hexdigest()


def test_reading_leaves_the_access_time_alone(photo: Path) -> None:
    os.utime(photo, ns=(1, photo.stat().st_mtime_ns))
    read_whole(candidate_for(photo)).data.close()
    assert photo.stat().st_atime_ns == 1


def test_a_file_of_another_user_whose_access_time_must_not_be_left_alone_is_read(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = os.open

    def open_as_a_stranger(path: str, flags: int, *rest: Any, **options: Any) -> int:
        if flags & os.O_NOATIME:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        return whole(path, flags, *rest, **options)

    monkeypatch.setattr(os, "open", open_as_a_stranger)
    with read_whole(candidate_for(photo)).data as data, data.view() as view:
        assert view == CONTENT


def test_a_name_that_is_not_utf8_is_read(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.jpg")
    path.write_bytes(CONTENT)
    read_whole(candidate_for(path)).data.close()


def test_a_file_that_is_gone_has_vanished(photo: Path) -> None:
    candidate = candidate_for(photo)
    photo.unlink()
    assert why_passed(candidate) == ("vanished", "")


def test_a_file_whose_directory_became_a_file_has_vanished(tmp_path: Path) -> None:
    directory = tmp_path / "d"
    directory.mkdir()
    (directory / "a.jpg").write_bytes(CONTENT)
    candidate = Candidate(str(tmp_path), "d/a.jpg", fingerprint_of((directory / "a.jpg").stat()))
    (directory / "a.jpg").unlink()
    directory.rmdir()
    directory.touch()
    assert why_passed(candidate) == ("vanished", "")


def test_a_file_that_was_appended_to_has_changed(photo: Path) -> None:
    candidate = candidate_for(photo)
    with photo.open("ab") as file:
        file.write(b"more")
    assert why_passed(candidate)[0] == "changed"


def test_a_file_that_was_replaced_by_one_of_the_same_size_has_changed(photo: Path, tmp_path: Path) -> None:
    candidate = candidate_for(photo)
    other = tmp_path / "other"
    other.write_bytes(CONTENT[::-1])
    os.utime(other, ns=(0, candidate.fingerprint.mtime_ns))
    other.replace(photo)
    assert why_passed(candidate)[0] == "changed"


@pytest.mark.parametrize("limit", [LIMIT, 10], ids=["kept", "only hashed"])
def test_a_file_that_is_written_while_it_is_read_has_changed(
    photo: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    check = read._check_same
    checks: list[int] = []

    def write_before_the_second_check(expected: Fingerprint, file: int) -> None:
        if checks:
            photo.write_bytes(CONTENT)
        checks.append(file)
        check(expected, file)

    monkeypatch.setattr(read, "_check_same", write_before_the_second_check)
    answer = read_photo(candidate_for(photo), limit, MEMORY)
    assert isinstance(answer, Passed)
    assert answer.why == "changed"


@pytest.mark.parametrize(("call", "limit"), [("preadv", LIMIT), ("pread", 10)], ids=["kept", "only hashed"])
def test_a_file_that_shrinks_under_the_read_has_changed(
    photo: Path, monkeypatch: pytest.MonkeyPatch, call: str, limit: int
) -> None:
    read_some = getattr(os, call)

    def truncate_first(*arguments: Any) -> Any:
        os.truncate(photo, 10)
        return read_some(*arguments)

    monkeypatch.setattr(os, call, truncate_first)
    answer = read_photo(candidate_for(photo), limit, MEMORY)
    assert isinstance(answer, Passed)
    assert answer.why == "changed"


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE, errno.ETXTBSY, errno.EMFILE])
def test_what_cannot_be_opened_is_unreadable_in_the_words_of_the_system(
    photo: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    candidate = candidate_for(photo)

    def fail(*_: Any) -> NoReturn:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", fail)
    assert why_passed(candidate) == ("unreadable", os.strerror(number))


def test_a_disk_that_fails_in_the_middle_makes_a_file_unreadable(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> NoReturn:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "preadv", fail)
    MEMORY.release()
    before = len(os.listdir("/proc/self/fd"))
    assert why_passed(candidate_for(photo)) == ("unreadable", "Input/output error")
    MEMORY.release()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_fifo_with_the_name_of_a_photo_holds_nobody_up(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    os.mkfifo(path)
    assert why_passed(candidate_for(path))[0] == "changed"


def test_a_directory_with_the_name_of_a_photo_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.mkdir()
    assert why_passed(candidate_for(path))[0] == "changed"


def test_a_loop_of_symlinks_is_unreadable(tmp_path: Path, photo: Path) -> None:
    candidate = Candidate(str(tmp_path), "loop.jpg", fingerprint_of(photo.stat()))
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    assert why_passed(candidate) == ("unreadable", os.strerror(errno.ELOOP))
