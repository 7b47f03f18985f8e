"""The figures of `photod-ctl stats`, against the same computed from all scores."""

import random
import statistics
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from invented_archive import MODEL, Photo, bursts, write_archive
from photod.photos import Facts, Scored
from photod.store.writer import Writer
from photod_ctl.folders import Archive
from photod_ctl.ranking import by_model
from photod_ctl.stats import MARKS, summarise


def photos_scored(scores: Sequence[float]) -> list[Photo]:
    return [Photo(f"{n}.jpg", Scored(f"{n}", Facts(1, 1), score, b"\0\0")) for n, score in enumerate(scores)]


def figures(*archives: Archive) -> dict[str, Any]:
    with by_model(archives) as (group,):
        return summarise(group)


def assert_figures(found: dict[str, Any], scores: Sequence[float]) -> None:
    ordered = sorted(scores)
    edges = [*(bisect_left(ordered, half / 2) for half in range(20)), len(ordered)]
    assert found["photos"] == len(ordered)
    assert found["median"] == statistics.median(ordered)
    assert found["mean"] == pytest.approx(statistics.fmean(ordered), rel=1e-12)
    assert [bin_["photos"] for bin_ in found["histogram"]] == [edges[n + 1] - edges[n] for n in range(20)]
    assert [(bin_["from"], bin_["to"]) for bin_ in found["histogram"]] == [(n / 2, n / 2 + 0.5) for n in range(20)]
    shares = {str(mark): (len(ordered) - bisect_left(ordered, mark)) / len(ordered) for mark in MARKS}
    assert found["shares"] == shares


@pytest.mark.parametrize("seed", range(4))
def test_they_are_those_of_all_photos_of_several_folders_and_of_a_part_of_one(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    known: list[Scored] = []
    one, two = bursts(chance, 400, known, 30), bursts(chance, 151 + seed, known, 30)
    archives = write_archive(tmp_path / "one", one), write_archive(tmp_path / "two", two)
    assert_figures(figures(*archives), [photo.verdict.score for photo in one + two])
    part = [photo for photo in one if photo.path.startswith("b/")]
    below = replace(archives[0], below="b")
    assert_figures(figures(below), [photo.verdict.score for photo in part])
    assert_figures(figures(below, archives[1]), [photo.verdict.score for photo in part + two])


@pytest.mark.parametrize(
    "scores",
    [
        [10.0],
        [0.0, 10.0],
        [55.0, 71.0],  # as somebody may have written them
        [0.2, 0.3, 9.8, 10.0],  # the two in the middle are far apart
        [5.0, 5.0, 5.0, 4.999999999],
        [half / 2 for half in range(21)],
        [7.5] * 3 + [7.499999999999999] * 3,
    ],
)
def test_they_are_exact_at_the_edges(tmp_path: Path, scores: list[float]) -> None:
    assert_figures(figures(write_archive(tmp_path / "one", photos_scored(scores))), scores)


def test_what_a_daemon_does_meanwhile_changes_no_figures_and_is_not_held_up_later(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "one", photos_scored([1.0, 2.0]))
    with closing(Writer(archive.database)) as writer:
        with by_model([archive]) as (group,):
            writer.use_model(replace(MODEL, weights_sha256="b" * 64))
            writer.mark_missing(["0.jpg", "1.jpg"])
            assert_figures(summarise(group), [1.0, 2.0])
        with by_model([archive]) as (group, *_):
            assert summarise(group)["photos"] == 0
        assert writer._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)


def test_the_median_may_lie_between_two_databases(tmp_path: Path) -> None:
    low, high = photos_scored([1.0, 1.1, 1.2]), photos_scored([8.0, 8.1, 8.2])
    archives = write_archive(tmp_path / "low", low), write_archive(tmp_path / "high", high)
    assert figures(*archives)["median"] == (1.2 + 8.0) / 2
