"""What the committer writes down and tells, also where there is nothing that it could write to."""

import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from photod import committer as module
from photod.channel import Channel, Closed
from photod.committer import Committer, Listeners
from photod.config import Store
from photod.fingerprints import fingerprint_of
from photod.in_flight import ContentsInFlight, OnTheWay
from photod.photos import Candidate, Compared, Judged, Missing, Note, Outcome, Passed, Purge, Unscoreable
from photod.store import tombstones
from photod.store.queries import Reader
from photod.store.writer import Writer
from photod.threads import Crew
from waiting import wait_until

Item = Judged | Passed | Note


def candidate(photo: Path) -> Candidate:
    return Candidate(str(photo.parent), photo.name, fingerprint_of(photo.stat()))


def undecodable(photo: Candidate, sha256: str, *, duplicate: bool = False) -> Judged:
    return Judged(photo, Unscoreable(sha256, "empty"), duplicate)


def commit(
    *items: Item,
    writers: Mapping[str, Writer] | None = None,
    in_flight: ContentsInFlight | None = None,
    verdicts: Channel[Item] | None = None,
) -> tuple[list[Outcome], list[Note]]:
    """Commit these in one group; returns what was told."""
    outcomes: list[Outcome] = []
    notes: list[Note] = []
    verdicts = Channel(10) if verdicts is None else verdicts
    for item in items:
        verdicts.put(item)
    verdicts.close()
    run(verdicts, writers or {}, Listeners(outcomes.append, notes.append, lambda _: False), in_flight)
    return outcomes, notes


def run(
    verdicts: Channel[Item],
    writers: Mapping[str, Writer],
    listeners: Listeners,
    in_flight: ContentsInFlight | None = None,
) -> None:
    committer = Committer(
        Store(), verdicts, OnTheWay(lambda: None), in_flight or ContentsInFlight(), writers, listeners
    )
    with pytest.raises(Closed):
        committer.run()


@pytest.fixture
def photos(tmp_path: Path) -> tuple[Candidate, Candidate]:
    """Two, in a folder each."""
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        (tmp_path / place / f"{place}.jpg").touch()
    return candidate(tmp_path / "one/one.jpg"), candidate(tmp_path / "two/two.jpg")


def test_where_a_database_cannot_be_had_everybody_hears_all_the_same(photos: tuple[Candidate, Candidate]) -> None:
    """Its folder counts the notes and photos that are under way, and would wait for ever."""
    photo, _ = photos
    missing = Missing(photo.folder, ("b.jpg",))
    outcomes, notes = commit(missing, undecodable(photo, "aa"))
    assert notes == [missing]
    assert outcomes == [Passed(photo, "changed")]


def test_photos_of_several_folders_are_written_down_in_their_own_and_copies_with_the_first(
    photos: tuple[Candidate, Candidate], tmp_path: Path
) -> None:
    first, copy = photos
    in_flight = ContentsInFlight()
    assert in_flight.claim("aa", first)
    assert not in_flight.claim("aa", copy)
    (tmp_path / "two/three.jpg").touch()
    third = undecodable(candidate(tmp_path / "two/three.jpg"), "bb")
    databases = {photo.folder: Path(photo.folder) / ".photod/photos.db" for photo in photos}
    with closing(Writer(databases[first.folder])) as one, closing(Writer(databases[copy.folder])) as two:
        writers = {first.folder: one, copy.folder: two}
        outcomes, _ = commit(undecodable(first, "aa"), third, writers=writers, in_flight=in_flight)
        failed = [[photo.path for photo in Reader(path).failed()] for path in databases.values()]
    assert failed == [["one.jpg"], ["three.jpg", "two.jpg"]]
    assert outcomes[-1] == undecodable(copy, "aa", duplicate=True)
    assert sorted(outcome.candidate.path for outcome in outcomes) == ["one.jpg", "three.jpg", "two.jpg"]


def test_a_photo_that_changed_before_it_was_written_down_is_told_and_kept_as_such(
    photos: tuple[Candidate, Candidate],
) -> None:
    photo, _ = photos
    Path(photo.location).write_text("other bytes")
    with closing(Writer(Path(photo.folder) / ".photod/photos.db")) as writer:
        outcomes, _ = commit(undecodable(photo, "aa"), writers={photo.folder: writer})
        assert Reader(writer.path).failed() == []
    assert outcomes == [Passed(photo, "changed")]


class Watched(Writer):
    """Notes each time whether it settled."""

    tries: list[bool]

    def settle(self) -> bool:
        self.tries.append(super().settle())
        return self.tries[-1]


class Timed(Channel[Item]):
    """Notes for how long the first item of a batch is waited for."""

    first_s: float | None = 0.0

    def get_batch(
        self, most: int, wait_s: float, all_here: Callable[[], bool] = bool, first_s: float | None = None
    ) -> list[Item]:
        self.first_s = first_s
        return super().get_batch(most, wait_s, all_here, first_s)


def test_at_rest_a_log_is_brought_back_once_nobody_reads(
    photos: tuple[Candidate, Candidate], monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, _ = photos
    monkeypatch.setattr(module, "REST_S", 0.01)
    verdicts = Timed(10)
    listeners = Listeners(lambda _: None, lambda _: None, lambda _: False)
    with closing(Watched(Path(photo.folder) / ".photod/photos.db")) as writer:
        writer.tries = []
        log = writer.path.with_name("photos.db-wal")
        with closing(Reader(writer.path)) as reader:
            reader.stand_still()
            assert reader.failed() == []
            verdicts.put(undecodable(photo, "aa"))
            thread = threading.Thread(target=run, args=(verdicts, {photo.folder: writer}, listeners))
            thread.start()
            wait_until(lambda: len(writer.tries) > 1)
            assert (any(writer.tries), log.stat().st_size > 0) == (False, True)
        wait_until(lambda: verdicts.first_s is None)  # however long: at rest nobody wakes up
        assert not log.stat().st_size
        verdicts.close()
        thread.join()
        assert writer.tries.count(True) == 1


def test_a_log_is_left_alone_while_something_comes(photos: tuple[Candidate, Candidate]) -> None:
    photo, _ = photos
    with closing(Watched(Path(photo.folder) / ".photod/photos.db")) as writer:
        writer.tries = []
        commit(undecodable(photo, "aa"), Missing(photo.folder, (photo.path,)), writers={photo.folder: writer})
        assert writer.tries == []


def test_a_photo_is_written_down_at_once_where_no_other_is_on_its_way(
    photos: tuple[Candidate, Candidate],
) -> None:
    verdicts: Channel[Item] = Channel(10)
    outcomes: list[Outcome] = []
    listeners = Listeners(outcomes.append, lambda _: None, lambda _: False)
    committer = Committer(
        Store(group_wait_s=3600), verdicts, OnTheWay(lambda: None), ContentsInFlight(), {}, listeners
    )
    thread = Crew(on_failure=lambda: None).start("committer", committer.run)
    verdicts.put(undecodable(photos[0], "aa"))
    wait_until(lambda: bool(outcomes))
    verdicts.close()
    thread.join()


@pytest.mark.parametrize(
    "asked", [[partial(Compared, filesystem="ef53:1")] * 2, [partial(Purge, below="", tell=print)]]
)
def test_while_it_looks_for_missing_photos_it_is_not_stuck(
    photos: tuple[Candidate, Candidate], asked: list[Callable[[str], Note]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may lie on a network drive that hangs."""
    photo, _ = photos
    looks: list[dict[int, float]] = []
    verdicts: Channel[Item] = Channel(10)

    def is_gone(_: str) -> bool:
        looks.append(verdicts.at_work())
        return True

    monkeypatch.setattr(tombstones, "is_gone", is_gone)
    monkeypatch.setattr(tombstones, "APART_S", 0)
    missing = Missing(photo.folder, (photo.path,))
    with closing(Writer(Path(photo.folder) / ".photod/photos.db")) as writer:
        notes = [note(photo.folder) for note in asked]
        commit(undecodable(photo, "aa"), writers={photo.folder: writer})
        commit(missing, *notes, writers={photo.folder: writer}, verdicts=verdicts)
    assert looks == [{}]
