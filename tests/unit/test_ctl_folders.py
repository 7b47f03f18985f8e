"""Which databases are meant by what was typed, where they are not open to everybody."""

import os
from pathlib import Path

import pytest

from photod.config import Config
from photod.errors import UsageError
from photod_ctl.folders import existing_archive


def test_scores_that_are_closed_to_the_user_are_told_and_not_passed_by(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = folder / ".photod"
    (closed / "photos.db").parent.mkdir()
    really_look = os.lstat

    def look(path: str) -> os.stat_result:
        if Path(path).is_relative_to(closed):
            raise PermissionError(13, "Permission denied", path)
        return really_look(path)

    monkeypatch.setattr("os.lstat", look)  # root may look anywhere
    with pytest.raises(UsageError, match=r"photos\.db is closed to you; ask its owner"):
        existing_archive(str(folder), Config())
