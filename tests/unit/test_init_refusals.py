"""What `photod init` refuses, before anything is written."""

from pathlib import Path

import pytest

from init_arguments import asked
from photod.errors import ConfigError, UsageError
from photod.setup.command import init
from programs import photod


@pytest.mark.parametrize(("data", "words"), [(b"\xff", "not valid TOML"), (None, "Is a directory")])
def test_a_configuration_that_cannot_be_read_is_told(
    folder: Path, home: Path, data: bytes | None, words: str
) -> None:
    config = home / "config/photod/config.toml"
    config.parent.mkdir(parents=True)
    config.mkdir() if data is None else config.write_bytes(data)
    with pytest.raises(ConfigError, match=f"{config}.*{words}"):
        init(asked(folder, dry_run=True))


def test_another_user_is_only_for_the_service_of_the_machine(folder: Path, home: Path) -> None:
    with pytest.raises(UsageError, match="--as is for --system"):
        init(asked(folder, run_as="nobody"))
    assert not (home / "config").exists()


@pytest.mark.parametrize("user", ["nobdy", "photod"])  # photod is made by systemd-sysusers, which cannot run
def test_a_user_who_is_not_there_is_told_before_anything_is_written(folder: Path, etc: Path, user: str) -> None:
    with pytest.raises(UsageError, match=f"there is no user {user}; name one with --as"):
        init(asked(folder, system=True, run_as=user))
    assert not etc.exists()
    assert not (folder / ".photod").exists()


def test_folders_within_one_another_are_refused_before_anything_is_written(folder: Path, home: Path) -> None:
    (folder / "2019").mkdir()
    with pytest.raises(ConfigError, match="within"):
        init(asked(folder, folder / "2019", yes=True))
    assert not (home / "config").exists()


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_service_without_folders_is_refused_before_anything_is_written(home: Path, dry_run: bool) -> None:
    config = home / "config/photod/config.toml"
    words = f"no folder is named, and none is configured in {config}; name one or more"
    with pytest.raises(UsageError, match=words):
        init(asked(dry_run=dry_run, yes=True))
    assert not config.parent.exists()
    config.parent.mkdir(parents=True)
    config.write_text('folders = ["/srv/a"]\n')
    init(asked(dry_run=True))


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (
            "/nope",
            "/nope is no file, or closed to this user; check the path, or write hf-hub:OWNER/NAME for the hub",
        ),
        ("~/nope", "{home}/nope is no file"),
        ("~", "{home} is no file"),
        ("owner/name", "owner/name is no file.*write hf-hub:OWNER/NAME"),
        ("local-dir:/nope", "/nope is no directory, or closed to this user; check the path"),
    ],
)
def test_weights_that_are_not_there_are_told_before_anything_is_written(
    folder: Path, home: Path, weights: str, words: str, dry_run: bool
) -> None:
    with pytest.raises(UsageError, match=f"--weights: {words.format(home=home)}"):
        init(asked(folder, weights=weights, dry_run=dry_run, yes=True))
    assert not (home / "config").exists()
    assert not (folder / ".photod").exists()


def test_one_folder_is_not_uninstalled(folder: Path) -> None:
    with pytest.raises(UsageError, match="--uninstall takes the whole service back, not a folder"):
        init(asked(folder, uninstall=True, dry_run=True))


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a folder"):
        init(asked(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="not a folder"):
        init(asked(tmp_path / ("x" * 256)))
    (closed := tmp_path / "closed").mkdir(mode=0)
    done = photod("init", "--user", "--dry-run", closed, as_anybody=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "closed to this user" in done.stderr


def test_a_folder_that_toml_cannot_name_is_refused(tmp_path: Path) -> None:
    (odd := tmp_path / "caf\udce9").mkdir()
    with pytest.raises(UsageError, match=r"caf\\udce9' cannot be named in a configuration; rename it"):
        init(asked(odd))
