"""What is asked of a database about single photos, and about those of an earlier model."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from photod.photos import (
    EMBEDDING_DTYPE,
    Candidate,
    Facts,
    Fingerprint,
    InputSpec,
    Judged,
    KnownPhoto,
    ModelIdentity,
    Scored,
    Unscoreable,
)
from photod.store.queries import Bounds, Reader
from photod.store.writer import Writer

MODEL = ModelIdentity("m", "a", "0" * 64, InputSpec(), "fp32", 1, (("good", "bad"),), 100.0)
OTHER_PROMPTS = replace(MODEL, prompts=(("better", "worse"),))
OTHER_TOWER = replace(MODEL, weights_sha256="1" * 64)
SOME = Fingerprint(1, 2, 3, 4)


def vector(number: float) -> bytes:
    return np.array([number], EMBEDDING_DTYPE).tobytes()


def scored(
    path: str, sha256: str, score: float, fingerprint: Fingerprint = SOME, taken_at: str | None = None
) -> tuple[Judged, bool]:
    verdict = Scored(sha256, Facts(640, 480, taken_at, "Canon"), score, vector(score))
    return Judged(Candidate("/f", path, fingerprint), verdict, duplicate=False), True


@pytest.fixture
def writer(tmp_path: Path) -> Writer:
    writer = Writer(tmp_path / ".photod/photos.db")
    writer.use_model(MODEL)
    return writer


@pytest.fixture
def reader(writer: Writer) -> Reader:
    return Reader(writer.path)


@pytest.mark.parametrize("field", Fingerprint._fields)
def test_a_file_that_moved_is_known_again_by_its_whole_fingerprint(
    writer: Writer, reader: Reader, field: str
) -> None:
    writer.commit([scored("a.jpg", "aa", 5.0), scored("b.jpg", "bb", 3.0, Fingerprint(9, 9, 9, 9))])
    another = SOME._replace(**{field: 77})
    assert reader.paths_of(another) == []
    writer.move([("a.jpg", "new.jpg", another)])
    assert reader.paths_of(SOME) == ["a.jpg"]
    writer.mark_missing(["a.jpg"])
    writer.move([("a.jpg", "sub/new.jpg", SOME)])
    assert reader.paths_of(SOME) == ["sub/new.jpg"]
    assert [(p.path, p.score) for p in reader.top(9)] == [("sub/new.jpg", 5.0), ("b.jpg", 3.0)]
    assert reader.directories("sub") == ["sub"]


def test_a_photo_moves_over_no_other(writer: Writer, reader: Reader) -> None:
    writer.commit([scored("a.jpg", "aa", 5.0), scored("taken.jpg", "bb", 3.0, Fingerprint(9, 9, 9, 9))])
    writer.move([("a.jpg", "taken.jpg", SOME)])
    assert [(p.path, p.score) for p in reader.top(9)] == [("a.jpg", 5.0), ("taken.jpg", 3.0)]


def test_every_content_is_scored_anew_however_many(
    writer: Writer, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photod.store.writer.RESCORE_ROWS", 2)
    writer.commit([scored(f"{n}.jpg", f"{n}", float(n)) for n in range(5)])
    writer.use_model(OTHER_PROMPTS)
    double = lambda vectors: [2 * float(np.frombuffer(v, EMBEDDING_DTYPE)[0]) for v in vectors]  # noqa: E731
    assert writer.rescore(double) == 5
    assert [(p.path, p.score) for p in reader.top(9)] == [(f"{n}.jpg", 2.0 * n) for n in (4, 3, 2, 1, 0)]
    assert reader.count_stale() == 0
    assert writer.rescore(double) == 0


def test_what_an_earlier_model_scored_comes_newest_first_page_by_page(
    writer: Writer, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photod.store.queries._PAGE", 2)
    fingerprints = {f"{n}.jpg": Fingerprint(1, n // 3, 3, 2**64 - 1 - n) for n in range(5)}
    writer.commit([scored(path, path, 5.0, fingerprint) for path, fingerprint in fingerprints.items()])
    writer.use_model(OTHER_TOWER)
    found: list[tuple[str, Fingerprint]] = []
    place = None
    for _ in range(3):
        page = reader.stale("", place)
        found += page.photos
        place = page.place
    assert place is None
    assert found == sorted(fingerprints.items(), reverse=True)


def test_what_an_earlier_model_scored_is_counted_in_a_part_too(writer: Writer, reader: Reader) -> None:
    writer.commit([scored(path, path, 5.0) for path in ("a.jpg", "part/b.jpg", "party/c.jpg", "part/new.jpg")])
    writer.use_model(OTHER_TOWER)
    assert (reader.count_stale(), reader.count_stale("part")) == (4, 2)
    writer.commit([scored("part/new.jpg", "part/new.jpg", 6.0)])
    assert (reader.count_stale(), reader.count_stale("part")) == (3, 1)


def test_what_is_decoded_no_more_waits_for_no_model_and_has_no_score(writer: Writer, reader: Reader) -> None:
    """Its bytes keep the score that an earlier model gave them."""
    writer.commit([scored("part/a.jpg", "aa", 5.0)])
    writer.use_model(OTHER_TOWER)
    assert reader.known("part") == [KnownPhoto("part/a.jpg", *SOME, stale=1)]
    writer.commit(
        [(Judged(Candidate("/f", "part/a.jpg", SOME), Unscoreable("aa", "too large"), duplicate=False), True)]
    )
    assert reader.known("part") == [KnownPhoto("part/a.jpg", *SOME)]
    assert (reader.count_stale(), reader.count_stale("part"), reader.stale().photos) == (0, 0, ())
    details = reader.details("part/a.jpg")
    assert details is not None
    assert (details.state, details.reason) == ("unscoreable", "too large")
    assert (details.score, details.facts, details.model, details.scored_at) == (None, None, None, None)


def test_an_embedding_is_that_of_its_own_content_by_the_model_that_ranks(writer: Writer, reader: Reader) -> None:
    writer.commit([scored("a.jpg", "aa", 5.0), scored("b.jpg", "bb", 3.0)])
    assert (reader.embedding("aa"), reader.embedding("cc")) == (vector(5.0), None)
    rows = {sha256: row for row, sha256, *_ in reader.contents()}
    assert reader.embeddings_of([rows["bb"]]) == {rows["bb"]: vector(3.0)}
    writer.use_model(OTHER_TOWER)
    assert reader.embedding("aa") is None
    assert reader.embeddings_of([rows["bb"]]) == {}


def test_means_are_those_of_a_part_if_one_is_named(writer: Writer, reader: Reader) -> None:
    writer.commit(
        [scored("a.jpg", "aa", 9.0, taken_at="2020-01-01"), scored("part/b.jpg", "bb", 3.0, taken_at="2020-01-01")]
    )
    assert reader.means("year") == [("2020", 2, 6.0)]
    assert reader.means("year", "part") == [("2020", 1, 3.0)]


def test_what_failed_last_comes_first_where_only_a_few_are_asked_for(
    writer: Writer, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    for moment, path in enumerate(("b.jpg", "a.jpg", "b.jpg")):
        monkeypatch.setattr("photod.store.writer.time.time", lambda moment=moment: moment)
        verdict = Unscoreable(f"{moment}", "empty")
        writer.commit([(Judged(Candidate("/f", path, SOME), verdict, duplicate=False), True)])
    assert [photo.path for photo in reader.failed(1)] == ["b.jpg"]
    assert [photo.path for photo in reader.failed()] == ["a.jpg", "b.jpg"]


def test_a_bound_on_dates_takes_all_of_its_last_day(writer: Writer, reader: Reader) -> None:
    days = ("2020-12-31 23:59:59", "2021-07-13 08:00:00", "2021-07-14 23:59:59", "2021-07-15 00:00:00")
    writer.commit([scored(day, day, 5.0, taken_at=day) for day in days] + [scored("undated", "none", 5.0)])
    dated = {until: [p.path for p in reader.top(9, bounds=Bounds(until=until))] for until in ("2020", "2021-07-14")}
    assert dated == {"2020": [days[0]], "2021-07-14": list(days[:3])}
    assert [p.path for p in reader.top(9, bounds=Bounds("2021-07-14", "2021-07-14"))] == [days[2]]
    assert [p.path for p in reader.top(9, bounds=Bounds(month=12))] == [days[0]]
    assert len(reader.top(9, bounds=Bounds(min_score=5.0))) == 5


def test_where_nothing_is_ranked_nothing_is_counted(tmp_path: Path, writer: Writer, reader: Reader) -> None:
    writer.commit([(Judged(Candidate("/f", "a.jpg", SOME), Unscoreable("aa", "empty"), duplicate=False), True)])
    assert (reader.ranked(), reader.ranked("part")) == (0, 0)
    Writer(tmp_path / "new/photos.db").close()
    assert Reader(tmp_path / "new/photos.db").ranked() == 0
