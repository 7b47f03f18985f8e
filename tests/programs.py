"""Starts the real programs, as a user would."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from waiting import PATIENCE_S

PHOTOD = [sys.executable, "-m", "photod"]
# The same but for the scorer: a fake one, so that no model is loaded.
FAKED = [sys.executable, str(Path(__file__).with_name("dying_daemon.py"))]

# Starts a program of root's without the right to read and write what its mode forbids.
BOUND = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


def photod(
    *arguments: object, as_anybody: bool = False, program: Sequence[str] = PHOTOD
) -> subprocess.CompletedProcess[str]:
    """Run `photod` to its end. `as_anybody`: bound by the modes of files, as root is not."""
    before = BOUND if as_anybody and os.getuid() == 0 else []
    return _run([*before, *program, *map(str, arguments)])


def photod_ctl(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run `photod-ctl` to its end."""
    return _run([sys.executable, "-m", "photod_ctl", *map(str, arguments)])


def ctl_json(*arguments: object) -> Any:
    """What `photod-ctl ... --json` answers."""
    done = photod_ctl(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class RunningDaemon:
    """`photod run` in a process of its own. What it logs is read as it comes."""

    def __init__(
        self, config: Path, redirections: str = "", *, limits: str = "", program: Sequence[str] = FAKED
    ) -> None:
        command = [*program, "run", "--config", str(config)]
        self.process = subprocess.Popen(
            ["sh", "-c", f'{limits}\nexec "$0" "$@" {redirections}', *command],
            stderr=subprocess.PIPE,
            bufsize=0,  # `select` knows nothing of lines that lie in a buffer
        )
        self.events: list[dict[str, Any]] = []
        self.words: list[str] = []  # lines that are no events

    def __enter__(self) -> "RunningDaemon":
        try:
            self.wait_for("ready")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def wait_for(self, event: str) -> dict[str, Any]:
        """Read the log until an event of that name; fails when the daemon ends before."""
        assert self.process.stderr is not None
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if not select.select([self.process.stderr], [], [], 1.0)[0]:
                continue
            line = self.process.stderr.readline()
            if not line:
                break
            if self._note(line) and self.events[-1].get("event") == event:
                return self.events[-1]
        raise AssertionError(f"no {event}; the daemon said {self.words} {self.events}")

    def log(self) -> list[dict[str, Any]]:
        """All events of a daemon that has ended."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._note(line)
        return self.events

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def _note(self, line: bytes) -> bool:
        """Whether the line is an event."""
        try:
            self.events.append(json.loads(line))
        except ValueError:
            self.words.append(line.decode())
            return False
        return True


def write_config(path: Path, *folders: Path, more: str = "") -> Path:
    """A configuration file over these folders, quick to settle."""
    listed = ", ".join(json.dumps(str(folder)) for folder in folders)
    socket = json.dumps(str(path.parent / "control.sock"))
    path.write_text(f"folders = [{listed}]\n[control]\nsocket = {socket}\n[watch]\nsettle_s = 0.3\n{more}")
    return path


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"NO_COLOR": "1", "COLUMNS": "120"}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE_S * 2, env=environment, check=False
    )
