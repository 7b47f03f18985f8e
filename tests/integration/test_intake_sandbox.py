"""What the process that decodes can no longer do. Tried in a child, since the walls stay up for good."""

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from photod.config import Intake
from photod.intake import sandbox
from photod.intake.process import WorkerProcess, sandbox_report
from photod.photos import InputSpec

PROGRAM = """
import json, os, socket, subprocess, sys

from photod.intake import decode, sandbox

directory, secret, library, port, parent = *sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5])
trials = {
    "create a file": lambda: open(os.path.join(directory, "written"), "w"),
    "make a directory": lambda: os.mkdir(os.path.join(directory, "made")),
    "change a file": lambda: open(secret, "a"),
    "remove a file": lambda: os.unlink(secret),
    "read a file": lambda: open(secret),
    "list a directory": lambda: os.listdir(directory),
    "open a device": lambda: open("/dev/urandom"),
    "read a library that LD_LIBRARY_PATH tells of": lambda: open(library),
    "read what Python was installed with": lambda: os.listdir(os.path.join(sys.base_prefix, "lib")),
    "connect": lambda: socket.create_connection(("127.0.0.1", port), timeout=5),
    "listen": lambda: socket.create_server(("127.0.0.1", 0)),
    "connect to an abstract socket": lambda: socket.socket(socket.AF_UNIX).connect("\\0" + secret),
    "run a program": lambda: subprocess.run(["/bin/true"], check=True),
    "signal another process": lambda: os.kill(parent, 0),
    "take 3 GB": lambda: bytearray(3 << 30),
    "import what RAW files need": lambda: __import__("rawpy"),
}


def attempt(trial):
    try:
        trial()
    except (OSError, MemoryError) as error:
        return type(error).__name__
    return "done"


sandbox._leave_network = lambda: None  # it would hide what the other walls hold, and the machine's service lacks it
missing = sandbox.close(2048)
print(json.dumps([missing, {name: attempt(trial) for name, trial in trials.items()}]))
"""


@dataclass(frozen=True)
class Report:
    missing: list[str]
    outcomes: dict[str, str]
    directory: Path

    def demand_landlock(self, version: int = 1) -> None:
        """Skip if landlock, or this version of it, could not be had here: then nothing is promised."""
        for line in self.missing:
            if line.startswith("landlock"):
                pytest.skip(f"this kernel or container does not allow it: {line}")
        if (found := sandbox.landlock_version()) < version:
            pytest.skip(f"needs version {version} of landlock; this kernel has {found}")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    directory = tmp_path_factory.mktemp("outside")
    secret = directory / "secret"
    secret.write_text("secret")
    library = tmp_path_factory.mktemp("libraries") / "library"
    library.touch()
    environment = os.environ | {"LD_LIBRARY_PATH": f":{library.parent}"}
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0{secret}")
        abstract.listen()
        port = listener.getsockname()[1]
        command = [sys.executable, "-c", PROGRAM, *map(str, (directory, secret, library, port, os.getpid()))]
        answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert answer.returncode == 0, answer.stderr
    missing, outcomes = json.loads(answer.stdout)
    return Report(missing, outcomes, directory)


@pytest.mark.parametrize(
    "trial",
    [
        "create a file",
        "make a directory",
        "change a file",
        "remove a file",
        "read a file",
        "list a directory",
        "open a device",
    ],
)
def test_the_worker_has_no_files(report: Report, trial: str) -> None:
    report.demand_landlock()
    assert report.outcomes[trial] == "PermissionError"


def test_nothing_was_written(report: Report) -> None:
    report.demand_landlock()
    assert os.listdir(report.directory) == ["secret"]
    assert (report.directory / "secret").read_text() == "secret"


@pytest.mark.parametrize(
    ("trial", "version"),
    [("connect", 4), ("listen", 4), ("connect to an abstract socket", 6), ("signal another process", 6)],
)
def test_the_worker_reaches_nobody(report: Report, trial: str, version: int) -> None:
    report.demand_landlock(version)
    assert report.outcomes[trial] == "PermissionError"


def test_the_worker_runs_no_programs(report: Report) -> None:
    report.demand_landlock()
    assert report.outcomes["run a program"] == "PermissionError"


def test_the_worker_has_its_share_of_memory_and_no_more(report: Report) -> None:
    assert report.outcomes["take 3 GB"] == "MemoryError"


@pytest.mark.parametrize(
    "trial",
    [
        "import what RAW files need",
        "read a library that LD_LIBRARY_PATH tells of",
        "read what Python was installed with",
    ],
)
def test_what_python_itself_needs_can_still_be_had(report: Report, trial: str) -> None:
    assert report.outcomes[trial] == "done"


def test_a_real_worker_sits_behind_these_walls(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"LD_LIBRARY_PATH": "/nowhere", "PYTHONPATH": os.pathsep.join(sys.path)}
    for name, value in {**told, "DATABASE_PASSWORD": "SECRET"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PYTHONHOME", raising=False)
    worker = WorkerProcess(Intake(decoder_memory_mb=1024), InputSpec())
    try:
        worker.wait_until_ready()
        place = Path(f"/proc/{worker.pid}")
        limits = {line[:26].strip(): line[26:].split()[:2] for line in (place / "limits").read_text().splitlines()}
        status = dict(line.split(":\t", 1) for line in (place / "status").read_text().splitlines())
        network = os.readlink(place / "ns" / "net")
        environment = set((place / "environ").read_text().split("\0")) - {""}
        first_to_go = (place / "oom_score_adj").read_text()
    finally:
        worker.end()
    assert limits["Max address space"] == [str(1 << 30)] * 2
    assert limits["Max core file size"] == ["0"] * 2
    assert limits["Max open files"] == ["64"] * 2
    assert first_to_go == "1000\n"
    assert int(limits["Max file size"][1]) <= 1 << 16
    assert status["NoNewPrivs"] == "1"
    if not any(line.startswith("network namespace") for line in sandbox_report()):
        assert network != os.readlink("/proc/self/ns/net")
    told |= {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    assert environment == {f"{name}={value}" for name, value in told.items()}


def test_what_is_missing_here_is_told_to_whoever_checks_the_installation(report: Report) -> None:
    assert [line for line in sandbox_report() if not line.startswith("network namespace")] == report.missing


def test_a_wall_that_cannot_be_built_is_told() -> None:
    """A process with two threads cannot leave its network."""
    program = """
import threading
from photod.intake import sandbox
threading.Thread(target=threading.Event().wait, daemon=True).start()
print(*sandbox.close(2048), sep="\\n")
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert "network namespace: [Errno " in told.stdout


def test_processor_time_is_limited_for_each_photo_and_not_for_a_life() -> None:
    program = """
import time
from photod.intake import sandbox
for _ in range(4):
    sandbox.limit_cpu(0.4)
    used_s = time.process_time()
    while time.process_time() < used_s + 0.35:
        pass
    print("done", flush=True)
while True:
    pass
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        try:
            said, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert said.split() == ["done"] * 4
    assert process.returncode == -signal.SIGXCPU
