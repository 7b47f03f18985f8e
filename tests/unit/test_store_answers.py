"""Each question about ranked photos is answered as a plain list of them would."""

import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

import pytest

from invented_archive import MODEL
from photod.photos import Candidate, Facts, Fingerprint, Judged, ModelIdentity, Scored, Unscoreable
from photod.store.queries import EVERYTHING, Bounds, RankedPhoto, Reader
from photod.store.schema import to_sql
from photod.store.writer import Writer

EARLIER = replace(MODEL, weights_sha256="e" * 64)
TOWERS = {MODEL: b"now.", EARLIER: b"then"}
DIRECTORIES = ("", "a", "a/b", "a/\udcff", "a-b", "a0", "ab", "b", "\udcff", "\udcff/a", "\udcff0")
PARTS = ("", "a", "a/b", "b", "\udcff", "nowhere")
SCORES = (0.0, 2.5, 4.75, 5.0, 5.25, 7.0, 10.0)
DATES = (None, "2020-12-31 23:59:59", "2021-01-01 00:00:00", "2021-07-14 12:00:00", "2021-12-01 08:00:00")
CAMERAS = ("Canon", "FUJIFILM", None)
BOUNDS = (
    EVERYTHING, Bounds(since="2021"), Bounds(since=DATES[3]), Bounds(until="2020"), Bounds(until="2021-07"),
    Bounds(month=7), Bounds(month=12), Bounds(min_score=5.0), Bounds("2021", "2021-12-01", 12, 2.5),
)  # fmt: skip


@dataclass(frozen=True)
class Photo:
    """One that is ranked."""

    path: str
    verdict: Scored

    @property
    def order(self) -> tuple[bool, bytes]:
        """Its place among others of its score: names that are text come first."""
        return isinstance(to_sql(self.path), bytes), os.fsencode(self.path)

    @property
    def size(self) -> int:
        return self.verdict.embedding[-2]

    def is_within(self, below: str, bounds: Bounds) -> bool:
        taken_at = self.verdict.facts.taken_at or ""
        return (
            (not below or self.path.startswith(f"{below}/"))
            and (bounds.since is None or taken_at >= bounds.since)
            and (bounds.until is None or "" < taken_at[: len(bounds.until)] <= bounds.until)
            and (bounds.month is None or taken_at[5:7] == f"{bounds.month:02}")
            and (bounds.min_score is None or self.verdict.score >= bounds.min_score)
        )


def invent(chance: random.Random, database: Path) -> dict[ModelIdentity, list[Photo]]:
    """The photos that each of two models ranks: with copies of most, of which some are missing or were not decoded.

    Some contents were scored by both models, and some by the one, the other, and the one again.
    """
    ranked: list[Photo] = []
    scores: dict[str, tuple[ModelIdentity, Scored]] = {}  # by content: the last, and by which model
    with closing(Writer(database)) as writer:
        for turn, model in enumerate((MODEL, EARLIER, MODEL)):
            writer.use_model(model)
            verdicts = [
                Scored(
                    str(number) if number < 5 else f"{turn} {number}",
                    Facts(6, 4, chance.choice(DATES), chance.choice(CAMERAS)),
                    chance.choice(SCORES),
                    TOWERS[model] + bytes([number, 0]),
                )
                for number in range(20)
            ]
            names = [f"{chance.choice(('x', chr(0xDCFE)))} {turn} {number}" for number in range(60)]
            photos = [Photo(os.path.join(chance.choice(DIRECTORIES), n), chance.choice(verdicts)) for n in names]
            missing, undecodable, there = photos[:10], photos[10:20], photos[20:]
            writer.commit([judged(photo, photo.verdict) for photo in missing + there])
            why = "so said a decoder of then"
            writer.commit([judged(photo, Unscoreable(photo.verdict.sha256, why)) for photo in undecodable])
            writer.mark_missing([photo.path for photo in missing])
            ranked += there
            for sha256, verdict in ((photo.verdict.sha256, photo.verdict) for photo in missing + there):
                if sha256 not in scores or scores[sha256][0] is not model:
                    scores[sha256] = model, verdict
    ranked.sort(key=lambda photo: photo.order)
    last = [(photo.path, *scores[photo.verdict.sha256]) for photo in ranked]
    return {model: [Photo(path, verdict) for path, by, verdict in last if by is model] for model in TOWERS}


def judged(photo: Photo, verdict: Scored | Unscoreable) -> tuple[Judged, bool]:
    candidate = Candidate("/f", photo.path, Fingerprint(photo.size, 2, 3, 4))
    return Judged(candidate, verdict, duplicate=False), True


Archive = tuple[list[Photo], Reader]


@pytest.fixture(scope="module", params=[(seed, model) for seed in range(3) for model in TOWERS], ids=range(6))
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """The photos of a model, by path, and the database that has them."""
    seed, model = request.param
    database = tmp_path_factory.mktemp("archive") / ".photod/photos.db"
    photos = invent(random.Random(seed), database)[model]
    with closing(Reader(database, None if model is MODEL else model.key)) as reader:
        yield photos, reader


def shown(photo: Photo) -> RankedPhoto:
    return RankedPhoto(photo.path, photo.verdict.sha256, photo.verdict.score, photo.verdict.facts)


def contents_of(photos: list[Photo]) -> dict[str, list[Photo]]:
    """Photos by their content."""
    contents: dict[str, list[Photo]] = {}
    for photo in photos:
        contents.setdefault(photo.verdict.sha256, []).append(photo)
    return contents


@pytest.mark.parametrize("below", PARTS)
def test_rankings_within_bounds(archive: Archive, below: str) -> None:
    photos, reader = archive
    for bounds in BOUNDS:
        ranked = [photo for photo in photos if photo.is_within(below, bounds)]
        best = [shown(photo) for photo in sorted(ranked, key=lambda photo: -photo.verdict.score)]
        worst = [shown(photo) for photo in sorted(ranked, key=lambda photo: photo.verdict.score)]
        for count in (3, 99):
            assert reader.top(count, below=below, bounds=bounds) == best[:count], bounds
            assert reader.top(count, below=below, bounds=bounds, worst=True) == worst[:count], bounds
        contents = {
            (sha256, score, count, *facts) for _, sha256, score, count, *facts in reader.contents(below, bounds)
        }
        assert contents == {
            (sha256, first.verdict.score, 1 + len(others), first.verdict.facts.taken_at, first.verdict.facts.camera)
            for sha256, (first, *others) in contents_of(ranked).items()
        }


@pytest.mark.parametrize("below", PARTS)
def test_figures_of_a_part(archive: Archive, below: str) -> None:
    photos, reader = archive
    ranked = [photo for photo in photos if photo.is_within(below, EVERYTHING)]
    scores = sorted(photo.verdict.score for photo in ranked)
    assert reader.ranked(below) == len(ranked)
    assert sorted(reader.scores(below)) == scores
    assert reader.points(below) == pytest.approx(sum(scores))
    assert reader.histogram(below) == Counter(int(score * 2) for score in scores)
    between = [score for score, count in reader.counted_scores(2.5, 7.0, below) for _ in range(count)]
    assert between == [score for score in scores if 2.5 <= score < 7.0]
    repeated = [photo for _, *others in contents_of(ranked).values() for photo in others]
    assert reader.duplicates(below) == (len(repeated), sum(photo.size for photo in repeated))
    years = [(photo.verdict.facts.taken_at and photo.verdict.facts.taken_at[:4], photo) for photo in ranked]
    assert by_label(reader.means("year", below)) == means_of(years)
    cameras = [(photo.verdict.facts.camera, photo) for photo in ranked]
    assert by_label(reader.means("camera", below)) == means_of(cameras)


Means = dict[str | None, tuple[int, float]]


def by_label(rows: list[tuple[str | None, int, float]]) -> Means:
    return {label: (count, round(mean, 9)) for label, count, mean in rows}


def means_of(photos: list[tuple[str | None, Photo]]) -> Means:
    scores: dict[str | None, list[float]] = {}
    for label, photo in photos:
        scores.setdefault(label, []).append(photo.verdict.score)
    return {label: (len(group), round(fmean(group), 9)) for label, group in scores.items()}


@pytest.mark.parametrize("below", PARTS)
def test_contents_and_their_photos(archive: Archive, below: str) -> None:
    photos, reader = archive
    ranked = [photo for photo in photos if photo.is_within(below, EVERYTHING)]
    rows = {sha256: row for row, sha256, *_ in reader.contents()}
    for sha256, row in rows.items():
        copies = [shown(photo) for photo in ranked if photo.verdict.sha256 == sha256]
        assert reader.photo_of(row, below) == next(iter(copies), None)
    for score in SCORES:
        equal = [rows[photo.verdict.sha256] for photo in ranked if photo.verdict.score == score]
        assert reader.contents_scored(score, below) == equal


def test_embeddings_and_what_is_above_a_score(archive: Archive) -> None:
    photos, reader = archive
    contents = contents_of(photos)
    falling = (7.0, 5.0, 4.9, 0.0)
    assert reader.higher(falling) == [sum(photo.verdict.score > score for photo in photos) for score in falling]
    vectors = {sha256: copies[0].verdict.embedding for sha256, copies in contents.items()}
    assert sorted(reader.all_embeddings()) == sorted(vectors.items())
    rows = {row: sha256 for row, sha256, *_ in reader.contents()}
    assert reader.embeddings_of([*rows, 999]) == {row: vectors[sha256] for row, sha256 in rows.items()}
    for sha256, copies in contents.items():
        assert reader.embedding(sha256) == vectors[sha256]
        assert reader.photo_with(sha256) == shown(copies[0])
    assert (reader.embedding("none"), reader.photo_with("none")) == (None, None)


def test_a_model_that_is_not_known_ranks_nothing(archive: Archive) -> None:
    _, reader = archive
    with closing(Reader(reader.path, "of another folder")) as other:
        assert (other.ranked(), other.top(9), other.higher([0.0])) == (0, [], [0])
