"""The manual pages: one for each command, and nothing in them that man complains about."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from machine import need
from photod_ctl.program import COMMANDS


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("man")
    command = [sys.executable, "-m", "photod_ctl.manual", str(directory)]
    subprocess.run(command, check=True, capture_output=True)
    return directory


def test_every_command_has_a_page_with_its_options_and_exit_codes(pages: Path) -> None:
    assert {page.stem for page in pages.iterdir()} == {"photod-ctl", *(f"photod-ctl-{name}" for name in COMMANDS)}
    top = (pages / "photod-ctl-top.1").read_text()
    for part in (r"\-\-distinct", r"\-\-json", "the best photos", "Examples", "78 the configuration"):
        assert part in top
    assert "\n.B FOLDER\n" in top


def test_man_renders_every_page_without_a_warning(pages: Path) -> None:
    if shutil.which("man") is None or shutil.which("groff") is None:
        need("man and groff")
    for page in sorted(pages.iterdir()):
        run = subprocess.run(
            ["man", "--warnings=all", "-l", str(page)], capture_output=True, text=True, check=True,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "80", "MANROFFSEQ": "", "TERM": "dumb"},
        )  # fmt: skip
        assert run.stderr == "", page
        assert page.stem in run.stdout
