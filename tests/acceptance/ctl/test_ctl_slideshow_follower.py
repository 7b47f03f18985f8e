"""A show hears of what is committed while it plays."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from photod.errors import DatabaseError
from photod.store.queries import EVERYTHING
from photod_ctl.folders import Archive as Ranked
from photod_ctl.ranking import Ranking, rank
from photod_ctl.slideshow.deck import Slide
from photod_ctl.slideshow.source import Follower, _signature
from waiting import PATIENCE_S, wait_until

Archive = Callable[..., Path]


@pytest.fixture
def offered(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[str]]]:
    """What a show over two photos is told next, by their names."""
    monkeypatch.setattr("photod_ctl.slideshow.source.LOOK_EVERY_S", 0.02)
    folder = archive("photos", {"a.jpg": 9, "b.jpg": 8})
    meant = [Ranked(str(folder), folder / ".photod/photos.db")]
    (first,) = rank(meant, 10)
    offers: SimpleQueue[list[Slide]] = SimpleQueue()
    follower = Follower(meant, 10, EVERYTHING, first.model, offers.put)
    yield lambda: [slide.location.removeprefix(f"{folder}/") for slide in offers.get(timeout=PATIENCE_S)]
    follower.close()


Offered = Callable[[], list[str]]


def test_a_show_takes_in_no_score_of_another_model(offered: Offered, archive: Archive) -> None:
    assert offered() == ["a.jpg", "b.jpg"]
    archive("photos", {"a.jpg": 2, "c.jpg": 9.5}, model="another")
    while (slides := offered()) != ["b.jpg"]:
        assert slides == ["a.jpg", "b.jpg"], "the other model is current, and has scored nothing yet"


def test_a_database_in_which_nothing_is_new_is_not_read_a_third_time(
    offered: Offered, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert offered() == offered() == ["a.jpg", "b.jpg"]
    looks: list[Ranked] = []

    def look(archive: Ranked) -> object:
        looks.append(archive)
        return _signature(archive)

    monkeypatch.setattr("photod_ctl.slideshow.source.rank", lambda *_: pytest.fail("it was read"))
    monkeypatch.setattr("photod_ctl.slideshow.source._signature", look)
    wait_until(lambda: len(looks) > 3)


def test_a_show_hears_of_a_commit_that_is_in_the_log_alone(offered: Offered, tmp_path: Path) -> None:
    assert offered() == ["a.jpg", "b.jpg"]
    with closing(sqlite3.connect(tmp_path / "photos/.photod/photos.db")) as connection, connection:
        connection.execute("UPDATE content SET score = 7 WHERE score = 9")
        connection.commit()
        wait_until(lambda: offered() == ["b.jpg", "a.jpg"])  # the log was there before it was committed


def test_a_show_hears_of_a_commit_that_is_in_the_log_before_it_can_be_read(
    offered: Offered, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert offered() == offered() == ["a.jpg", "b.jpg"]
    looked_at: list[object] = []

    def read_late(archives: Sequence[Ranked], *arguments: Any) -> list[Ranking]:
        now = _signature(archives[0])
        late = now not in looked_at
        looked_at.append(now)
        return [] if late else rank(archives, *arguments)

    monkeypatch.setattr("photod_ctl.slideshow.source.rank", read_late)
    archive("photos", {"c.jpg": 9.5})
    wait_until(lambda: offered() == ["c.jpg", "a.jpg", "b.jpg"])


def test_a_database_that_cannot_be_read_for_a_while_ends_no_show(
    offered: Offered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert offered() == offered() == ["a.jpg", "b.jpg"]
    failures: list[DatabaseError] = []

    def noting(*arguments: Any) -> list[Ranking]:
        try:
            return rank(*arguments)
        except DatabaseError as error:
            failures.append(error)
            raise

    monkeypatch.setattr("photod_ctl.slideshow.source.rank", noting)
    database = tmp_path / "photos/.photod/photos.db"
    whole = database.read_bytes()
    database.write_bytes(b"nonsense" * 1000)
    wait_until(lambda: failures)
    database.write_bytes(whole)
    assert offered() == ["a.jpg", "b.jpg"]
