"""Two processes that do everything to a folder at once, and what watching costs."""

import multiprocessing
import random
import shutil
import time
from pathlib import Path

import pytest

from processes import cpu_s, resident_bytes
from watching import FakeDaemon, agrees, disagreement, fill, put, quiet, watched

SECONDS = 60


@pytest.mark.parametrize(
    ("seed", "seconds"),
    [(0, 5), *(pytest.param(seed, SECONDS, marks=pytest.mark.slow) for seed in range(20))],
)
def test_random_churn_by_two_processes_ends_in_the_truth(
    folder: Path, monkeypatch: pytest.MonkeyPatch, seed: int, seconds: int
) -> None:
    """Scenario 5; its full form churns for 60 s with each of 20 seeds."""
    monkeypatch.setattr("photod.watch.settle.UNSTABLE_S", 3.0)
    churners = [
        multiprocessing.get_context("spawn").Process(target=churn, args=(folder, 2 * seed + half, seconds))
        for half in range(2)
    ]
    with watched(folder, decoders=2) as config:
        for churner in churners:
            churner.start()
        for churner in churners:
            churner.join()
            assert churner.exitcode == 0
        agrees(folder, 60)
        quiet(config)


def churn(folder: Path, seed: int, seconds: float) -> None:
    """Create, write, rename, move trees, delete, link, in no order."""
    dice = random.Random(seed)
    end = time.monotonic() + seconds
    deeds = (create, create, create, rewrite, append, rename, rename, move_tree, delete, delete_tree, link)
    while time.monotonic() < end:
        try:
            dice.choice(deeds)(folder, dice)
        except OSError:
            pass  # the other process was there first
        time.sleep(dice.random() * 0.01)


def any_directory(folder: Path, dice: random.Random) -> Path:
    place = folder
    for _ in range(dice.randrange(4)):
        place = place / dice.choice("abc")
    return place


def any_photo(folder: Path, dice: random.Random) -> Path:
    return any_directory(folder, dice) / f"{dice.randrange(12)}.png"


def create(folder: Path, dice: random.Random) -> None:
    photo = any_photo(folder, dice)
    photo.parent.mkdir(parents=True, exist_ok=True)
    put(photo, dice.randrange(256))


def rewrite(folder: Path, dice: random.Random) -> None:
    photo = any_photo(folder, dice)
    if photo.exists():
        put(photo, dice.randrange(256))


def append(folder: Path, dice: random.Random) -> None:
    with any_photo(folder, dice).open("r+b") as file:
        file.seek(0, 2)
        file.write(b"behind the end")


def rename(folder: Path, dice: random.Random) -> None:
    any_photo(folder, dice).rename(any_photo(folder, dice))


def move_tree(folder: Path, dice: random.Random) -> None:
    tree = any_directory(folder, dice)
    if tree != folder:
        tree.rename(any_directory(folder, dice) / dice.choice("abc"))


def delete(folder: Path, dice: random.Random) -> None:
    any_photo(folder, dice).unlink()


def delete_tree(folder: Path, dice: random.Random) -> None:
    tree = any_directory(folder, dice)
    if tree != folder:
        shutil.rmtree(tree)


def link(folder: Path, dice: random.Random) -> None:
    any_photo(folder, dice).hardlink_to(any_photo(folder, dice))


@pytest.mark.alone
@pytest.mark.parametrize("directories", [4000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_watching_many_directories_is_quick_and_small(folder: Path, directories: int) -> None:
    """Scenario 25: 20,000 directories in under 5 s and 100 MB, beyond what an empty folder takes."""
    for number in range(directories):
        (folder / f"{number // 200}/{number}").mkdir(parents=True)
    (folder.parent / "empty/photos").mkdir(parents=True)
    with FakeDaemon(folder.parent / "empty/photos") as daemon:
        daemon.logged("compared")
        idle_s, idle = cpu_s(daemon.process.pid), resident_bytes(daemon.process.pid)
    with FakeDaemon(folder) as daemon:
        seconds = daemon.logged("compared")[0]["seconds"]
        more_s = cpu_s(daemon.process.pid) - idle_s  # of a processor: the machine may be busy with other things
        grown_mb = (resident_bytes(daemon.process.pid) - idle) / 1e6
        print(f"{directories} directories: {seconds:.2f} s, of a processor {more_s:.2f} s, {grown_mb:.0f} MB")
        put(folder / "0/0/a.png")
        agrees(folder)
        assert more_s < 5 * directories / 20_000 + 1
        assert grown_mb < 100
        quiet(daemon.config)
        before_s = cpu_s(daemon.process.pid)
        time.sleep(2)
        assert cpu_s(daemon.process.pid) - before_s < 0.05
    assert disagreement(folder) == ""


@pytest.mark.alone
def test_a_burst_into_one_directory_does_not_list_it_for_each_file(folder: Path) -> None:
    with FakeDaemon(folder) as daemon:
        before_s = cpu_s(daemon.process.pid)
        fill(folder / "burst", 3000)
        agrees(folder, 60)
        quiet(daemon.config)
        each_s = (cpu_s(daemon.process.pid) - before_s) / 3000
        assert each_s < 0.002  # a few listings; a listing for each would take 10 ms
