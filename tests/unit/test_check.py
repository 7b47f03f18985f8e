from pathlib import Path

import pytest

from fake_scorer import FakeScorer
from photod.check import check
from photod.registry import REGISTRY_NAME, Registry
from running import make_config


def test_a_folder_that_the_machines_service_knows_is_away_for_whoever_checks(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("photod.check.load_scorers", FakeScorer().load)
    monkeypatch.setattr("photod.check.SYSTEM_STATE", tmp_path / "service")
    Registry(tmp_path / "service" / REGISTRY_NAME).remember(folder)
    folder.rmdir()
    assert check(make_config(folder)) is None
    assert f"{folder}: away; photod run waits for it\n" in capsys.readouterr().out
