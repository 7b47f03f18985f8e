"""Photos that wait for room: each once, and what landed just now before what has been there."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from photod.photos import Candidate, Fingerprint, StalePage
from photod.watch.flight import Flight
from photod.watch.settle import REPEATS
from photod.watch.stale import Stale
from photod.watch.worklist import Worklist


def no_page(*_: object) -> StalePage:
    return StalePage((), None)


@dataclass
class Pipeline:
    """Takes as many as it has room for."""

    room: int = 0
    taken: list[str] = field(default_factory=list)
    expected: int = 0

    def expect(self) -> None:
        self.expected += 1

    def offer(self, candidate: Candidate) -> bool:
        if len(self.taken) >= self.room:
            return False
        self.taken.append(candidate.path)
        return True


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline()


@pytest.fixture
def work(tmp_path: Path, pipeline: Pipeline) -> Worklist:
    stale = Stale(lambda _: 0, no_page)
    return Worklist(str(tmp_path), 0.0, Flight(), pipeline.offer, pipeline.expect, stale)


def changed(ago_s: float) -> Fingerprint:
    moment = time.time_ns() - int(ago_s * 1e9)
    return Fingerprint(1, moment, moment, 1)


def feed(work: Worklist, backlog: dict[str, Fingerprint]) -> None:
    while work.feed(lambda directory: [item for item in backlog.items() if item[0].startswith(directory)]):
        pass


def test_a_directory_that_is_looked_at_again_and_again_queues_its_photos_once(
    work: Worklist, pipeline: Pipeline
) -> None:
    for _ in range(10):
        for name in ("a.jpg", "b.jpg"):
            work.consider(name, changed(60), urgent=True)
    assert len(work) == 2
    assert work.settle.unstable == frozenset()
    feed(work, {})
    assert not len(work._flight), "there was no room"
    pipeline.room = 10
    feed(work, {})
    assert pipeline.taken == ["a.jpg", "b.jpg"]


def test_a_photo_of_the_backlog_is_news_once(work: Worklist) -> None:
    assert [work.consider("a.jpg", changed(60), urgent=False) for _ in range(2)] == [True, False]
    assert len(work) == 1


def test_a_directory_without_work_is_not_listed_again(work: Worklist, pipeline: Pipeline) -> None:
    pipeline.room = 10
    work.remember("d", [])
    assert not work.feed(lambda _: pytest.fail("listed for nothing"))


def test_what_was_just_written_is_expected_while_it_settles(tmp_path: Path, pipeline: Pipeline) -> None:
    work = Worklist(str(tmp_path), 5.0, Flight(), pipeline.offer, pipeline.expect, Stale(lambda _: 0, no_page))
    work.consider("new.jpg", changed(0), urgent=True)
    assert pipeline.expected == 1
    work.consider("renamed.jpg", changed(0)._replace(mtime_ns=10**18), urgent=True)  # its bytes may well be known
    work.consider("found by a scan.jpg", changed(0), urgent=False)
    assert pipeline.expected == 1
    assert len(work) == 3


def test_what_lands_in_the_directory_of_the_backlog_passes_it_by(work: Worklist, pipeline: Pipeline) -> None:
    old = {f"d/{number}.jpg": changed(3600) for number in range(5)}
    work.remember("d", list(old))
    listed = (*old.items(), ("d/new.jpg", changed(0)))  # an event has it looked at whole
    assert [path for path, fingerprint in listed if work.consider(path, fingerprint, urgent=True)] == ["d/new.jpg"]
    assert len(work) == 6
    pipeline.room = 1
    feed(work, old)
    assert pipeline.taken == ["d/new.jpg"]
    pipeline.room = 10
    feed(work, old)
    assert sorted(pipeline.taken) == sorted([*old, "d/new.jpg"])
    assert len(work) == 0


def test_what_waits_or_is_under_way_is_not_counted_a_second_time_by_a_scan(
    work: Worklist, pipeline: Pipeline
) -> None:
    pipeline.room = 1
    for name in ("d/under way.jpg", "d/queued.jpg"):
        work.consider(name, changed(60), urgent=True)
    feed(work, {})
    work.settle.observe("d/restless.jpg", changed(0), time.monotonic())
    work.remember("d", ["d/under way.jpg", "d/queued.jpg", "d/restless.jpg"])
    assert not work.consider("d/under way.jpg", changed(60), urgent=True)
    assert len(work) == 2


def test_what_two_scans_found_before_there_was_room_is_counted_once(work: Worklist, pipeline: Pipeline) -> None:
    backlog = {"d/a.jpg": changed(60), "d/b.jpg": changed(60)}
    work.remember("d", list(backlog))
    work.remember("d", list(backlog))
    assert len(work) == 2
    pipeline.room = 10
    feed(work, backlog)
    assert (len(work), pipeline.taken) == (0, list(backlog))


def test_a_photo_that_was_handed_on_may_come_again(work: Worklist, pipeline: Pipeline) -> None:
    pipeline.room = 10
    work.consider("a.jpg", changed(60), urgent=True)
    feed(work, {})
    work._flight.cancel(Candidate("", "a.jpg", changed(60)))
    work.consider("a.jpg", changed(0), urgent=True)
    feed(work, {})
    assert pipeline.taken == ["a.jpg", "a.jpg"]


def test_an_old_photo_in_a_directory_without_backlog_is_an_arrival(work: Worklist, pipeline: Pipeline) -> None:
    """It came by a rename of its directory, say."""
    pipeline.room = 10
    old = {"d/old.jpg": changed(3600)}
    work.remember("d", list(old))
    feed(work, old)
    work.consider("d/back.jpg", changed(3600), urgent=True)
    feed(work, {})
    assert pipeline.taken == ["d/old.jpg", "d/back.jpg"]


def test_what_an_earlier_model_scored_is_handed_on_to_its_last_photo(tmp_path: Path, pipeline: Pipeline) -> None:
    pipeline.room = 10
    pages = {None: StalePage((("new.jpg", changed(60)),), (1, 1)), (1, 1): StalePage((), (0, 0))}
    last = StalePage((("old.jpg", changed(3600)),), None)
    stale = Stale(lambda _: 2, lambda _, place: pages.get(place, last))
    work = Worklist(str(tmp_path), 0.0, Flight(), pipeline.offer, pipeline.expect, stale)
    work.rescore("")
    assert len(work) == 2
    feed(work, {})
    assert pipeline.taken == ["new.jpg", "old.jpg"]
    assert len(work) == 0


def test_where_a_restless_photo_is_gone_its_directory_is_looked_at(work: Worklist) -> None:
    work.settle.observe("d/a.jpg", changed(0), time.monotonic())
    assert work.look_at_settled() == {"d"}
    assert "d/a.jpg" not in work.settle


def test_a_restless_photo_is_handed_on_once_two_looks_are_alike(
    work: Worklist, pipeline: Pipeline, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").touch()
    work.settle.observe("a.jpg", changed(0), time.monotonic())
    pipeline.room = 10
    assert work.look_at_settled() == set()
    feed(work, {})
    assert pipeline.taken == []
    assert work.look_at_settled() == set()
    feed(work, {})
    assert pipeline.taken == ["a.jpg"]


def test_a_photo_that_was_read_several_times_lately_waits_however_old_it_looks(
    work: Worklist, pipeline: Pipeline
) -> None:
    pipeline.room = 10
    for _ in range(REPEATS + 1):
        work.consider("a.jpg", changed(60), urgent=True)
        feed(work, {})
        work._flight.cancel(Candidate("", "a.jpg", changed(60)))
    assert pipeline.taken == ["a.jpg"] * REPEATS
    assert work.settle.unstable == {"a.jpg"}
    assert len(work) == 0, "it waits without end"


def test_of_a_folder_that_went_away_nothing_waits(tmp_path: Path, pipeline: Pipeline) -> None:
    work = Worklist(str(tmp_path), 0.0, Flight(), pipeline.offer, pipeline.expect, Stale(lambda _: 3, no_page))
    work.rescore("")
    backlog = {"d/old.jpg": changed(60)}
    work.settle.observe("restless.jpg", changed(0), time.monotonic())
    work.consider("landed.jpg", changed(60), urgent=True)
    work.consider("listed.jpg", changed(60), urgent=False)
    work.remember("d", list(backlog))
    assert len(work) == 7
    work.clear()
    assert len(work) == 0
    assert work.next_due() is None
    pipeline.room = 10
    feed(work, backlog)
    assert pipeline.taken == []
    work.consider("landed.jpg", changed(60), urgent=True)
    feed(work, backlog)
    assert pipeline.taken == ["landed.jpg"], "it is back with its folder"
