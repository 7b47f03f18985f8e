"""What became of the photos of a folder, and since when."""

import pytest

from photod.photos import Candidate, Facts, Fingerprint, Judged, Outcome, Passed, Scored, Unscoreable
from photod.watch.counts import Counts

PHOTO = Candidate("/f", "a.jpg", Fingerprint(1, 2, 3, 4))
SCORED, BROKEN = Scored("aa", Facts(1, 1), 5.0, b""), Unscoreable("bb", "truncated")


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [
        (Judged(PHOTO, SCORED, duplicate=False), Counts(scored=1)),
        (Judged(PHOTO, SCORED, duplicate=True), Counts(duplicates=1)),
        (Judged(PHOTO, BROKEN, duplicate=True), Counts(unscoreable=1, last_failure=("a.jpg", "truncated"))),
        (Passed(PHOTO, "vanished"), Counts(vanished=1)),
        (Passed(PHOTO, "changed"), Counts()),
        (
            Passed(PHOTO, "unreadable", "Input/output error"),
            Counts(
                unreadable=1,
                last_failure=("a.jpg", "Input/output error"),
                last_unreadable=("a.jpg", "Input/output error"),
            ),
        ),
    ],
)
def test_each_photo_is_counted_by_how_it_ended(outcome: Outcome, counts: Counts) -> None:
    assert Counts().after(outcome) == counts
    assert counts.finished == (outcome != Passed(PHOTO, "changed"))


@pytest.mark.parametrize(
    "outcome", [Judged(PHOTO, BROKEN, duplicate=False), Passed(PHOTO, "unreadable", "Permission denied")]
)
def test_a_photo_that_fails_again_for_the_same_reason_is_told_again(outcome: Outcome) -> None:
    before = Counts().after(outcome)
    assert before.since(before).last_failure is None
    assert before.after(outcome).since(before) == Counts().after(outcome)
