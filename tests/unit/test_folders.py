"""Which folders are meant, where two machines may write."""

from pathlib import Path

import pytest

from fake_scorer import FakeScorer
from photod import filesystem
from photod.config import Config, Folder
from photod.errors import EXIT_CONFIG, ConfigError
from photod.folders import choose_folders
from pictures import make_photo
from running import make_config, ranking, score_once

NFS, SMB, FUSE = 0x6969, 0xFF534D42, 0x65735546


def test_a_database_on_a_network_drive_is_refused_with_what_to_write(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, apart = Config(folders=(Folder(path=folder),)), Config(folders=(Folder(path=folder, database="state"),))
    for kind in (NFS, SMB):
        monkeypatch.setattr(filesystem, "filesystem_type", lambda _, kind=kind: kind)
        with pytest.raises(ConfigError, match="a network drive") as told:
            choose_folders(config, None)
        assert told.value.exit_code == EXIT_CONFIG
        assert told.value.remedy == f'write {{ path = "{folder}", database = "state" }}'
        assert choose_folders(apart, None)[0] == list(apart.folders)
    monkeypatch.setattr(filesystem, "filesystem_type", lambda _: FUSE)
    assert choose_folders(config, None)[0] == list(config.folders)


def test_a_network_drive_that_is_typed_keeps_its_scores_apart(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filesystem, "filesystem_type", lambda _: NFS)
    make_photo(folder / "a.png", 51)
    score_once(folder, FakeScorer(), make_config(folder).model_copy(update={"folders": ()}))
    assert ranking(folder) == {"a.png": pytest.approx(2.0, abs=0.05)}
    assert not (folder / ".photod").exists()
