"""The running median begins with the scores that the databases have already, whenever they are opened."""

from pathlib import Path

import pytest

from fake_scorer import FakeScorer
from pictures import make_photo
from running import make_config, ranking, running, score_once
from waiting import wait_until
from watching import ask, folder_status, quiet


def test_a_daemon_that_scores_nothing_tells_the_median_of_the_earlier_scores(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder, levels in ((one, (10, 100)), (two, (180, 200, 250))):
        for level in levels:
            make_photo(folder / f"{level}.png", level)
        score_once(folder, FakeScorer())
    config = make_config(one, two)
    with running(config, scorer := FakeScorer()):
        quiet(config)
        status = ask(config, "status")
    assert scorer.photos == 0
    assert status["median"] == pytest.approx(10 * 180 / 255, abs=0.05)


def test_the_median_at_the_start_counts_what_is_there_twice_once_and_goes_on_from_there(folder: Path) -> None:
    for name, level in (("a", 10), ("b", 100), ("c", 200), ("copy of c", 200)):
        make_photo(folder / f"{name}.png", level)
    score_once(folder, FakeScorer())
    config = make_config(folder)
    with running(config, scorer := FakeScorer()):
        quiet(config)
        assert ask(config, "status")["median"] == pytest.approx(10 * 100 / 255, abs=0.05)
        make_photo(folder / "d.png", 250)
        ask(config, "rate", folder=str(folder))
        assert ask(config, "status")["median"] == pytest.approx(10 * 150 / 255, abs=0.05)
    assert scorer.photos == 1


@pytest.mark.usefixtures("hurried")
def test_the_scores_of_a_drive_that_comes_later_count_and_none_twice(tmp_path: Path) -> None:
    one, two, elsewhere = tmp_path / "one", tmp_path / "two", tmp_path / "elsewhere"
    for folder, levels in ((one, (10, 100)), (two, (180, 200, 250))):
        for level in levels:
            make_photo(folder / f"{level}.png", level)
        score_once(folder, FakeScorer())
    two.rename(elsewhere)
    two.mkdir()
    with running(config := make_config(one, two), scorer := FakeScorer()):
        make_photo(one / "40.png", 40)
        wait_until(lambda: "40.png" in ranking(one))
        quiet(config)
        assert ask(config, "status")["median"] == pytest.approx(10 * 40 / 255, abs=0.05)
        two.rmdir()
        elsewhere.rename(two)
        wait_until(lambda: folder_status(config, two)["state"] == "idle")
        assert ask(config, "status")["median"] == pytest.approx(10 * 140 / 255, abs=0.05)
    assert scorer.photos == 1
