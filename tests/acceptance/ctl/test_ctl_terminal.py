"""What people see: the real command in a pseudo-terminal."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pseudo_terminal import run_ctl
from scripted_daemon import ScriptedDaemon

Archive = Callable[..., Path]
Terminal = Callable[..., str]

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\]8;[^\x1b]*\x1b\\")
_COLOURS = re.compile(r"\x1b\[(?:[0-9]+;)*(?:[34][0-8]|9[0-7]|10[0-7])[;m]")

DONE = {
    "phase": "done", "compared": 1, "unchanged": 0, "todo": 1, "scored": 1, "duplicates": 0, "unscoreable": 0,
    "unreadable": 0, "vanished": 0, "median": 5.25, "rate": 2.0, "model_name": "builtin", "last_failure": None,
}  # fmt: skip


@pytest.fixture
def terminal(environment: dict[str, str], tmp_path: Path) -> Terminal:
    """Runs photod-ctl in a terminal to its good end; returns all that it wrote there."""

    def run(*arguments: str | Path, width: int = 80, height: int = 24, **more: str) -> str:
        code, seen = run_ctl(*arguments, environment=environment | more, cwd=tmp_path, cells=(width, height))
        assert code == 0, seen
        return seen.decode().replace("\r\n", "\n")

    return run


@pytest.mark.parametrize("width", [80, 200])
def test_a_table_fits_the_terminal(terminal: Terminal, archive: Archive, width: int) -> None:
    scores = {"x" * 150 + ".jpg": 9.0, "short.jpg": 8.0, "\x1b[2Jevil\n.jpg": 7.0}
    folder = archive("photos", scores, model="aesclip")
    text = _ESCAPES.sub("", terminal("top", folder, width=width))
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text
    assert r"\x1b[2Jevil\n.jpg" in text
    assert "short.jpg" in text


@pytest.mark.parametrize(
    ("width", "left_out"),
    [(120, ""), (80, ""), (64, "camera"), (56, "camera"), (50, "camera taken"), (40, "camera taken percentile")],
)
def test_where_a_ranking_leaves_names_no_room_it_leaves_out_what_matters_least(
    terminal: Terminal, archive: Archive, width: int, left_out: str
) -> None:
    text = terminal("top", archive("photos", {"landscape 12.jpg": 9.0}, model="aesclip"), width=width)
    titles, _, rows = _ESCAPES.sub("", text).partition("─")
    wanted = {"rank", "score", "percentile", "taken", "camera", "photo"}
    assert wanted - set(titles.split()) == set(left_out.split())
    assert "  landscape 12.jpg" in rows


@pytest.mark.parametrize(
    ("width", "left_out"),
    [
        (120, ""),
        (80, "compared"),
        (64, "compared watched missing"),
        (56, "compared watched missing stale"),
        (40, "compared watched missing stale pending failed"),
    ],
)
def test_status_names_the_folders_however_narrow_the_terminal(
    terminal: Terminal, tmp_path: Path, width: int, left_out: str
) -> None:
    (tmp_path / "c.toml").write_text('folders = ["/pictures of mine"]\n')
    titles, _, rows = _ESCAPES.sub("", terminal("status", "--config", "c.toml", width=width)).partition("─")
    wanted = {"folder", "state", "watched", "compared", "pending", "scored", "stale", "failed", "missing"}
    assert wanted - set(titles.split()) == set(left_out.split())
    assert " /pictures of" in rows


def test_paths_are_links(terminal: Terminal, archive: Archive) -> None:
    folder = archive("photos", {"a b.jpg": 9.0})
    assert "\x1b]8;id=" in terminal("top", folder)
    assert f"file://{folder}/a%20b.jpg\x1b\\" in terminal("top", folder)


def test_no_color_is_obeyed(terminal: Terminal, daemon: Callable[..., ScriptedDaemon], tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    daemon(tmp_path / "photos", {"progress": DONE, "done": True})
    for setting, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        text = terminal("rate", "photos", **setting)
        assert "1 scored" in text
        assert bool(_COLOURS.search(text)) == coloured


def test_a_long_table_goes_through_the_pager_and_a_short_one_does_not(
    terminal: Terminal, archive: Archive, tmp_path: Path
) -> None:
    folder = archive("photos", {f"{n}.jpg": float(n % 10) for n in range(40)})
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\necho PAGED $LESS\nexec cat\n")
    pager.chmod(0o755)
    long = terminal("top", folder, PAGER=str(pager))
    assert "PAGED FRX\n" in long
    assert "/39.jpg" in long
    for width in (200, 24):  # in a narrow one, cells are folded
        text = terminal("top", folder, "-n", "5", PAGER=str(pager), width=width, height=14)
        assert ("PAGED" in text) == (width == 24)
    assert "PAGED S\n" in terminal("top", folder, PAGER="cat", PHOTOD_PAGER=str(pager), LESS="S")
    terminal("top", folder, PAGER="sh -c 'kill -INT $PPID $$; sleep 600'")  # Ctrl-C ends the pager alone
    for unusable in ("there-is-no-such-pager", "less '"):
        assert "/39.jpg" in terminal("top", folder, PAGER=unusable)


def test_completion_offers_commands_and_options(terminal: Terminal) -> None:
    asked = {"_PHOTOD_CTL_COMPLETE": "complete_bash", "COMP_WORDS": "photod-ctl s", "COMP_CWORD": "1"}
    assert terminal(**asked).split() == ["slideshow", "stats", "show", "status"]
    asked = {"_PHOTOD_CTL_COMPLETE": "complete_bash", "COMP_WORDS": "photod-ctl top --dis", "COMP_CWORD": "2"}
    assert terminal(**asked).split() == ["--distinct"]


@pytest.mark.parametrize(
    ("shell", "home", "words"),
    [("sh", ".", "Shell sh is not supported"), ("bash", "a-file", "cannot write a-file: ")],
)
def test_completion_that_cannot_be_installed_is_one_line(
    shell: str, home: str, words: str, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "a-file").touch()
    command = [shell, "-c", '"$0" -m photod_ctl --install-completion; exit $?', sys.executable]
    run = subprocess.run(
        command, env=environment | {"HOME": home}, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    told = run.stdout + run.stderr
    assert (run.returncode, told.count("\n")) == (2, 1), told
    assert words in told


COMMANDS = (
    "rate", "top", "slideshow", "stats", "show", "failed", "status", "export", "rescan", "purge", "release",
    "pause", "resume", "verify", "backup", "demo",
)  # fmt: skip


def test_help_names_every_command(terminal: Terminal) -> None:
    assert set(COMMANDS) <= set(terminal("--help").split())


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_fits_and_has_an_example_and_the_exit_codes(terminal: Terminal, command: str) -> None:
    text = terminal(command, "--help")
    assert f"Usage: photod-ctl {command}" in text
    assert re.search(rf"Examples?:\s+photod-ctl {command}", text)
    assert "Exit codes: 0 done" in text
    assert not re.search(r"<\w", text), "a type of Python's"
    assert max(map(len, text.splitlines())) <= 80
