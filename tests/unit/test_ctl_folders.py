"""Which databases are meant by what was typed, where folders lie in one another or are not open to everybody."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from invented_archive import Photo, write_archive
from mounts import Mounts
from photod import filesystem
from photod.config import Config, Folder
from photod.errors import UsageError
from photod.photos import Facts, Scored
from photod_ctl.folders import all_archives, archives, existing_archive, find_archive, real_directory, refuse_closed
from photod_ctl.rate import _median, _scores_of


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


def test_a_folder_that_does_not_answer_keeps_nobody_waiting(
    folder: Path, mounts: Mounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filesystem, "ANSWER_S", 0.2)
    server = mounts.silent(folder)
    try:
        with pytest.raises(UsageError, match="does not answer; see whether its drive is there"):
            real_directory(str(folder))
    finally:
        os.close(server)


@pytest.mark.parametrize("look", [real_directory, refuse_closed])
def test_what_lies_in_a_closed_place_is_not_called_gone(
    look: Callable[[str], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str, **_: object) -> os.stat_result:
        raise PermissionError(13, "Permission denied", path)

    place = str(tmp_path / "theirs")
    for name in ("os.lstat", "os.stat"):
        monkeypatch.setattr(name, refuse)  # root may look anywhere
    with pytest.raises(UsageError, match="theirs is closed to you; ask its owner"):
        look(place)


def test_a_configured_folder_comes_before_a_nearer_database_as_for_the_daemon(tmp_path: Path) -> None:
    whole, part = tmp_path / "whole", tmp_path / "whole/part"
    inner = write_archive(part, [])
    config = Config(folders=(Folder(path=whole),))
    assert find_archive(str(part), config) == inner, "until the folder around it has scores"
    outer = write_archive(whole, [])
    assert find_archive(str(part), config) == replace(outer, below="part")
    assert find_archive(str(part), Config()) == inner


def test_an_archive_within_another_is_left_out_where_that_has_its_photos(tmp_path: Path) -> None:
    whole, part, apart = tmp_path / "whole", tmp_path / "whole/part", tmp_path / "whole/excluded"
    photo = Photo("part/a.jpg", Scored("a" * 64, Facts(6, 4, None, None), 5.0, bytes(4)))
    outer, _, inner = write_archive(whole, [photo]), write_archive(part, []), write_archive(apart, [])
    assert archives([str(part), str(whole), str(apart)], Config()) == [outer, inner]
    assert len(all_archives([str(part), str(whole)], Config())) == 2


@pytest.mark.parametrize("trouble", ["closed", "damaged"])
def test_scores_that_cannot_be_read_keep_nobody_from_following_how_they_are_made(
    folder: Path, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write_archive(folder, [Photo("a.jpg", Scored("a" * 64, Facts(6, 4), 5.25, bytes(4)))])
    look = _scores_of(str(folder), Config())
    assert (look(), _median(str(folder), Config())) == ({10: 1}, 5.25)
    if trouble == "closed":
        monkeypatch.setattr("os.access", lambda *_: False)  # root may all
    else:
        archive.database.write_bytes(b"no database" * 1000)
    assert (look(), _median(str(folder), Config())) == ({}, None)
