"""What is open of a folder."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from photod.config import Folder, Watch
from photod.open_folder import OpenFolder, open_readers
from photod.photos import Candidate, Fingerprint
from photod.store.writer import Writer
from photod.watch.presence import Presence


@pytest.fixture
def opened(folder: Path) -> OpenFolder:
    return OpenFolder(Folder(path=folder), Watch(), offer=lambda _: True, expect=lambda: None, note=lambda _: None)


def test_it_is_closed_when_neither_its_database_is_open_nor_a_photo_of_it_under_way(opened: OpenFolder) -> None:
    now = 0.0  # which is long past
    assert opened.wait_until_closed(now)
    opened.open()
    assert not opened.wait_until_closed(now)
    opened.close()
    assert opened.wait_until_closed(now)
    photo = Candidate(opened.path, "a.jpg", Fingerprint(1, 2, 3, 4))
    opened.watcher.flight.begin(photo)
    assert not opened.wait_until_closed(now)
    opened.watcher.flight.cancel(photo)
    assert opened.wait_until_closed(now)


def test_a_folder_that_was_closed_is_to_be_opened_though_it_was_never_seen_to_be_away(opened: OpenFolder) -> None:
    """Its server did not answer for a while."""
    opened.open()
    assert opened.presence() is Presence.HERE
    opened.close()
    assert opened.presence() is Presence.UNOPENED


def test_of_other_folders_those_that_have_a_database_are_read_and_one_that_cannot_be_is_told(
    folder: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    (broken / ".photod").mkdir(parents=True)
    (broken / ".photod/photos.db").write_bytes(b"nonsense" * 1000)
    without = tmp_path / "without"
    without.mkdir()
    Writer(Folder(path=folder).database_path).close()
    with capture_logs() as told:
        (reader,) = open_readers([Folder(path=place) for place in (folder, broken, without)])
    assert reader.path == folder / ".photod/photos.db"
    assert [(line["event"], line["folder"]) for line in told] == [("other_folder_unreadable", str(broken))]
    reader.close()
