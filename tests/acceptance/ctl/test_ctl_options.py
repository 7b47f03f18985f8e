"""Options that exclude each other are refused; none is passed over in silence."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Ctl = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("top photos --json --csv", "--json and --csv exclude"),
        ("top photos --csv --thumbs", "--csv and --thumbs exclude"),
        ("top photos -0 --json", "--json and -0 exclude"),
        ("top photos --json --copy best", "--json and --copy exclude"),
        ("top photos --copy best --paths --link links", "--paths and --copy exclude"),
        ("top photos --thumbs --m3u list.m3u", "--thumbs and --m3u exclude"),
        ("status --prometheus --json", "--prometheus and --json exclude"),
        ("status --prometheus -f", "--prometheus and --follow exclude"),
        ("rate photos --json --top 3", "--top and --json exclude"),
        ("rate photo.png --top 3", "--top is of a folder, and photo.png is a file; leave it out"),
    ],
)
def test_a_pair_of_which_one_would_be_ignored_is_refused(
    ctl: Ctl, folder: Path, command: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "photo.png").write_bytes((folder / "red.png").read_bytes())
    run = ctl(*command.split())
    assert (run.returncode, run.stdout) == (2, "")
    assert f"photod-ctl: {words}" in run.stderr
    assert run.stderr.count("\n") == 1
    assert not (tmp_path / "best").exists()


@pytest.mark.parametrize("option", ["--copy", "--link", "--m3u"])
def test_an_empty_name_of_a_place_is_not_taken_for_none(ctl: Ctl, folder: Path, option: str) -> None:
    run = ctl("top", folder, option, "")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == f"photod-ctl: {option} '' names nothing; say where\n"


def test_the_list_of_commands_cuts_no_sentence(ctl: Ctl) -> None:
    listed = ctl("--help").stdout.partition("Commands:")[2]
    assert "by year and by camera; and what duplicates take." in " ".join(listed.split())
    assert "..." not in listed


def test_python_without_docstrings_is_no_bug(ctl: Ctl, folder: Path, environment: dict[str, str]) -> None:
    environment["PYTHONOPTIMIZE"] = "2"
    assert ctl("top", folder, "--paths", "-n", "1").stdout == f"{folder}/red.png\n"


def test_what_goes_together_goes_together(ctl: Ctl, folder: Path, tmp_path: Path) -> None:
    assert ctl("top", folder, "--paths", "-0", "-n", "1").stdout == f"{folder}/red.png\0"
    assert ctl("top", folder, "--copy", "best", "--m3u", "best.m3u", "-n", "1").returncode == 0
    assert (tmp_path / "best/1 red.png").exists()
