from clock import Clock
from photod.photos import Candidate, Facts, Fingerprint, Judged, Passed, Scored
from photod.tally import Tally


def finished(score: float, *, duplicate: bool = False) -> Judged:
    verdict = Scored("aa", Facts(1, 1), score, b"")
    return Judged(Candidate("/f", "a.jpg", Fingerprint(1, 2, 3, 4)), verdict, duplicate)


def test_the_rate_is_that_of_the_last_minute() -> None:
    tally = Tally(clock := Clock())
    for second in range(120):
        clock.now = float(second)
        for _ in range(10 if second < 60 else 2):
            tally.add(finished(5.0))
    assert 1.9 < tally.rate() < 2.3
    clock.now = 500.0
    assert tally.rate() == 0.0


def test_the_median_begins_with_earlier_scores_and_leaves_copies_out() -> None:
    tally = Tally()
    assert tally.median() is None
    tally.seed([1.0, 2.0, 9.0])
    assert tally.median() == 2.0
    tally.add(finished(9.5))
    tally.add(finished(0.5, duplicate=True))
    assert tally.median() == 5.5


def test_a_run_of_work_lasts_from_the_first_photo_that_sets_out_to_the_last_that_ends() -> None:
    tally = Tally(clock := Clock())
    clock.now = 10.0
    tally.begin()
    assert tally.take_run() is None  # somebody looks before it has ended
    for clock.now in (12.0, 14.0):
        tally.begin()
        tally.add(finished(5.0))
    tally.add(finished(5.0, duplicate=True))
    clock.now = 100.0
    assert tally.take_run() == {"scored": 2, "duplicates": 1, "seconds": 4.0}
    tally.begin()
    clock.now = 101.0
    tally.add(finished(5.0))
    assert tally.take_run() == {"scored": 1, "seconds": 1.0}
    assert tally.take_run() is None
    assert tally.finished()["scored"] == 3


def test_the_last_photos_that_could_not_be_read_are_remembered_with_the_time() -> None:
    tally = Tally(wall=lambda: 1_600_000_000.0)
    for n in range(7):
        candidate = Candidate("/f", f"{n}.jpg", Fingerprint(1, 2, 3, 4))
        tally.add(Passed(candidate, "unreadable" if n else "vanished", "Permission denied"))
    remembered = tally.unreadable()
    assert [path for _, path, _ in remembered] == ["/f/2.jpg", "/f/3.jpg", "/f/4.jpg", "/f/5.jpg", "/f/6.jpg"]
    assert remembered[0] == (1_600_000_000.0, "/f/2.jpg", "Permission denied")
    for _ in range(5):  # at scan after scan
        tally.add(Passed(Candidate("/f", "3.jpg", Fingerprint(1, 2, 3, 4)), "unreadable", "Permission denied"))
    assert [path for _, path, _ in tally.unreadable()] == [
        "/f/2.jpg", "/f/4.jpg", "/f/5.jpg", "/f/6.jpg", "/f/3.jpg",
    ]  # fmt: skip
