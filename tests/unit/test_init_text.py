"""The text of the drop-in and of the configuration that `photod init` writes."""

import tomllib
from pathlib import Path

import pytest

from photod.config import Folder, parse_config
from photod.errors import ConfigError, UsageError
from photod.setup.dropin import system_dropin, user_dropin
from photod.setup.settings import with_folders


def folders(text: str) -> list[str]:
    return [str(folder.path) for folder in parse_config(tomllib.loads(text), "test").folders]


def dropin(
    *places: str, code: tuple[str, ...] = (), command: tuple[str, ...] = ("/opt/photod", "run"), fstab: str = ""
) -> list[str]:
    listed = [Folder(path=Path(place)) for place in places]
    return system_dropin(command, "ann", [Path(place) for place in code], listed, fstab).splitlines()


def test_a_folder_in_a_home_is_brought_back_and_its_scores_are_writable() -> None:
    lines = dropin("/home/ann/Pictures", "/srv/photos")
    assert "BindReadOnlyPaths=-/home/ann/Pictures" in lines
    assert "BindPaths=-/home/ann/Pictures/.photod" in lines
    assert "ReadWritePaths=-/srv/photos/.photod" in lines


def test_a_folder_whose_scores_lie_apart_is_only_read() -> None:
    folder = Folder(path=Path("/srv/photos"), database="state")
    assert ".photod" not in system_dropin(["photod"], "ann", [], [folder], "")


def test_where_drives_come_and_go_no_mount_of_the_service_holds_one() -> None:
    fstab = (
        "#UUID=1 /mnt/old ext4 defaults 0 2\n"
        "UUID=2 / ext4 errors=remount-ro 0 1\n\n"
        "UUID=3 /mnt/stays ext4 defaults 0 2\n"
        "UUID=4 /mnt/usb ext4 rw,noauto 0 0\n"
    )
    places = ("/mnt/old", "/mnt/usb/Photos", "/mnt/stays/Photos", "/run/media/ann/DISK", "/srv/mnt")
    assert [line for line in dropin(*places, fstab=fstab) if "Paths" in line] == [
        "ReadWritePaths=-/mnt",
        "ReadWritePaths=-/mnt/stays/Photos/.photod",
        "ReadWritePaths=-/run/media",
        "ReadWritePaths=-/srv/mnt/.photod",
    ]


def test_only_code_that_would_be_hidden_is_brought_back() -> None:
    lines = dropin(code=("/usr/lib/python3", "/home/ann/photod/.venv"))
    assert [line for line in lines if line.startswith("Bind")] == ["BindReadOnlyPaths=/home/ann/photod/.venv"]


def test_a_drop_in_says_how_its_own_unit_is_changed() -> None:
    assert dropin()[0].endswith(": systemctl edit photod")
    assert user_dropin(["photod"]).splitlines()[0].endswith(": systemctl --user edit photod")


def test_odd_characters_are_escaped_and_dangerous_ones_refused() -> None:
    lines = dropin("/home/ann/My 100% Pictures", command=("/opt/a b$/photod", "run"))
    assert 'BindReadOnlyPaths="-/home/ann/My 100%% Pictures"' in lines
    assert 'ExecStart="/opt/a b$$/photod" run' in lines
    assert """BindReadOnlyPaths="-/home/ann/Ann's\"""" in dropin("/home/ann/Ann's")
    for name in ("a\nExecStart=/bin/sh", 'a"b', "a\\b", "a:b"):
        with pytest.raises(UsageError):
            dropin(f"/home/ann/{name}")
    for word in ("/opt/a\nExecStartPre=/bin/sh", '/opt/a"b', "/opt/a\\b"):
        with pytest.raises(UsageError):
            user_dropin([word, "run"])
    assert 'ExecStart="/opt/it\'s" /opt/a:b 5%%' in user_dropin(["/opt/it's", "/opt/a:b", "5%"]).splitlines()


def test_a_new_configuration_lists_the_folders(folder: Path) -> None:
    assert folders(with_folders(None, [Folder(path=folder)], None)) == [str(folder)]


def test_what_a_configuration_says_besides_stays_word_for_word(folder: Path) -> None:
    before = (
        '# mine\nfolders = [\n  "/srv/a", # old\n  { path = "/srv/b", exclude = ["raw/"] },\n]\n'
        "[watch]\nsettle_s = 3.0 # slow\n"
    )
    after = with_folders(before, [Folder(path=folder)], "/srv/weights")
    assert folders(after) == ["/srv/a", "/srv/b", str(folder)]
    config = parse_config(tomllib.loads(after), "test")
    assert config.folders[1].exclude == ("raw/",)
    assert config.model.weights == "/srv/weights"
    assert after.startswith("# mine\n")
    assert "settle_s = 3.0 # slow\n" in after


def test_names_of_all_languages_are_written_as_they_are() -> None:
    assert '"/srv/Weißensee 🌻"' in with_folders(None, [Folder(path=Path("/srv/Weißensee 🌻"))], None)


def test_known_folders_change_nothing(folder: Path) -> None:
    text = f'folders = ["{folder}"] # so\n'
    assert with_folders(text, [Folder(path=folder)], None) == text


def test_weights_change_their_own_line_and_none_if_they_are_these() -> None:
    text = "# mine\n[model]\nweights = '{}' # so\nresize = 'crop'\n"
    assert with_folders(text.format("/srv/a"), [], "/srv/a") == text.format("/srv/a")
    after = with_folders(text.format("/srv/a"), [], "/srv/b")
    assert after == "# mine\n[model]\nweights = \"/srv/b\"\nresize = 'crop'\n"


@pytest.mark.parametrize(
    "text",
    [
        "[model] # mine\nweights = 'openai'\nresize = 'crop'\n",
        "  [ model ]\nresize = 'crop'",
        "[model]",
        "[model]\nprompts = [\n  ['good', 'bad'],\n]\nweights = 'openai'\n[watch]\nsettle_s = 3.0\n",
    ],
)
def test_the_section_of_the_model_is_found_however_it_is_written(text: str) -> None:
    after = with_folders(text, [], "/srv/weights")
    assert parse_config(tomllib.loads(after), "test").model.weights == "/srv/weights"
    assert after.count("model") == 1
    assert after.startswith(text.splitlines()[0])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[folders]]\npath = "/srv/a"\n', r'add \[\[folders\]\] with path = "{folder}", then call'),
        ('"folders" = ["/srv/a"]\n', 'add "{folder}" to its folders, then call photod init again'),
        ('model.resize = "crop"\n', 'set weights = "/srv/weights" for its model, then call'),
        ('model = { resize = "crop" }\n', 'set weights = "/srv/weights" for its model, then call'),
    ],
)
def test_a_form_that_cannot_be_edited_is_told_with_what_to_add(folder: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match="that photod init cannot edit; " + words.format(folder=folder)):
        with_folders(text, [Folder(path=folder)], "/srv/weights")


def test_a_broken_configuration_is_left_to_its_owner(folder: Path) -> None:
    with pytest.raises(ConfigError, match="TOML"):
        with_folders("folders = [", [Folder(path=folder)], None)
