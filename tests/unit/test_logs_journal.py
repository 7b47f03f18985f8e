import os
import socket
import struct
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from structlog import DropEvent

from photod.journal import JournalLogger, only_from, stderr_is_the_journal, to_record


def parse(record: bytes) -> dict[str, str]:
    """A record of the journal's protocol, as journald reads it."""
    fields = {}
    while record:
        name, _, record = record.partition(b"\n")
        (size,) = struct.unpack("<Q", record[:8])
        fields[name.decode()] = record[8 : 8 + size].decode("utf-8", "surrogateescape")
        assert record[8 + size : 9 + size] == b"\n"
        record = record[9 + size :]
    return fields


def test_an_event_becomes_a_record_with_fields() -> None:
    event = {"event": "unscoreable", "level": "warning", "photo": "/a/b.jpg", "reason": "truncated"}
    assert parse(to_record(None, "warning", event)) == {
        "MESSAGE": "unscoreable photo=/a/b.jpg reason=truncated",
        "EVENT": "unscoreable",
        "SYSLOG_IDENTIFIER": "photod",
        "PRIORITY": "4",
        "PHOTO_PATH": "/a/b.jpg",
        "REASON": "truncated",
    }


@pytest.mark.parametrize("name", ["a\nPRIORITY=0", "a\x1b[2J", "a\udcff", "a\nMESSAGE\n\x05\0\0\0\0\0\0\0"])
def test_the_name_of_a_file_stays_one_value_and_one_line(name: str) -> None:
    fields = parse(to_record(None, "info", {"event": "seen", "photo": name}))
    assert fields["PHOTO_PATH"] == name
    assert fields["PRIORITY"] == "6"
    assert fields["MESSAGE"].isprintable()


def test_a_very_long_value_is_cut_and_the_record_is_still_whole() -> None:
    assert 10_000 < len(parse(to_record(None, "error", {"event": "x", "reason": "y" * 10**6}))["REASON"]) < 100_000


def test_what_is_below_the_level_is_dropped_but_for_what_is_always_kept() -> None:
    keep = only_from("info", frozenset({"unscoreable"}))
    assert keep(None, "info", {"event": "ready"})
    assert keep(None, "debug", {"event": "unscoreable"})
    with pytest.raises(DropEvent):
        keep(None, "debug", {"event": "scored_photo"})


def test_records_reach_the_socket_and_a_journal_that_is_gone_is_no_error(tmp_path: Path) -> None:
    logger = JournalLogger(path=str(tmp_path / "journal"))
    logger.msg(b"lost")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp_path / "journal"))
        logger.msg(b"found")
        assert journal.recv(100) == b"found"
    logger.close()


def test_a_journal_that_hangs_costs_records_and_holds_up_nobody(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp_path / "journal"))
        logger = JournalLogger(path=str(tmp_path / "journal"))

        def write() -> None:
            for _ in range(9999):
                logger.msg(b"early")

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        writer.join(30)
        assert not writer.is_alive()
        journal.setblocking(False)
        with suppress(BlockingIOError):
            while journal.recv(100):
                pass
        logger.msg(b"late")
        assert journal.recv(100) == b"late"
        logger.close()


def test_the_journal_is_known_by_the_stream_that_systemd_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photod.journal.SOCKET", str(tmp_path / "journal"))
    (tmp_path / "journal").touch()
    with (tmp_path / "stream").open("w") as stream:
        monkeypatch.setattr("sys.stderr", stream)
        status = os.fstat(stream.fileno())
        assert not stderr_is_the_journal()  # nobody names one
        for named in ("1:1", f"{status.st_dev}:1", "", "nonsense"):
            monkeypatch.setenv("JOURNAL_STREAM", named)
            assert not stderr_is_the_journal()
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        assert stderr_is_the_journal()
        (tmp_path / "journal").unlink()
        assert not stderr_is_the_journal()  # it would be heard by nobody
