"""A photo's bytes as a file."""

import io

import pytest

from photod.intake.buffer import Data, as_file


@pytest.mark.parametrize("data", [b"0123456789", bytearray(b"0123456789")])
def test_any_part_can_be_read_from_anywhere(data: Data) -> None:
    file = as_file(data)
    assert file.read() == b"0123456789"
    assert file.read() == b""
    file.seek(3)
    assert (file.read(2), file.tell(), file.read()) == (b"34", 5, b"56789")
    file.seek(-4, io.SEEK_END)
    assert file.read(2) == b"67"
    file.seek(1, io.SEEK_CUR)
    assert file.read(100) == b"9"


def test_all_is_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Libraries that want a whole RAW file get it with one copy, not piece by piece."""
    monkeypatch.setattr("photod.intake.buffer._Reader.readinto", lambda *_: pytest.fail("a piece was read"))
    big = bytes(5 << 20)
    assert as_file(big).read() == big
