import io
import re
from dataclasses import replace
from pathlib import Path

import pytest

from fake_scorer import FakeScorer
from photod.check import check
from photod.config import Control
from photod.daemon import Daemon
from photod.errors import ConfigError
from photod.registry import REGISTRY_NAME, Registry
from photod.watch import presence
from pictures import make_photo
from running import make_config, running, score_once


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


def test_folders_that_do_not_go_together_are_refused_as_by_the_daemon(folder: Path) -> None:
    (folder / "within").mkdir()
    with pytest.raises(ConfigError, match="contains the other"):
        check(make_config(folder, folder / "within"))


def test_of_several_faults_the_first_is_what_the_daemon_would_end_with(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photod.check.load_scorers", FakeScorer().load)
    (tmp_path / "taken").touch()
    fault = check(make_config(folder, tmp_path / "none", control=Control(socket=str(tmp_path / "taken"))))
    assert fault is not None
    assert fault.problem == f"{tmp_path / 'none'} is not a folder"


def test_a_socket_that_nobody_configured_is_not_looked_for_since_the_services_is_elsewhere(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photod.check.load_scorers", FakeScorer().load)
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "file"))
    assert check(make_config(folder, control=Control())) is None


def test_a_folder_whose_filesystem_does_not_answer_is_waited_for_and_not_touched(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("photod.check.load_scorers", FakeScorer().load)
    make_photo(folder / "a.png")
    score_once(folder, FakeScorer())
    for module in ("photod.check", presence.__name__):
        monkeypatch.setattr(f"{module}.answers", lambda _: False)
    assert check(make_config(folder)) is None
    told = capsys.readouterr().out
    assert f"{folder}: its filesystem does not answer; photod run waits for it\n" in told
    assert "database:" not in told


def test_what_a_folder_holds_is_counted_and_only_scores_of_the_same_model_are_computed_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given 3 photos that are scored and 1 that cannot be, then 2 are looked at again."""
    monkeypatch.setattr("photod.check.SAMPLES", 2)
    for level in (10, 20, 30):
        make_photo(folder / f"{level}.png", level)
    (folder / "text.jpg").write_text("no picture")
    scorer, later = FakeScorer(), FakeScorer()
    later.identity = replace(later.identity, logit_scale=2.0)
    score_once(folder, scorer)
    for loaded, rescored in ((scorer, 2), (later, 0)):
        monkeypatch.setattr("photod.check.load_scorers", loaded.load)
        assert check(make_config(folder)) is None
        told = capsys.readouterr().out
        assert f"{folder}: 3 scored, 1 unscoreable, 0 by an earlier model\n" in told
        assert f"{folder}: 2 photos hashed again, {rescored} scores computed again: nothing wrong\n" in told
