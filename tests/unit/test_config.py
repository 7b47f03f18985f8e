import os
import tomllib
from pathlib import Path

import pytest

from photod.config import Config, Control, Folder, find_config, load_config, parse_config, state_directory
from photod.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"


def test_the_example_states_exactly_the_defaults() -> None:
    assert parse_config(tomllib.loads(EXAMPLE.read_text()), "example") == Config()


def test_the_example_states_every_key() -> None:
    table = tomllib.loads(EXAMPLE.read_text())
    assert table.keys() == Config.model_fields.keys()
    for name, field in Config.model_fields.items():
        if name != "folders":
            assert field.annotation is not None
            assert table[name].keys() == field.annotation.model_fields.keys(), name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("modle = 1", ["modle", "did you mean model?"]),
        ("[model]\nwieghts = 'x'", ["model.wieghts", "did you mean weights?"]),
        ("[watch]\nx = 1", ["unknown key watch.x; known keys: settle_s, rescan_s, poll_s"]),
        ("settle_s = 3", ["unknown key settle_s; it belongs in [watch]"]),
        ("[watch]\nweights = 'openai'", ["unknown key watch.weights; it belongs in [model]"]),
        ("exclude = ['raw/']", ["unknown key exclude; it belongs in the table of a folder"]),
        ("[watch]\nsettle_s = -1", ["watch.settle_s", "-1"]),
        ("[model]\nprecision = 'faste'", ["model.precision", "'faste'", "'fast'"]),
        ("folders = [{path = '/a', databse = 'state'}]", ["databse", "did you mean database?"]),
        ("folders = ", ["not valid TOML"]),
        ("[watch]\nrescan_s = inf", ["watch.rescan_s", "finite"]),
        ("[watch]\nrescan_s = 1e300", ["watch.rescan_s", "less than"]),
        ("[model]\nlogit_scale = nan", ["model.logit_scale", "finite"]),
        ("[intake]\ndecoder_memory_mb = 99999999999999999999", ["intake.decoder_memory_mb", "less than"]),
        ('[control]\nsocket = "/run/a\\u0000"', ["control.socket", "no path has a NUL in it"]),
        ("[control]\nsocket = 'photod.sock'", ["control.socket = 'photod.sock': write the whole path"]),
        ("[control]\nsocket = '~nosuchuser/s'", ["control.socket = '~nosuchuser/s': write the whole path"]),
        ("[schedule]\nquiet = '08:00-08:00'", ["schedule.quiet = '08:00-08:00': it would rest all day"]),
        ("[schedule]\nquiet = '8-18'", ["schedule.quiet = '8-18': write it like \"08:00-18:00\""]),
        ("folders = '/a'", ["folders = '/a': write a list, in brackets"]),
        ("folders = [5]", ["folders.0 = 5: write a path, or a table such as"]),
        ("folders = [{}]", ["folders.0.path is missing"]),
        ("folders = ['']", ["folders.0 = '': write the whole path"]),
        ("folders = ['Pictures']", ["folders.0 = 'Pictures': write the whole path"]),
        ("folders = [{path = '$HOME/Pictures'}]", ['such as "/mnt/photos" or "~/Pictures"']),
        ("folders = ['~nosuchuser/x']", ["'~nosuchuser/x': write the whole path"]),
        ("model = 5", ["model = 5: write a table"]),
        ("[model]\nprompts = []", ["model.prompts = []: write at least 1"]),
        ("[model]\nprompts = [['good']]", ["model.prompts.0.1 is missing"]),
        ("[model]\nprompts = [['good', 'bad', 'ugly']]", ["model.prompts.0 = ", ": write at most 2"]),
        ("[model]\ndevices = 'cuda:9'", ['model.devices = \'cuda:9\': write "auto", "cpu", or a list such as']),
        ("[model]\ndevices = [0]", ["model.devices = [0]: write"]),
        ("[model]\ndevices = []", ["model.devices = []: write"]),
    ],
)
def test_a_mistake_is_named_with_its_key_and_the_nearest_valid_one(
    text: str, words: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert str(file) in str(caught.value)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_file_in_another_encoding_is_no_toml_and_one_with_a_mark_of_utf_8_is(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[watch]\nsettle_s = 7.0\n", encoding="utf-8-sig")
    assert load_config(file).watch.settle_s == 7.0
    file.write_text("[watch]\nsettle_s = 7.0\n", encoding="utf-16")
    with pytest.raises(ConfigError, match="not in UTF-8; save it as UTF-8"):
        load_config(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        load_config(tmp_path / "nowhere.toml")


def test_a_folder_may_be_a_path_or_a_table(tmp_path: Path) -> None:
    table = {"folders": [str(tmp_path), {"path": "/srv/photos", "exclude": ["raw/"]}]}
    config = parse_config(table, "test")
    assert config.folders == (Folder(path=tmp_path), Folder(path=Path("/srv/photos"), exclude=("raw/",)))


def test_a_symlinked_folder_is_known_by_its_real_path(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert Folder(path=tmp_path / "link").path == (tmp_path / "real").resolve()


def test_the_place_of_the_configuration_can_be_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "c.toml").write_text("[watch]\nsettle_s = 7.0\n")
    monkeypatch.setenv("PHOTOD_CONFIG", str(tmp_path / "c.toml"))
    assert load_config().watch.settle_s == 7.0


def test_a_users_own_configuration_is_found_where_the_readme_says(home: Path) -> None:
    (home / "config/photod").mkdir(parents=True)
    (home / "config/photod/config.toml").write_text("[watch]\nsettle_s = 7.0\n")
    assert load_config().watch.settle_s == 7.0


def test_a_users_own_configuration_goes_before_the_machines(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = home / "config/photod/config.toml"
    monkeypatch.setattr("os.path.isfile", lambda path: True)
    assert find_config() == own
    monkeypatch.setattr("os.path.isfile", lambda path: path != own)
    assert find_config() == Path("/etc/photod/config.toml")


def test_the_socket_is_where_the_example_says(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/a:/run/b")
    assert Control().path == Path("/run/a/control.sock")
    monkeypatch.delenv("RUNTIME_DIRECTORY")
    assert Control().path == home / "run/photod/control.sock"
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr("os.getuid", lambda: 0)
    assert Control().path == Path("/run/photod/control.sock")
    monkeypatch.setattr("os.getuid", lambda: 1000)
    assert Control().path == home / "state/photod/control.sock"
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/a:/var/lib/b")
    assert Control().path == Path("/var/lib/a/control.sock")
    assert Control(socket="~/socket").path == home / "socket"


def test_only_a_socket_that_lies_where_systemd_made_room_for_it_is_open_to_a_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not Control().is_in_service_directory
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/photod")
    assert Control().is_in_service_directory
    assert not Control(socket="/run/mine").is_in_service_directory


def test_a_user_without_a_home_is_told_and_does_without_where_possible(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    assert load_config() == Config()
    with pytest.raises(ConfigError, match="set HOME or XDG_STATE_HOME"):
        state_directory()


def test_a_database_lies_in_its_folder_or_below_the_state_directory(home: Path) -> None:
    assert Folder(path=home).database_path == home / ".photod/photos.db"
    apart = Folder(path=Path("/srv/a"), database="state").database_path
    assert apart.is_relative_to(home / "state/photod/folders")
    assert apart != Folder(path=Path("/srv/b"), database="state").database_path


def test_the_scores_of_a_read_only_folder_lie_apart_unless_it_has_some(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: path != folder)  # root may write anywhere
    assert not Folder(path=folder).database_path.is_relative_to(folder)
    (folder / ".photod").mkdir()
    assert Folder(path=folder).database_path.is_relative_to(folder)


def test_a_folder_that_becomes_writable_keeps_the_scores_that_it_has(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_access = os.access
    with monkeypatch.context() as read_only:
        read_only.setattr("os.access", lambda path, mode: path != folder and may_access(path, mode))
        apart = Folder(path=folder).database_path
    apart.parent.mkdir(parents=True)
    apart.touch()
    assert Folder(path=folder).database_path == apart
    (folder / ".photod").mkdir()  # as `photod init` does
    assert Folder(path=folder).database_path == apart
    (folder / ".photod/photos.db").touch()
    assert Folder(path=folder).database_path == folder / ".photod/photos.db"
