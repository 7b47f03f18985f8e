"""What `photod init` does to files: with consent, whole, and nothing else."""

import os
import pwd
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from init_arguments import asked
from machine import need
from photod.config import Folder
from photod.errors import ConfigError
from photod.setup.command import init
from photod.setup.place import owner_of
from photod.setup.steps import Run
from programs import photod


def test_a_folder_on_a_network_drive_is_configured_with_its_scores_apart(
    folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("photod.folders.is_shared", lambda _: True)
    init(asked(folder, dry_run=True))
    assert f'folders = [{{ path = "{folder}", database = "state" }}]' in capsys.readouterr().out
    (config := home / "config/photod/config.toml").parent.mkdir(parents=True)
    config.write_text('[[folders]]\npath = "/srv/a"\n')
    with pytest.raises(ConfigError, match=rf'add \[\[folders\]\] with path = "{folder}", database = "state", then'):
        init(asked(folder, dry_run=True))


def test_the_mark_that_some_editors_begin_a_file_with_is_no_mistake(folder: Path, home: Path) -> None:
    file = home / "config/photod/config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(f"\ufefffolders = ['{folder}']\n")
    init(asked(folder, dry_run=True))


def test_a_dry_run_shows_and_touches_nothing(folder: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init(asked(folder, dry_run=True))
    shown = capsys.readouterr().out
    assert "photod.service" in shown
    assert f'folders = ["{folder}"]' in shown
    assert not (home / "config").exists()
    assert not (folder / ".photod").exists()


def test_where_systemd_does_not_run_the_files_are_written_all_the_same(
    folder: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in an image that is being built, which may have no systemctl either."""
    monkeypatch.setenv("PATH", str(tmp_path))
    for module in ("command", "steps"):
        monkeypatch.setattr(f"photod.setup.{module}.is_booted", lambda: False)
    init(asked(folder))
    assert (home / "config/systemd/user/photod.service").exists()
    assert "enable --now" in capsys.readouterr().out


def test_a_file_of_the_users_is_only_changed_with_consent(
    folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = home / "config/systemd/user/photod.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("mine")
    for answer in ("", None):
        monkeypatch.setattr("builtins.input", _answers(answer))
        with pytest.raises(ConfigError, match="as it was"):
            init(asked(folder))
        assert unit.read_text() == "mine"
    monkeypatch.setattr("builtins.input", _answers("y"))
    init(asked(folder))
    assert "Type=notify" in unit.read_text()
    assert (folder / ".photod").is_dir()
    monkeypatch.setattr("builtins.input", _answers("n"))
    init(asked(folder))  # nothing has changed, so nothing is asked


def _answers(answer: str | None) -> Callable[[str], str]:
    """The user's answer to each question; None where nobody is there to answer."""

    def reply(_: str) -> str:
        if answer is None:
            raise EOFError
        return answer

    return reply


def test_uninstalling_leaves_the_configuration_to_who_says_no(
    folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    init(asked(folder, yes=True))
    monkeypatch.setattr("builtins.input", _answers("n"))
    init(asked(uninstall=True))
    assert [path for path in (home / "config").rglob("*") if path.is_file()] == [home / "config/photod/config.toml"]
    assert (home / "config/systemd/user").is_dir()


def test_a_command_of_the_system_that_fails_ends_it_unless_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photod.setup.steps.is_booted", lambda: True)
    command = ("sh", "-c", "echo no >&2; exit 3")
    with pytest.raises(ConfigError, match=r"failed: no$"):
        Run(command).do(lambda _: True, print)
    Run(command, may_fail=True).do(lambda _: True, print)


def test_what_is_not_there_is_not_shown_as_removed(
    folder: Path, home: Path, etc: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    init(asked(system=True, uninstall=True, dry_run=True))
    assert "remove " not in capsys.readouterr().out
    init(asked(folder, yes=True))
    init(asked(uninstall=True, dry_run=True))
    shown = capsys.readouterr().out.splitlines()
    there = sorted(str(path) for path in (home / "config").rglob("*") if path.is_file())
    assert sorted(line.split()[1] for line in shown if line.startswith("remove ")) == there
    assert len(there) == 3


@pytest.mark.parametrize(
    ("owners", "user"), [([65534], "nobody"), ([65534, 1], "photod"), ([0], "photod"), ([54321], "photod")]
)
def test_the_owner_of_all_folders_runs_the_service_unless_that_is_root_or_nobody_known(
    tmp_path: Path, owners: list[int], user: str
) -> None:
    if os.getuid() != 0:
        need("root, to give folders away")
    for owner in owners:
        (place := tmp_path / str(owner)).mkdir()
        os.chown(place, owner, owner)
    folders = [Folder(path=tmp_path / name) for name in ("away", *map(str, owners))]
    assert owner_of(folders) == user


def test_a_service_that_runs_as_somebody_makes_no_account(
    folder: Path, etc: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    init(asked(folder, system=True, run_as=pwd.getpwuid(os.getuid()).pw_name, dry_run=True))
    shown = capsys.readouterr().out
    assert f"write   {etc}/systemd/system/photod.service\n" in shown
    assert "sysusers" not in shown


@pytest.mark.parametrize("is_there", [False, True])
def test_what_root_writes_is_open_to_the_service_whatever_roots_umask(
    folder: Path, etc: Path, is_there: bool
) -> None:
    config = etc / "photod/config.toml"
    if is_there:
        config.parent.mkdir(parents=True)
        config.touch(0o600)
    before = os.umask(0o077)
    try:
        init(asked(folder, system=True, run_as=pwd.getpwuid(os.getuid()).pw_name, yes=True))
    finally:
        os.umask(before)
    written = list(etc.rglob("*"))
    assert config in written
    assert [path for path in written if not path.stat().st_mode & stat.S_IROTH] == []


def test_scores_of_another_user_are_given_away_with_consent_and_nothing_but_them(
    folder: Path, etc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if os.getuid() != 0:
        need("root, to give files away")
    scores = folder / ".photod"
    (scores / "backups").mkdir(parents=True)
    for name in ("photos.db", "backups/photos-1.db"):
        (scores / name).touch()
    stranger = tmp_path / "passwords"
    stranger.touch()
    (scores / "hard").hardlink_to(stranger)
    (scores / "soft").symlink_to(folder)
    init(asked(folder, system=True, run_as="nobody", dry_run=True))
    assert f"give    {scores} and the files in it to nobody\n" in capsys.readouterr().out

    monkeypatch.setattr("builtins.input", lambda _: "")
    with pytest.raises(ConfigError, match=r"\.photod is as it was"):
        init(asked(folder, system=True, run_as="nobody"))
    assert scores.stat().st_uid == 0
    monkeypatch.setattr("builtins.input", lambda _: "y")
    init(asked(folder, system=True, run_as="nobody"))
    nobody = pwd.getpwnam("nobody").pw_uid
    places = (folder, *sorted(folder.rglob("*")), stranger)
    assert [place for place in places if place.lstat().st_uid == nobody] == [scores, scores / "photos.db"]
    init(asked(folder, system=True, run_as="nobody", dry_run=True))
    assert f"keep    {scores}\n" in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_to_gets_no_directory_for_scores(
    folder: Path, home: Path, tmp_path: Path
) -> None:
    readable, kept = tmp_path / "readable", tmp_path / "kept"
    readable.mkdir()
    (kept / ".photod").mkdir(parents=True)
    for place in (readable, kept):
        place.chmod(0o555)
    shown = photod("init", "--user", "--dry-run", readable, kept, folder, as_anybody=True).stdout
    done = photod("init", "--user", "--yes", readable, kept, folder, as_anybody=True)
    assert done.returncode == 0, done.stderr
    assert (home / "config/systemd/user/photod.service").exists()
    assert (folder / ".photod").is_dir()
    assert not (readable / ".photod").exists()
    assert f"make    {folder}/.photod\n" in shown
    assert f"keep    {kept}/.photod\n" in shown
    assert f"{readable}/.photod" not in shown


@pytest.mark.parametrize("weights", ["builtin", "openai", "hf-hub:owner/name", "local-dir:{place}", "{place}/file"])
def test_weights_that_are_there_or_may_be_fetched_are_taken(
    folder: Path, tmp_path: Path, weights: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    weights = weights.format(place=tmp_path)
    init(asked(folder, weights=weights, dry_run=True))
    assert weights == "builtin" or f'weights = "{weights}"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "written"),
    [("./file", "{place}/file"), ("~/own", "{home}/own"), ("local-dir:.", "local-dir:{place}")],
)
def test_weights_are_written_as_a_service_finds_them(
    folder: Path, home: Path, tmp_path: Path, typed: str, written: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (tmp_path / "file").touch()
    (home / "own").touch()
    monkeypatch.chdir(tmp_path)
    init(asked(folder, weights=typed, dry_run=True))
    assert f'weights = "{written.format(place=tmp_path, home=home)}"' in capsys.readouterr().out


def test_a_configuration_stays_where_a_link_leads_and_as_closed_as_it_was(
    folder: Path, home: Path, tmp_path: Path
) -> None:
    kept, config = tmp_path / "settings/photod.toml", home / "config/photod/config.toml"
    for path in (kept, config):
        path.parent.mkdir(parents=True)
    kept.write_text("# mine\n")
    kept.chmod(0o600)
    config.symlink_to(kept)
    init(asked(folder, yes=True))
    assert config.is_symlink()
    assert f'folders = ["{folder}"]' in kept.read_text()
    assert "# mine\n" in kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
