"""The control socket of a running daemon."""

import os
import socket
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fake_scorer import FakeScorer
from other_program import opened
from photod.config import Config, Control
from photod.daemon import Daemon
from photod.errors import BusyError, ConfigError, DecodeError
from photod.intake.memory import PhotoMemory
from photod.intake.read import ReadPhoto, read_photo
from photod.photos import Candidate, Passed
from photod.store.queries import Reader
from photod.store.writer import Writer
from pictures import make_photo
from running import make_config, ranking, running
from waiting import PATIENCE_S, wait_until
from watching import answers, ask


@pytest.fixture
def config(folder: Path) -> Config:
    return make_config(folder)


@pytest.fixture
def daemon(config: Config) -> Iterator[FakeScorer]:
    scorer = FakeScorer()
    with running(config, scorer):
        yield scorer


@pytest.mark.usefixtures("daemon")
def test_status_tells_the_model_the_queue_and_each_folder(config: Config, folder: Path) -> None:
    make_photo(folder / "a.png")
    (folder / "b.jpg").write_bytes(b"broken")
    wait_until(lambda: ask(config, "status")["folders"][0]["unscoreable"] == 1)
    wait_until(lambda: ask(config, "status")["folders"][0]["scored"] == 1)
    status = ask(config, "status")
    assert status["running"] is True
    assert status["pid"] == os.getpid()
    assert status["model"]["name"] == "brightness"
    assert status["queue"].keys() >= {"waiting", "decoding", "scoring", "committing"}
    (told,) = status["folders"]
    assert told["path"] == str(folder)
    assert told["compared_at"] is not None


@pytest.mark.usefixtures("daemon")
def test_rate_streams_progress_until_everything_is_committed(config: Config, folder: Path) -> None:
    # Made behind the watcher's back would be better still; what matters is that the end comes after the commit.
    for level in range(40):
        make_photo(folder / f"{level}.png", level)
    *steps, last = answers(config, {"command": "rate", "folder": str(folder)})
    assert all("done" not in step for step in steps)
    assert last["done"] is True
    assert last["progress"]["phase"] == "done"
    assert len(ranking(folder)) == 40
    assert last["progress"]["median"] == pytest.approx(10 * 19.5 / 255, abs=0.05)


def test_rate_tells_what_could_not_be_read_apart_from_what_could_not_be_scored(
    config: Config, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(candidate: Candidate, max_bytes: int, memory: PhotoMemory) -> ReadPhoto | Passed:
        if candidate.path == "closed.png":
            return Passed(candidate, "unreadable", "Permission denied")
        return read_photo(candidate, max_bytes, memory)

    monkeypatch.setattr("photod.pipeline.read_photo", read)
    with running(config, FakeScorer()):
        make_photo(folder / "closed.png")
        closed = ask(config, "rate", folder=str(folder))["progress"]
        assert closed["unreadable"] == 1
        assert closed["last_unreadable"] == {"path": str(folder / "closed.png"), "reason": "Permission denied"}
        (folder / "broken.png").write_bytes(b"broken")
        broken = ask(config, "rate", folder=str(folder))["progress"]
        assert (broken["unscoreable"], broken["last_failure"]["path"]) == (1, str(folder / "broken.png"))
        assert (broken["last_unreadable"] is None) == (broken["unreadable"] == 0)


def test_a_rate_of_a_subdirectory_looks_at_that_alone(config: Config, folder: Path, daemon: FakeScorer) -> None:
    make_photo(folder / "sub/a.png", 1)
    make_photo(folder / "b.png", 2)
    wait_until(lambda: len(ranking(folder)) == 2)
    last = ask(config, "rate", folder=str(folder / "sub"))
    assert last["progress"]["compared"] == 1
    assert last["progress"]["unchanged"] == 1
    assert daemon.photos == 2


@pytest.mark.usefixtures("daemon")
@pytest.mark.parametrize(
    "request_line",
    [
        b"not json\n",
        b"[]\n",
        b'{"command": "dance"}\n',
        b'{"command": "rate"}\n',
        b'{"command": "rate", "folder": "/etc"}\n',
        b'{"command": "rescan", "folder": "/"}\n',
        b"\xff\xfe\n",
        b"{" * 100_000 + b"\n",
        b"[" * 60_000 + b"\n",
        b'{"command": {"a": [' + b"[" * 900 + b"]" * 900 + b"]}}\n",
        b'{"command": "rescan", "folder": 5}\n',
        b'{"command": "rate", "folder": "a\\u0000b"}\n',
        b'{"command": "rate", "folder": "\\ud800", "retry": true}\n',
        b'{"command": "pause", "seconds": ' + b"9" * 401 + b"}\n",
        b'{"command": "pause", "seconds": NaN}\n',
        b'{"command": "pause", "seconds": Infinity}\n',
        b'{"command": "pause", "seconds": 1e10}\n',
        b'{"command": "pause", "seconds": -1}\n',
        b'{"command": "pause", "seconds": "an hour"}\n',
    ],
    ids=lambda line: line[:40],
)
def test_nonsense_is_answered_with_an_error_and_hurts_nobody(config: Config, request_line: bytes) -> None:
    answer = answers(config, request_line)[0]
    assert answer["exit_code"] == 2
    assert "\n" not in answer["error"]
    status = ask(config, "status")
    assert (status["running"], status["paused"]) == (True, False)


@pytest.mark.usefixtures("daemon")
def test_the_socket_is_private(config: Config) -> None:
    assert stat.S_IMODE(config.control.path.stat().st_mode) == 0o600


@pytest.mark.usefixtures("daemon")
def test_a_second_daemon_does_not_take_the_socket_away(config: Config, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = make_config(tmp_path / "other")
    with pytest.raises(BusyError, match="another photod listens"):
        Daemon(other, load=FakeScorer().load).run()
    assert ask(config, "status")["running"] is True


def test_a_socket_left_behind_by_a_killed_daemon_is_taken_over(config: Config) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(config.control.path))
    with running(config, FakeScorer()):
        wait_until(lambda: ask(config, "status")["running"] is True)


def test_the_directory_that_was_made_for_the_socket_is_taken_away_again(folder: Path, tmp_path: Path) -> None:
    made, used = tmp_path / "made", tmp_path / "used"
    for place in (made, used):
        with running(make_config(folder, control=Control(socket=str(place / "control.sock"))), FakeScorer()):
            (used / "of others").mkdir(parents=True, exist_ok=True)
    assert not made.exists()
    assert [path.name for path in used.iterdir()] == ["of others"]


def test_a_file_at_the_sockets_place_is_no_socket_left_behind(config: Config) -> None:
    config.control.path.write_text("notes of years")
    with pytest.raises(ConfigError, match=r"control\.sock.* is no socket; .*control\.socket"):
        Daemon(config, load=FakeScorer().load).run()
    assert config.control.path.read_text() == "notes of years"


def test_while_paused_nothing_is_scored_and_nothing_is_forgotten(config: Config, folder: Path) -> None:
    with running(config, scorer := FakeScorer()) as daemon:
        watcher = daemon._roster.folders[str(folder)].watcher
        wait_until(watcher.idle)  # else its first scan may find the photo, which then is backlog
        assert ask(config, "pause", seconds=None) == {"ok": True}
        make_photo(folder / "a.png")
        wait_until(lambda: len(watcher._work._arrivals) == 1)  # it has settled, and only the pause holds it
        assert (len(watcher.flight), scorer.photos) == (0, 0)
        assert ask(config, "status")["paused"] is True
        ask(config, "resume")
        wait_until(lambda: "a.png" in ranking(folder))


def test_a_pause_ends_by_itself_after_its_time(config: Config, folder: Path, daemon: FakeScorer) -> None:
    ask(config, "pause", seconds=0.2)
    make_photo(folder / "a.png")
    wait_until(lambda: "a.png" in ranking(folder))
    assert daemon.photos == 1


@pytest.mark.usefixtures("daemon")
def test_retry_tries_the_unscoreable_photos_again(
    config: Config, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise DecodeError("a decoder of yesterday")

    with monkeypatch.context() as yesterday:
        yesterday.setattr("photod.intake.decoder.Decoder.decode", fail)
        make_photo(folder / "a.png")
        wait_until(lambda: ask(config, "status")["folders"][0]["unscoreable"] == 1)
    ask(config, "rate", folder=str(folder))
    assert ranking(folder) == {}  # not tried again by itself
    done = ask(config, "rate", folder=str(folder), retry=True)["progress"]
    assert (done["todo"], done["scored"]) == (1, 1)
    assert "a.png" in ranking(folder)


@pytest.mark.usefixtures("daemon")
def test_a_retry_that_is_written_down_late_is_waited_for(
    config: Config, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "part").mkdir()
    (folder / "part/a.jpg").write_bytes(b"broken")
    wait_until(lambda: ask(config, "status")["folders"][0]["unscoreable"] == 1)
    compared = threading.Event()
    really_forget = Writer.forget_unscoreable

    def forget_late(writer: Writer, below: str) -> frozenset[str]:
        compared.wait(PATIENCE_S)
        return really_forget(writer, below)

    monkeypatch.setattr(Writer, "forget_unscoreable", forget_late)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(ask, config, "rate", folder=str(folder / "part"), retry=True)
        wait_until(lambda: ask(config, "status")["folders"][0]["state"] == "scoring" or asked.done())
        compared.set()
        done = asked.result()["progress"]
    assert (done["todo"], done["unscoreable"]) == (1, 1)


@pytest.mark.usefixtures("daemon")
def test_retry_and_purge_of_a_part_leave_the_rest_alone(config: Config, folder: Path) -> None:
    def told(what: str) -> int:
        return int(ask(config, "status")["folders"][0][what])

    for name in ("part/a.jpg", "b.jpg", "part/gone.jpg", "gone.jpg"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"broken: " + name.encode())
    wait_until(lambda: told("unscoreable") == 4)
    for name in ("part/gone.jpg", "gone.jpg"):
        (folder / name).unlink()
    wait_until(lambda: told("missing") == 2)
    with opened(folder / ".photod/photos.db") as database:
        database.execute("UPDATE photo SET reason = 'of old'")
    assert ask(config, "purge", folder=str(folder / "part")) == {"ok": True, "purged": 1}
    assert told("missing") == 1
    assert ask(config, "rate", folder=str(folder / "part"), retry=True)["progress"]["unscoreable"] == 1
    database_of = Reader(folder / ".photod/photos.db")
    assert [(photo.path, photo.reason == "of old") for photo in database_of.failed()] == [
        ("b.jpg", True),
        ("part/a.jpg", False),
    ]
    assert told("missing") == 1
    database_of.close()
