"""A long run: photos land, change, move and go at a steady pace while a daemon watches; then all rests.

    python tests/soak.py --minutes 60 --idle-minutes 10

Prints what the processes hold, sampled all along. Without --fake, the daemon scores with its built-in model.
"""

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, fields
from pathlib import Path

from busy_folder import BusyFolder
from other_program import opened
from photod.supervision import TICK_S
from processes import children, cpu_s, resident_bytes
from programs import FAKED, PHOTOD, write_config
from waiting import wait_until

SAMPLE_S = 2.0
MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Sample:
    """What the daemon holds at one moment."""

    daemon_mb: float  # resident
    children_mb: float  # decoders, and the process of the model
    descriptors: int
    threads: int
    processes: int
    wal_mb: float


@dataclass(frozen=True, slots=True)
class Idle:
    """What the daemon did while there was nothing to do, and neither decoders nor a model were left."""

    seconds: float
    cpu_s: float
    read_calls: int
    write_calls: int
    disk_bytes: int


def take_sample(pid: int, database: Path) -> Sample:
    """Look at a process and its children."""
    started = children(pid=pid)
    wal = database.with_name(database.name + "-wal")
    return Sample(
        daemon_mb=resident_bytes(pid) / MEGABYTE,
        children_mb=sum(map(resident_bytes, started)) / MEGABYTE,
        descriptors=len(os.listdir(f"/proc/{pid}/fd")),
        threads=len(os.listdir(f"/proc/{pid}/task")),
        processes=1 + len(started),
        wal_mb=wal.stat().st_size / MEGABYTE if wal.exists() else 0.0,
    )


def measure_idle(pid: int, seconds: float) -> Idle:
    """Watch a process that has nothing to do."""
    before = _used(pid)
    time.sleep(seconds)
    cpu, reads, writes, disk = (after - b for after, b in zip(_used(pid), before, strict=True))
    return Idle(seconds, cpu, int(reads), int(writes), int(disk))


def soak(
    home: Path, command: list[str], seconds: float, per_second: float, idle_s: float
) -> tuple[list[Sample], Idle]:
    """Run a daemon over a busy folder; returns the samples and what it did at rest. Fails if a photo is missed."""
    busy = BusyFolder(home / "photos", random.Random(1), most=2000)
    busy.path.mkdir()
    database = busy.path / ".photod/photos.db"
    # Of an hour, comparisons at 27 and 53 minutes and a backup at 28 and 57, and none of these while it is idle.
    timers = "rescan_s = 1600.0\n[store]\nbackup_s = 1700.0\n"
    rest = f"[model]\nidle_release_s = {min(60.0, seconds / 7)}\n"
    config = write_config(home / "config.toml", busy.path, more=timers + rest)
    with (home / "log").open("w") as log:
        daemon = subprocess.Popen([*command, "run", "--config", str(config)], stderr=log)
        try:
            wait_until((home / "control.sock").exists)
            samples = _keep_busy(busy, daemon.pid, database, seconds, per_second)
            wait_until(lambda: paths(database, "scored") == busy.expected().keys(), 600)
            wait_until(lambda: paths(database, "unscoreable") == busy.broken(), 600)
            done = time.monotonic()
            wait_until(lambda: not children(pid=daemon.pid), 120)
            wait_until(lambda: not take_sample(daemon.pid, database).wal_mb, 120)
            # What comes of the rest; and within TICK_S of the last commit, what was done is summed up in the log.
            time.sleep(max(1.0, done + TICK_S + 1.0 - time.monotonic()))
            idle = measure_idle(daemon.pid, idle_s)
        finally:
            daemon.send_signal(signal.SIGTERM)
            code = daemon.wait(60)
    assert code == 0, (home / "log").read_text()[-2000:]
    print(f"{busy.made} photos and changes, {len(busy.truth)} left, all scored or listed")
    return samples, idle


def paths(database: Path, state: str) -> set[str]:
    """The photos that are there, in one state."""
    with opened(f"{database.as_uri()}?mode=ro") as connection:
        rows = connection.execute("SELECT path FROM photo WHERE state = ? AND missing_since IS NULL", (state,))
        return {path for (path,) in rows}


def growth(samples: list[Sample], field: str) -> float:
    """How much the last third holds more than the middle one, in medians."""
    third = len(samples) // 3
    values = [float(getattr(sample, field)) for sample in samples]
    return statistics.median(values[2 * third :]) - statistics.median(values[third : 2 * third])


def report(samples: list[Sample], idle: Idle) -> None:
    """Print the figures."""
    print(f"{'':12}{'least':>10}{'median':>10}{'most':>10}{'growth':>10}")
    for field in fields(Sample):
        values = [float(getattr(sample, field.name)) for sample in samples]
        row = (min(values), statistics.median(values), max(values), growth(samples, field.name))
        print(f"{field.name:12}" + "".join(f"{value:10.1f}" for value in row))
    print(json.dumps({"idle": {field.name: getattr(idle, field.name) for field in fields(Idle)}}))


def _keep_busy(busy: BusyFolder, pid: int, database: Path, seconds: float, per_second: float) -> list[Sample]:
    samples: list[Sample] = []
    began = time.monotonic()
    steps = 0
    while (now := time.monotonic()) < began + seconds:
        while steps < (now - began) * per_second:
            busy.step()
            steps += 1
        if now > began + len(samples) * SAMPLE_S:
            samples.append(take_sample(pid, database))
        time.sleep(0.02)
    return samples


def _used(pid: int) -> tuple[float, int, int, int]:
    """Processor seconds, read calls, write calls, bytes from and to disks; of a process and its children."""
    cpu, reads, writes, disk = 0.0, 0, 0, 0
    for each in (pid, *children(pid=pid)):
        cpu += cpu_s(each)
        io = dict(line.split(": ") for line in Path(f"/proc/{each}/io").read_text().splitlines())
        reads += int(io["syscr"])
        writes += int(io["syscw"])
        disk += int(io["read_bytes"]) + int(io["write_bytes"])
    return cpu, reads, writes, disk


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--idle-minutes", type=float, default=10.0)
    parser.add_argument("--per-second", type=float, default=4.0, help="arrivals, changes, moves and deletions")
    parser.add_argument("--fake", action="store_true", help="score with the tests' fake scorer")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["XDG_STATE_HOME"] = f"{home}/state"
        report(
            *soak(
                Path(home),
                FAKED if options.fake else PHOTOD,
                options.minutes * 60,
                options.per_second,
                options.idle_minutes * 60,
            )
        )


if __name__ == "__main__":
    main()
