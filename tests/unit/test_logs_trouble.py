"""What a process remembers of its own warnings and errors, for `status`."""

import subprocess
import sys

import pytest

PROGRAM = """
import logging
from photod.logs import configure_logs, get_logger, recent_warnings
configure_logs("info", "%s")
log = get_logger("x")
log.info("ready", folder="/f")
for n in range(7):
    log.warning("folder_absent", folder=f"/f{n}\\n", also=["a", "b"])
logging.getLogger("library").error("broke")
for trouble in recent_warnings():
    print(trouble.at > 1.6e9, trouble.words)
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_last_warnings_are_remembered_in_words(form: str) -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM % form], capture_output=True, text=True, check=True)
    lines = run.stdout.splitlines()
    assert lines[0] == "True broke"
    assert lines[1:] == [rf"True folder absent: /f{n}\n, a, b" for n in (6, 5, 4, 3)]
    assert "folder_absent" in run.stderr
