"""What is open of a folder."""

from pathlib import Path

import pytest

from photod.config import Folder, Watch
from photod.open_folder import OpenFolder


@pytest.fixture
def opened(folder: Path) -> OpenFolder:
    return OpenFolder(Folder(path=folder), Watch(), offer=lambda _: True, expect=lambda: None, note=lambda _: None)


def test_who_waits_until_it_is_closed_waits_while_its_database_is_open(opened: OpenFolder) -> None:
    now = 0.0  # which is long past
    assert opened.wait_until_closed(now)
    opened.open()
    assert not opened.wait_until_closed(now)
    opened.close()
    assert opened.wait_until_closed(now)
