from photod.photos import Candidate, Facts, Fingerprint, Judged, Scored
from photod.tally import Tally


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


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
    tally.add(finished(9.5, duplicate=True))
    assert tally.median() == 5.5
