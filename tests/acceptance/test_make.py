"""`make` sets up the environment, with stand-ins for Python: nothing is installed."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MADE = "#!/bin/sh\necho made >&2\n"
INTERRUPTED = '#!/bin/sh\ncase "$*" in *"import pip"*) exit 1;; esac\n'

Make = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes the environment in a copy of this directory, by a Python that is new enough, or is not."""
    for name in ("Makefile", "pyproject.toml"):
        (tmp_path / name).write_text((ROOT / name).read_text())

    def run(new_enough: bool = True) -> subprocess.CompletedProcess[str]:
        executable(
            tmp_path / "python",
            f'#!/bin/sh\ncase "$*" in *version_info*) exit {int(not new_enough)};; *venv*)'
            f' echo "$@"; mkdir -p .venv/bin; cp made .venv/bin/python;; esac\n',
        )
        executable(tmp_path / "made", MADE)
        command = ["make", "--no-print-directory", ".venv/photod", "PYTHON=./python"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    return run


def executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def test_a_run_ends_with_where_the_program_is_that_it_names(make: Make, tmp_path: Path) -> None:
    make()
    executable(tmp_path / ".venv/bin/photod-ctl", '#!/bin/sh\necho "$@"\n')
    command = ["make", "--no-print-directory", "run", "FOLDER=My Photos"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    rated, where = done.stdout.splitlines()[-2:]
    assert rated == "rate My Photos --top 10"
    assert where.startswith("photod-ctl is .venv/bin/photod-ctl; ")


def test_a_python_that_is_too_old_is_one_line_and_leaves_nothing_behind(make: Make, tmp_path: Path) -> None:
    done = make(new_enough=False)
    assert done.returncode != 0
    assert done.stdout == (
        "photod needs Python 3.11 or newer, and ./python is older: make run PYTHON=/path/to/a/newer/python3\n"
    )
    assert not (tmp_path / ".venv").exists()


def test_an_environment_that_was_interrupted_is_made_anew(make: Make, tmp_path: Path) -> None:
    executable(tmp_path / ".venv/bin/python", INTERRUPTED)
    done = make()
    assert done.returncode == 0, done.stderr
    assert "-m venv --clear .venv\n" in done.stdout
    assert (tmp_path / ".venv/bin/python").read_text() == MADE


def test_an_environment_that_works_is_kept(make: Make, tmp_path: Path) -> None:
    executable(tmp_path / ".venv/bin/python", "#!/bin/sh\n")
    done = make()
    assert done.returncode == 0, done.stderr
    assert "venv --clear" not in done.stdout
    assert (tmp_path / ".venv/photod").exists()
