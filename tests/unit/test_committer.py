"""What the committer tells, also where there is nothing that it could write to."""

import pytest

from photod.channel import Channel, Closed
from photod.committer import Committer, Listeners
from photod.config import Store
from photod.in_flight import ContentsInFlight, OnTheWay
from photod.photos import Candidate, Fingerprint, Judged, Missing, Note, Outcome, Passed, Unscoreable

PHOTO = Candidate("/photos", "a.jpg", Fingerprint(1, 2, 3, 4))


def test_where_a_database_cannot_be_had_everybody_hears_all_the_same() -> None:
    """Its folder counts the notes and photos that are under way, and would wait for ever."""
    outcomes: list[Outcome] = []
    notes: list[Note] = []
    verdicts: Channel[Judged | Passed | Note] = Channel(10)
    listeners = Listeners(outcomes.append, notes.append, lambda: None)
    committer = Committer(Store(), verdicts, OnTheWay(lambda: None), ContentsInFlight(), {}, listeners)
    missing = Missing("/photos", ("b.jpg",))
    verdicts.put(missing)
    verdicts.put(Judged(PHOTO, Unscoreable("", "empty"), duplicate=False))
    verdicts.close()
    with pytest.raises(Closed):
        committer.run()
    assert notes == [missing]
    assert outcomes == [Passed(PHOTO, "changed")]
