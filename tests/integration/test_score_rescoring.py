"""After a change of model: what is scored again, in which order, what is shown meanwhile. The daemon is real."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fake_scorer import FakeScorer
from photod.config import Config, Folder, Intake, Model
from photod.photos import InputSpec
from photod.store.queries import Reader
from pictures import make_photo
from programs import photod_ctl
from running import make_config, ranking, running, score_once
from waiting import PATIENCE_S, wait_until

DAY_S = 86_400
# Neither the order of names nor that of directories is the order of age.
AGES = {"b/1.png": 40, "a/2.png": 10, "3.png": 20, "b/4.png": 30, "a/5.png": 50, "6.png": 60}  # days
NEWEST_FIRST = sorted(AGES, key=lambda path: AGES[path])
LEVELS = {path: 20 * number + 20 for number, path in enumerate(AGES)}
NOW_S = 1_700_000_000


class Gated(FakeScorer):
    """Another model. Scores so many photos as it is allowed, and tells their brightness in order."""

    def __init__(self, allowed: int = 1_000_000, **identity: Any) -> None:
        super().__init__("other")
        self.identity = replace(self.identity, **(identity or {"weights_sha256": "1" * 64}))
        self.seen: list[int] = []
        self._gate = threading.Semaphore(allowed)

    def allow(self, photos: int) -> None:
        self._gate.release(photos)

    def embed(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        for picture in pixels:
            assert self._gate.acquire(timeout=PATIENCE_S)
            self.seen.append(int(picture.mean() + 0.5))
        return super().embed(pixels)

    def paths(self) -> list[str]:
        """The photos that went through it, in order."""
        return [next(path for path, level in LEVELS.items() if level == seen) for seen in self.seen]


def one_by_one(folder: Path) -> Config:
    """A configuration in which photos cannot overtake one another."""
    return make_config(folder, intake=Intake(readers=1, decoders=1), model=Model(batch_size=1))


@pytest.fixture
def archive(folder: Path) -> Path:
    """A folder whose photos an earlier model has scored."""
    for path, days in AGES.items():
        photo = make_photo(folder / path, LEVELS[path])
        os.utime(photo, (NOW_S - days * DAY_S,) * 2)
    score_once(folder, FakeScorer("earlier"))
    return folder


@contextmanager
def reader_of(folder: Path) -> Iterator[Reader]:
    reader = Reader(Folder(path=folder).database_path)
    try:
        yield reader
    finally:
        reader.close()


def stale(folder: Path) -> int:
    with reader_of(folder) as reader:
        return reader.totals().stale


def ctl(*arguments: str | Path) -> str:
    """What photod-ctl prints on both outputs."""
    done = photod_ctl(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "identity",
    [
        pytest.param({"weights_sha256": "1" * 64}, id="other weights"),
        pytest.param({"input": InputSpec(resize="crop")}, id="another resize"),
        pytest.param({"precision": "bf16"}, id="another precision"),
        pytest.param({"preprocessing": 2}, id="another decoding"),
    ],
)
def test_everything_is_scored_again_newest_first(archive: Path, identity: dict[str, Any]) -> None:
    with running(one_by_one(archive), scorer := Gated(**identity)):
        wait_until(lambda: len(scorer.seen) == len(AGES) and not stale(archive))
    assert scorer.paths() == NEWEST_FIRST


def test_a_photo_that_lands_goes_before_the_stale_ones(folder: Path) -> None:
    for number in range(40):
        make_photo(folder / f"{number}.png", number)
    score_once(folder, FakeScorer("earlier"))
    with running(one_by_one(folder), scorer := Gated(allowed=1)) as daemon:
        wait_until(lambda: stale(folder) == 39)
        make_photo(folder / "new.png", 250)
        flight = daemon._roster.folders[str(folder)].watcher.flight
        wait_until(lambda: "new.png" in flight)
        scorer.allow(100)
        wait_until(lambda: "new.png" in ranking(folder) and not stale(folder))
    assert scorer.seen.index(250) < 20, "only what was decoded already may go before it"


def test_old_scores_stay_visible_and_are_never_ranked_among_new_ones(archive: Path) -> None:
    old = ranking(archive)
    with running(one_by_one(archive), scorer := Gated(allowed=2)):
        wait_until(lambda: stale(archive) == len(AGES) - 2)
        assert ranking(archive).keys() == set(NEWEST_FIRST[:2])

        told = ctl("top", archive)
        new_part, old_part = told.split("earlier, an earlier model: 4 photos")
        assert all(path in new_part for path in NEWEST_FIRST[:2])
        assert not any(path in new_part.split("photos that wait")[0] for path in NEWEST_FIRST[2:])
        assert all(path in old_part for path in NEWEST_FIRST[2:])
        assert "photos that wait for the current model keep their score of an earlier one (earlier)" in told

        top = json.loads(ctl("top", archive, "--json", "-n", "100").partition("photod-ctl:")[0])
        assert [t["model_is_current"] for t in top] == [True] * 2 + [False] * 4
        assert [t["rank"] for t in top] == [1, 2, 1, 2, 3, 4]
        assert {t["score"] for t in top[2:]} == {old[path] for path in NEWEST_FIRST[2:]}

        assert "an earlier model scored it, and the current one has not yet" in ctl(
            "show", archive / NEWEST_FIRST[-1]
        )
        assert "scored anew  2 of 6 photos (33.3%), newest first" in ctl("status", "--config", config_of(archive))
        scorer.allow(100)
        wait_until(lambda: not stale(archive))
    assert "earlier" not in ctl("top", archive)
    assert "scored anew" not in ctl("status", "--config", config_of(archive))


def config_of(folder: Path) -> Path:
    """The configuration of `one_by_one` for the client: where the folder is, and the socket."""
    file = folder.parent / "config.toml"
    file.write_text(f'folders = ["{folder}"]\n[control]\nsocket = "{folder.parent}/control.sock"\n')
    return file


def test_going_back_to_an_earlier_model_reads_and_decodes_nothing(archive: Path, reads: list[str]) -> None:
    before = ranking(archive)
    score_once(archive / "a", Gated(), one_by_one(archive))  # a part of them, and back again
    assert stale(archive) == 4
    reads.clear()
    score_once(archive, back := FakeScorer("earlier"))
    assert back.photos == 0
    assert reads == []
    assert ranking(archive) == pytest.approx(before, abs=0.01)  # embeddings are stored in half precision
    score_once(archive, forth := Gated(), one_by_one(archive))
    assert forth.paths() == [path for path in NEWEST_FIRST if not path.startswith("a/")], (
        "what it had scored before was not scored again"
    )


def test_only_the_tree_that_was_asked_for_is_scored_again(archive: Path) -> None:
    score_once(archive / "a", scorer := Gated(), one_by_one(archive))
    assert scorer.paths() == ["a/2.png", "a/5.png"]
    assert stale(archive) == 4


def test_a_tree_renamed_meanwhile_is_scored_all_the_same(archive: Path) -> None:
    with running(one_by_one(archive), scorer := Gated(allowed=1)):
        wait_until(lambda: len(scorer.seen) == 1)
        (archive / "b").rename(archive / "renamed")
        scorer.allow(100)
        wait_until(lambda: ranking(archive).keys() == {path.replace("b/", "renamed/") for path in AGES})


def test_a_stale_photo_that_is_gone_is_missing_and_one_that_changed_gets_its_new_score(archive: Path) -> None:
    (archive / "6.png").unlink()
    make_photo(archive / "3.png", 255)
    score_once(archive, Gated())
    assert ranking(archive).keys() == AGES.keys() - {"6.png"}
    assert ranking(archive)["3.png"] == pytest.approx(10, abs=0.01)


def test_copies_of_a_stale_photo_cost_one_look_by_the_model(folder: Path) -> None:
    for name in ("a.png", "b.png", "c.png"):
        make_photo(folder / name, 20)
    score_once(folder, FakeScorer("earlier"))
    score_once(folder, scorer := Gated())
    assert scorer.photos == 1
    assert len(ranking(folder)) == 3
