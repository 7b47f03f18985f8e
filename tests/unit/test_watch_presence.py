"""Whether a folder is there as itself, and which folders are known."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from photod.config import DATABASE_DIRECTORY, Folder
from photod.filesystem import filesystem_identity
from photod.registry import Record, Registry
from photod.watch.presence import Presence, file_identity, presence


@pytest.fixture
def here(folder: Path) -> Record:
    return Record(filesystem_identity(str(folder)))


ELSEWHERE = Record("ef53:0000000000000000")


def test_a_folder_that_is_new_may_be_opened_even_if_empty(folder: Path) -> None:
    assert presence(Folder(path=folder), None, None) is Presence.UNOPENED


@pytest.mark.parametrize("database", ["folder", "state"])
def test_a_path_without_a_directory_is_absent(folder: Path, here: Record, database: str) -> None:
    settings = Folder.model_validate({"path": folder / "gone", "database": database})
    for record in (None, here):
        assert presence(settings, record, None) is Presence.ABSENT
    (folder / "gone").write_text("a file")
    for record in (None, here):
        assert presence(settings, record, None) is Presence.ABSENT


def test_a_known_folder_without_its_marker_is_away(folder: Path, here: Record) -> None:
    settings = Folder(path=folder)
    assert presence(settings, here, None) is Presence.ABSENT
    assert presence(settings, ELSEWHERE, None) is Presence.ABSENT
    (folder / "readme on the mount point").touch()
    assert presence(settings, ELSEWHERE, None) is Presence.ABSENT


def test_a_known_folder_made_again_on_the_same_filesystem_is_there_once_it_has_something(
    folder: Path, here: Record
) -> None:
    (folder / "a.jpg").touch()
    assert presence(Folder(path=folder), here, None) is Presence.UNOPENED


def test_the_user_may_begin_anew_by_making_the_marker(folder: Path) -> None:
    (folder / DATABASE_DIRECTORY).mkdir()
    assert presence(Folder(path=folder), ELSEWHERE, None) is Presence.UNOPENED


def test_the_open_database_must_be_the_one_in_the_folder(folder: Path, here: Record) -> None:
    settings = Folder(path=folder)
    (folder / DATABASE_DIRECTORY).mkdir()
    settings.database_path.touch()
    opened = file_identity(settings.database_path)
    assert presence(settings, here, opened) is Presence.HERE
    settings.database_path.rename(folder / "aside")
    assert presence(settings, here, opened) is Presence.UNOPENED
    settings.database_path.touch()
    assert presence(settings, here, opened) is Presence.UNOPENED


def test_a_folder_kept_in_the_state_directory_is_away_if_empty_and_elsewhere(folder: Path, here: Record) -> None:
    settings = Folder(path=folder, database="state")
    assert presence(settings, ELSEWHERE, None) is Presence.ABSENT
    assert presence(settings, here, None) is Presence.UNOPENED
    (folder / "a.jpg").touch()
    assert presence(settings, ELSEWHERE, None) is Presence.UNOPENED


def test_the_registry_remembers_names_of_every_kind(folder: Path, tmp_path: Path, here: Record) -> None:
    registry = Registry(tmp_path / "state/folders.json")
    odd = folder / "\udcff\n"
    odd.mkdir()
    assert registry.find(odd) is None
    registry.remember(folder)
    registry.remember(odd)
    assert Registry(registry.file).find(odd) == here
    assert registry.find(folder) == here
    assert [path.name for path in registry.file.parent.iterdir()] == ["folders.json"]


def test_what_a_later_version_remembers_besides_is_left_alone(folder: Path, tmp_path: Path, here: Record) -> None:
    registry = Registry(tmp_path / "folders.json")
    registry.file.write_text(json.dumps({str(folder): {**asdict(here), "since": 1}, "/strange": [], "/other": {}}))
    before = registry.file.read_text()
    assert registry.find(folder) == here
    registry.remember(folder)
    assert registry.file.read_text() == before
    assert registry.find(Path("/strange")) is None
    assert registry.find(Path("/other")) is None


def test_a_damaged_registry_is_an_empty_one(folder: Path, tmp_path: Path) -> None:
    registry = Registry(tmp_path / "folders.json")
    registry.file.write_text("{")
    assert registry.find(folder) is None
    registry.remember(folder)
    assert registry.find(folder) is not None
