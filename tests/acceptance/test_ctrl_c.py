"""Ctrl-C before a program has begun its work: it ends, without a traceback."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from waiting import wait_until


@pytest.mark.parametrize(("program", "imported"), [("photod", "structlog"), ("photod_ctl", "typer")])
@pytest.mark.parametrize("ignored", [False, True])
def test_while_a_program_is_imported_ctrl_c_ends_it_at_once(
    program: str, imported: str, ignored: bool, tmp_path: Path
) -> None:
    stand_in = "open('reached', 'w').close()\nopen('gate').close()\nraise SystemExit(3)\n"
    (tmp_path / f"{imported}.py").write_text(stand_in)
    os.mkfifo(tmp_path / "gate")
    trap = "trap '' INT; " if ignored else ""
    command = ["sh", "-c", f'{trap}exec "$0" "$@"', sys.executable, "-m", program, "--help"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as process:
        wait_until((tmp_path / "reached").exists)
        process.send_signal(signal.SIGINT)
        if ignored:
            (tmp_path / "gate").open("w").close()
        _, told = process.communicate(timeout=60)
    assert (process.returncode, told) == (3 if ignored else -signal.SIGINT, "")


def test_an_interrupted_check_ends_with_130() -> None:
    program = (
        "import sys, photod.check\n"
        "from photod.__main__ import main\n"
        "def check(_): raise KeyboardInterrupt\n"
        "photod.check.check = check\n"
        "sys.argv[1:] = ['check']\n"
        "main()"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (130, "", "")
