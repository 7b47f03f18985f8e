"""Who is scored together, and who is to blame when a device fails."""

from fake_scorer import FakeScorer
from photod.errors import DeviceError
from photod.intake.decoder import Decoded
from photod.judge import CONDEMNED_AFTER, apart, blame, judge
from photod.photos import Candidate, Facts, Fingerprint, InputSpec, Judged, Suspected, Unscoreable

SIDE = InputSpec().size
ERROR = DeviceError("device cpu: it burns", "extinguish it")


def photo(sha256: str, folder: str = "/one", level: int = 0) -> Decoded:
    candidate = Candidate(folder, f"{sha256}.jpg", Fingerprint(1, 2, 3, 4))
    return Decoded(candidate, sha256, bytes([level]) * (SIDE * SIDE * 3), Facts(4, 3))


def test_each_score_is_that_of_its_own_photo_and_of_no_copy() -> None:
    batch = [photo("bright", level=255), photo("dark"), photo("grey", level=51)]
    judged = judge(FakeScorer(), batch)
    assert [(j.candidate, j.verdict.sha256, j.duplicate) for j in judged] == [
        (p.candidate, p.sha256, False) for p in batch
    ]
    assert [round(j.verdict.score, 2) for j in judged if not isinstance(j.verdict, Unscoreable)] == [10, 0, 2]


def test_suspects_go_to_the_device_alone_the_most_suspected_last() -> None:
    failures = {"twice": 2, "once": 1}
    batch = [photo("twice"), photo("good"), photo("once"), photo("fine")]
    parts = apart(batch, lambda p: failures.get(p.sha256, 0))
    assert [[p.sha256 for p in part] for part in parts] == [["good", "fine"], ["once"], ["twice"]]
    assert [[p.sha256 for p in part] for part in apart(batch[:1], lambda _: 2)] == [["twice"]]


def test_a_photo_is_condemned_only_alone_and_only_after_several_failures() -> None:
    bad, other = photo("bad"), photo("other")
    often, seldom = CONDEMNED_AFTER - 1, CONDEMNED_AFTER - 2
    assert blame([bad], lambda _: seldom, ERROR) == [Suspected("/one", ("bad",))]
    (among,) = blame([bad, other], lambda _: often, ERROR)
    assert isinstance(among, Suspected)
    assert sorted(among.contents) == ["bad", "other"]
    reason = "the device fails whenever it has this photo (device cpu: it burns)"
    assert blame([bad], lambda _: often, ERROR) == [Judged(bad.candidate, Unscoreable("bad", reason), False)]


def test_each_folders_database_remembers_its_own_suspects() -> None:
    notes = blame([photo("aa"), photo("bb", "/two")], lambda _: 0, ERROR)
    assert set(notes) == {Suspected("/one", ("aa",)), Suspected("/two", ("bb",))}
