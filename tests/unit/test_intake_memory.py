"""Memory for photos: only this process writes there, and it is used again."""

import errno
import fcntl
import mmap
import os

import pytest

from photod.intake.memory import PhotoBytes, PhotoMemory

MEGABYTE = 1 << 20


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def resident_pages_of(data: PhotoBytes) -> int:
    assert data.fd is not None
    return os.fstat(data.fd).st_blocks * 512 // mmap.PAGESIZE


@pytest.fixture
def memory() -> PhotoMemory:
    return PhotoMemory()


def test_who_is_given_the_descriptor_reads_and_cannot_write(memory: PhotoMemory) -> None:
    with memory.take(5) as data:
        assert data.fd is not None
        with data.view() as view:
            view[:] = b"photo"
        with mmap.mmap(data.fd, data.size, prot=mmap.PROT_READ) as seen:
            assert seen[:] == b"photo"
        with pytest.raises(PermissionError):
            os.pwrite(data.fd, b"x", 0)
        for size in (1, 1 << 30):
            with pytest.raises(PermissionError):
                os.ftruncate(data.fd, size)
        with pytest.raises(PermissionError):
            mmap.mmap(data.fd, data.size)
        again = os.open(f"/proc/self/fd/{data.fd}", os.O_RDWR)
        with pytest.raises(PermissionError):
            os.write(again, b"x")
        os.close(again)


def test_a_kernel_without_the_newest_seal_still_fixes_the_size(
    memory: PhotoMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = fcntl.fcntl

    def as_before_linux_5_1(file: int, command: int, seals: int) -> int:
        if seals & 0x10:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return call(file, command, seals)

    monkeypatch.setattr(fcntl, "fcntl", as_before_linux_5_1)
    with memory.take(5) as data:
        assert data.fd is not None
        with data.view() as view:
            view[:] = b"photo"
        assert os.pread(data.fd, 5, 0) == b"photo"
        with pytest.raises(PermissionError):
            os.ftruncate(data.fd, 1)


def test_a_photo_takes_the_pages_that_another_left(memory: PhotoMemory) -> None:
    with memory.take(3 * MEGABYTE) as first, first.view() as view:
        view[:] = bytes(3 * MEGABYTE)
        pages = resident_pages_of(first)
    for _ in range(2):
        with memory.take(2 * MEGABYTE) as later:
            assert resident_pages_of(later) == pages > 0


def test_the_smallest_that_fits_is_taken(memory: PhotoMemory) -> None:
    large, small = memory.take(16 * MEGABYTE), memory.take(4 * MEGABYTE)
    places = {large.fd: "large", small.fd: "small"}
    large.close()
    small.close()
    with memory.take(MEGABYTE) as one, memory.take(MEGABYTE) as two:
        assert (places[one.fd], places[two.fd]) == ("small", "large")


def test_two_photos_never_share_memory(memory: PhotoMemory) -> None:
    with memory.take(5) as one, memory.take(5) as two:
        assert one.fd != two.fd


def test_memory_that_is_taken_takes_nothing_until_it_is_written_to(memory: PhotoMemory) -> None:
    with memory.take(40 * MEGABYTE) as data:
        assert resident_pages_of(data) == 0


def test_a_little_is_kept_and_all_of_that_can_be_released(memory: PhotoMemory) -> None:
    before = descriptors()
    for data in [memory.take(16 * MEGABYTE) for _ in range(10)]:
        data.close()
    kept = descriptors() - before
    with memory.take(1 << 30):  # larger than all that is kept
        pass
    assert descriptors() - before == kept > 0
    assert kept <= 2 * 4  # four of 16 MB, each with its mapping
    memory.release()
    assert descriptors() == before


def test_closing_twice_does_no_harm(memory: PhotoMemory) -> None:
    data = memory.take(5)
    data.close()
    data.close()
    with memory.take(5) as one, memory.take(5) as two:
        assert one.fd != two.fd
    assert data.fd is None


def test_bytes_that_were_not_kept_can_be_closed_and_not_be_looked_at() -> None:
    data = PhotoBytes(5)
    with pytest.raises(ValueError, match="not kept"):
        data.view()
    data.close()


def test_a_photo_of_no_bytes_has_room_too(memory: PhotoMemory) -> None:
    with memory.take(0) as data, data.view() as view:
        assert len(view) == 0


def test_what_was_forgotten_is_let_go_of(memory: PhotoMemory) -> None:
    before = descriptors()
    memory.take(5)
    memory.release()
    assert descriptors() == before
