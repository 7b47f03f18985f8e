"""What is open of a folder."""

from pathlib import Path

import pytest

from photod.config import Folder, Watch
from photod.open_folder import OpenFolder
from photod.photos import Candidate, Fingerprint


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
