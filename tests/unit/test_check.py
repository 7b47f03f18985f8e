import io
import re
from pathlib import Path

import pytest

from fake_scorer import FakeScorer
from photod.check import check
from photod.config import Control
from photod.daemon import Daemon
from photod.errors import ConfigError
from photod.registry import REGISTRY_NAME, Registry
from running import make_config, running


def test_a_folder_that_the_machines_service_knows_is_away_for_whoever_checks(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("photod.check.load_scorers", FakeScorer().load)
    monkeypatch.setattr("photod.check.SYSTEM_STATE", tmp_path / "service")
    Registry(tmp_path / "service" / REGISTRY_NAME).remember(folder)
    folder.rmdir()
    assert check(make_config(folder)) is None
    assert f"{folder}: away; photod run waits for it\n" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["taken", "x" * 108, "taken/below/sock"])
def test_where_no_daemon_could_listen_is_told_as_the_daemon_tells_it(
    name: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("photod.check.load_scorers", FakeScorer().load)
    (tmp_path / "taken").touch()
    config = make_config(folder, control=Control(socket=str(tmp_path / name)))
    fault = check(config)
    assert isinstance(fault, ConfigError)
    told = capsys.readouterr().out
    assert f"socket:       {fault.problem}\n" in told
    assert "sandbox:" in told, "the rest is told all the same"
    with pytest.raises(ConfigError, match=re.escape(str(tmp_path / name))) as met:
        Daemon(config, load=FakeScorer().load).run()
    assert met.value.remedy == fault.remedy


def test_a_place_where_no_socket_may_be_made_is_found_without_making_any(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photod.check.load_scorers", FakeScorer().load)
    closed = tmp_path / "closed"
    closed.mkdir()
    monkeypatch.setattr("photod.control.os.access", lambda place, _: Path(place) != closed)  # root may all
    fault = check(make_config(folder, control=Control(socket=str(closed / "below/sock"))))
    assert fault is not None
    assert fault.problem.endswith(f"{closed} cannot be written to")
    assert not list(closed.iterdir())


def test_names_that_no_terminal_takes_are_escaped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photod.check.load_scorers", FakeScorer().load)
    monkeypatch.setattr("sys.stdout", told := io.TextIOWrapper(io.BytesIO(), "utf-8"))
    (odd := folder / "caf\udce9\x1b[2J").mkdir()
    assert check(make_config(odd)) is None
    told.flush()
    shown = told.buffer.getvalue()
    assert b"caf" in shown
    assert b"\x1b" not in shown


def test_a_daemon_that_listens_already_is_no_fault(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photod.check.load_scorers", FakeScorer().load)
    with running(config := make_config(folder), FakeScorer()):
        assert check(config) is None
