"""The scenes of `photod-ctl top --distinct`, against a search that compares each photo with each."""

import hashlib
import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from invented_archive import Photo, bursts, write_archive
from photod.photos import EMBEDDING_DTYPE, Facts, Scored
from photod.store.queries import EVERYTHING, Bounds, Reader
from photod_ctl.contents import Contents
from photod_ctl.distinct import ROWS, find_scenes, rank_scenes
from photod_ctl.folders import Archive
from photod_ctl.lens import SAMPLE
from photod_ctl.likeness import BURST_S, SCENES, TWINS
from photod_ctl.ranking import Place, rank

Kept = list[tuple[Place, int]]  # a scene's best photo, and how many others show it


def slowly(archives: Sequence[Archive], count: int, bounds: Bounds, worst: bool, vectors: dict[str, bytes]) -> Kept:
    """Photo by photo, as the help describes it."""
    (ranking,) = rank(archives, sys.maxsize, bounds, worst)
    places = ranking.places
    limits = limits_of(places[:: max(1, len(places) // SAMPLE)][:SAMPLE], vectors)
    kept: Kept = []
    for place in places:
        for scene, (best, others) in enumerate(kept):
            if is_same(place, best, vectors, limits):
                kept[scene] = best, others + 1
                break
        else:
            if len(kept) < count:
                kept.append((place, 0))
    return kept


def limits_of(sample: Sequence[Place], vectors: dict[str, bytes]) -> dict[int, float]:
    if len(sample) < 2:
        return {}
    matrix = np.array([vector(place, vectors) for place in sample])
    taken = np.array([moment(place) for place in sample])
    once = np.triu_indices(len(sample), 1)
    pairs, gaps = (matrix @ matrix.T)[once], np.abs(taken[:, None] - taken)[once]
    pairs = pairs[gaps >= 3600] if np.count_nonzero(gaps >= 3600) >= 1000 else pairs
    return {n: float(np.quantile(pairs, 1 - 1 / n)) for n in (*SCENES.values(), TWINS)}


def is_same(one: Place, other: Place, vectors: dict[str, bytes], limits: dict[int, float]) -> bool:
    gap = abs(moment(one) - moment(other))
    if one.photo.sha256 == other.photo.sha256:
        return True
    if gap <= BURST_S and one.photo.facts.camera == other.photo.facts.camera:
        return True
    rarities = [TWINS] if np.isnan(gap) else [rarity for within, rarity in SCENES.items() if gap <= within]
    alike = float(vector(one, vectors) @ vector(other, vectors))
    return any(alike >= limits[rarity] for rarity in rarities)


def vector(place: Place, vectors: dict[str, bytes]) -> np.ndarray:
    return np.frombuffer(vectors[place.photo.sha256], EMBEDDING_DTYPE).astype(np.float32)


def moment(place: Place) -> float:
    taken_at = place.photo.facts.taken_at
    return datetime.fromisoformat(taken_at).timestamp() if taken_at else float("nan")


@pytest.mark.parametrize(
    ("count", "bounds", "worst", "part"),
    [
        (20, EVERYTHING, False, ""),
        (5000, EVERYTHING, False, ""),
        (20, EVERYTHING, True, ""),
        (30, Bounds(since="2021-03-01", until="2021-03-01", min_score=4.0), False, ""),
        (30, EVERYTHING, False, "b"),
        (5, Bounds(min_score=10.1), False, ""),
    ],
)
def test_the_same_photos_are_kept_and_the_same_are_counted(
    tmp_path: Path, count: int, bounds: Bounds, worst: bool, part: str
) -> None:
    chance = random.Random(count)
    known: list[Scored] = []
    archives = [
        write_archive(tmp_path / "one", bursts(chance, 1100, known, 2)),
        write_archive(tmp_path / "two", bursts(chance, 400, known, 2)),
    ]
    archives[0] = replace(archives[0], below=part)
    vectors = {verdict.sha256: verdict.embedding for verdict in known}
    (ranking,) = rank_scenes(archives, count, bounds, worst)
    expected = slowly(archives, count, bounds, worst, vectors)
    assert [(place, ranking.others[place]) for place in ranking.places] == expected


def test_where_all_was_taken_within_an_hour_all_pairs_tell_how_alike_two_scenes_are(tmp_path: Path) -> None:
    photos = [photo(timedelta(seconds=9 * n), n / 100) for n in range(100)]
    archive = write_archive(tmp_path / "one", photos)
    vectors = {photo.verdict.sha256: photo.verdict.embedding for photo in photos}
    (ranking,) = rank_scenes([archive], 99, EVERYTHING, worst=False)
    expected = slowly([archive], 99, EVERYTHING, False, vectors)
    assert [(place, ranking.others[place]) for place in ranking.places] == expected
    assert len(expected) < 99


def test_the_sample_is_every_nth_photo_of_the_ranking(tmp_path: Path) -> None:
    known: list[Scored] = []
    archive = write_archive(tmp_path / "one", bursts(random.Random(1), 4100, known, 300))
    reader = Reader(archive.database)
    (ranking,) = rank([archive], sys.maxsize)
    sample = Contents([(archive, reader)], EVERYTHING, worst=False).sample
    expected = [place.photo.sha256 for place in ranking.places[:: len(ranking.places) // SAMPLE]][:SAMPLE]
    assert [hash(sha256) for sha256 in expected] == sample["bytes"].tolist()


class Watched(Reader):
    """Notes whose embeddings are read."""

    asked: list[int]

    def embeddings_of(self, contents: Sequence[int]) -> dict[int, bytes]:
        self.asked.extend(contents)
        return super().embeddings_of(contents)


def test_of_photos_that_can_be_of_no_wanted_scene_no_embedding_is_read(tmp_path: Path) -> None:
    """Six thousand photos two hours apart, and three more that were taken minutes after the best."""
    photos = [photo(timedelta(hours=2 * n), 9.9 - n / 1000) for n in range(6000)]
    photos += [photo(timedelta(minutes=n), 0.5) for n in (1, 2, 3)]
    archive = write_archive(tmp_path / "one", photos)
    reader = Watched(archive.database)
    reader.asked = []
    contents = Contents([(archive, reader)], EVERYTHING, worst=False)
    assert len(contents.sample) == SAMPLE
    assert len(find_scenes(contents, 20).best) == 20
    assert len(set(reader.asked)) < SAMPLE + ROWS + 4


def photo(after: timedelta, score: float) -> Photo:
    moment = str(datetime(2010, 1, 1) + after)
    looks = np.random.default_rng(after.seconds).normal(size=16)
    embedding = (looks / np.linalg.norm(looks)).astype(EMBEDDING_DTYPE).tobytes()
    sha256 = hashlib.sha256(moment.encode()).hexdigest()
    return Photo(f"{moment}.jpg", Scored(sha256, Facts(6, 4, moment, None), max(0.0, score), embedding))
