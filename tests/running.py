"""Runs the real daemon inside the test's process, with a fake scorer."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fake_scorer import FakeScorer
from photod.config import Config, Control, Folder, Intake, Watch, load_config
from photod.daemon import Daemon
from photod.store.queries import Reader
from waiting import PATIENCE_S, wait_until


def make_config(*folders: Path, settle_s: float = 0.1, **sections: object) -> Config:
    """A configuration for tests: quick to settle, one decoder to start, its socket beside the folder."""
    table: dict[str, object] = {
        "folders": tuple(Folder(path=folder) for folder in folders),
        "watch": Watch(settle_s=settle_s),
        "intake": Intake(decoders=1),
        "control": Control(socket=str(folders[0].parent / "control.sock")),
    }
    return Config.model_validate(table | sections)


def score_once(folder: Path, scorer: FakeScorer, config: Config | None = None) -> None:
    """Score a folder from beginning to end, as `photod run --once` does."""
    Daemon(config or make_config(folder), once=folder, load=scorer.load).run()


@contextmanager
def running(
    config: Config, scorer: FakeScorer, read_config: Callable[[], Config] = load_config
) -> Iterator[Daemon]:
    """A daemon that watches while the body runs. What ends it fails the test. `read_config` answers a reload."""
    daemon = Daemon(config, load=scorer.load, read_config=read_config)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            daemon.run()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run, name="daemon", daemon=True)  # one that hangs lets the tests end
    thread.start()
    try:
        wait_until(lambda: bool(failures) or daemon.ready.is_set())
        yield daemon
    finally:
        daemon.stop()
        thread.join(PATIENCE_S)
        if failures:  # what the body waits for in vain follows from it
            raise failures[0]
        assert not thread.is_alive(), "the daemon does not stop"


def ranking(folder: Path) -> dict[str, float]:
    """The scores in a folder's database, by path; empty where there is none yet."""
    database = Folder(path=folder).database_path
    if not database.exists():
        return {}
    reader = Reader(database)
    try:
        return {photo.path: photo.score for photo in reader.top(1_000_000)}
    finally:
        reader.close()
