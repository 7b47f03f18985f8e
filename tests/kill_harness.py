"""kill -9 at random moments, while photos land, change, move and go: what is lost, what is done twice?

    python tests/kill_harness.py --rounds 200 --seed 1

Each round starts the real daemon with a fake scorer and kills it: after a random time, right before a random
statement reaches the database (so inside commits and migrations), or while it shuts down. After each kill the
database is examined; at the end a last start must bring everything into order.
"""

import argparse
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from busy_folder import BusyFolder
from other_program import opened
from programs import FAKED, write_config
from waiting import wait_until

STEP_S = 0.01  # between two things that happen in the folder
LONGEST_ROUND_S = 30.0
KINDS = ("time", "statement", "shutdown", "migration")

Contents = dict[str, tuple[float | None, int | None]]  # SHA-256 -> score, scored_at


@dataclass
class Record:
    """What the rounds found."""

    kills: Counter[str] = field(default_factory=Counter)
    lost: int = 0  # committed contents that were gone or different after a kill
    rescored: int = 0  # contents that went to the model although they were committed
    repeats: list[int] = field(default_factory=list)  # by kill: went to the model, and were not committed
    committed: int = 0
    missed: int = 0  # photos that the last start did not bring into order

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} by {kind}" for kind, count in sorted(self.kills.items()))
        return (
            f"{self.kills.total()} kills ({kinds}); {self.committed} contents committed; lost {self.lost}, "
            f"scored again {self.rescored}, missed {self.missed}; repeated after a kill: "
            f"{sum(self.repeats)} in all, at most {max(self.repeats, default=0)}"
        )


class Harness:
    """One folder, one database, many deaths."""

    def __init__(self, home: Path, seed: int) -> None:
        self.record = Record()
        self._chance = random.Random(seed)
        self._busy = BusyFolder(home / "photos", self._chance, most=600)
        self._busy.path.mkdir()
        self._database = self._busy.path / ".photod/photos.db"
        self._seen = home / "seen"  # a line for each photo that the model saw
        self._config = write_config(home / "config.toml", self._busy.path)
        self._log = (home / "log").open("ab")
        self._migrations = 0
        self._committed: Contents = {}
        self._scored: set[str] = set()  # colours that are committed

    def round(self, kind: str) -> None:
        """Start the daemon, kill it, look at what is left."""
        environment = {}
        if kind == "statement":
            environment = {"FAKE_KILL_AT": str(self._chance.randrange(1, 400))}
        if kind == "migration":
            self._migrations += 1
            environment = {"FAKE_KILL_AT": str(self._chance.randrange(1, 40))}
        daemon = self._start(environment)
        self._work_until_dead(daemon, kind)
        self.record.kills[kind] += 1
        self._examine()

    def finish(self) -> None:
        """A last start, unharmed, brings everything into order."""
        daemon = self._start({})
        try:
            wait_until(lambda: not self._in_disorder(), 120.0)
        except AssertionError:
            self.record.missed = len(self._in_disorder())
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(30) == 0
        self._examine(after_kill=False)
        self._log.close()

    def _start(self, more: dict[str, str]) -> subprocess.Popen[bytes]:
        environment = {"FAKE_LOG": str(self._seen), "FAKE_MIGRATIONS": str(self._migrations)}
        return subprocess.Popen(
            [*FAKED, "run", "--config", str(self._config)],
            env=os.environ | environment | more,
            stdout=self._log,
            stderr=self._log,
        )

    def _work_until_dead(self, daemon: subprocess.Popen[bytes], kind: str) -> None:
        now = time.monotonic()
        end = now + self._chance.uniform(0.0, 4.0)
        if kind == "shutdown":
            end += 1.0
        hopeless = now + LONGEST_ROUND_S
        asked = False
        while daemon.poll() is None:
            self._busy.step()
            time.sleep(STEP_S)
            now = time.monotonic()
            if kind == "shutdown" and now > end and not asked:
                asked = True
                daemon.send_signal(signal.SIGTERM)
                end = now + self._chance.uniform(0.0, 0.5)
            elif (kind in ("time", "shutdown") and now > end) or now > hopeless:
                daemon.kill()
        code = daemon.wait()
        # A shutdown may be faster than its killer; before it listens to signals, SIGTERM kills as well.
        assert code in (-signal.SIGKILL, -signal.SIGTERM, 0), f"the daemon ended by itself with {code}"

    def _examine(self, after_kill: bool = True) -> None:
        if not self._database.exists():
            return
        with opened(self._database) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert database.execute("PRAGMA foreign_key_check").fetchall() == []
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'content'").fetchall():
                return
            rows = database.execute("SELECT sha256, score, scored_at FROM content").fetchall()
            paths = [path for (path,) in database.execute("SELECT path FROM photo")]
        assert len(paths) == len(set(paths))
        now: Contents = {sha256: (score, scored_at) for sha256, score, scored_at in rows}
        self.record.lost += len(self._committed.items() - now.items())
        self._committed = now
        self.record.committed = len(now)
        self._count_repeats(after_kill)

    def _count_repeats(self, after_kill: bool) -> None:
        seen = self._seen.read_text().split() if self._seen.exists() else []
        self._seen.write_text("")
        self.record.rescored += len(self._scored & set(seen))
        committed = {colour for colour in set(seen) if self._is_committed(colour)}
        self._scored |= committed
        if after_kill:
            self.record.repeats.append(len(set(seen) - committed))

    def _is_committed(self, colour: str) -> bool:
        return any(sha256 in self._committed for sha256 in self._busy.contents.get(colour, ()))

    def _in_disorder(self) -> set[str]:
        """The paths whose score is missing, wrong, or of a photo that is not there."""
        expected, found = self._busy.expected(), {}
        with suppress(sqlite3.OperationalError), opened(f"{self._database.as_uri()}?mode=ro") as database:
            found = dict(database.execute("SELECT path, score FROM scores"))  # on a busy machine not made yet
        wrong = {path for path in found.keys() & expected if abs(found[path] - expected[path]) > 1e-4}
        return wrong | (found.keys() ^ expected.keys())


def kill_again_and_again(home: Path, rounds: int, seed: int) -> Record:
    """So many rounds, of each kind in turn, then a last start."""
    harness = Harness(home, seed)
    for number in range(rounds):
        harness.round(KINDS[number % len(KINDS)])
    harness.finish()
    return harness.record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["XDG_STATE_HOME"] = f"{home}/state"
        began = time.monotonic()
        try:
            record = kill_again_and_again(Path(home), options.rounds, options.seed)
        except AssertionError:
            sys.stderr.write((Path(home) / "log").read_text()[-4000:])
            raise
        print(f"{record} ({time.monotonic() - began:.0f} s)")


if __name__ == "__main__":
    main()
