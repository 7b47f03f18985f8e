"""Files that are still being written, rewritten, replaced, deleted while they are looked at."""

import mmap
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fake_scorer import FakeScorer
from machine import need
from photod.intake.memory import PhotoMemory
from photod.intake.read import ReadPhoto, read_photo
from photod.photos import Candidate, Passed
from running import make_config, running
from waiting import wait_until
from watching import agrees, ask, disagreement, fill, folder_status, photo_bytes, put, quiet, rows, watched

UNHURRIED_S = 0.5


def interrupt(monkeypatch: pytest.MonkeyPatch, deed: Callable[[Candidate], None]) -> None:
    """Do something to a photo after it was read and before it is committed."""

    def read(candidate: Candidate, max_bytes: int, memory: PhotoMemory) -> ReadPhoto | Passed:
        photo = read_photo(candidate, max_bytes, memory)
        deed(candidate)
        return photo

    monkeypatch.setattr("photod.pipeline.read_photo", read)


@pytest.mark.parametrize("stall_s", [3.0, pytest.param(30.0, marks=pytest.mark.slow)])
def test_a_copy_that_stalls_is_not_looked_at_before_its_end(folder: Path, stall_s: float) -> None:
    """Scenario 10; its full form stalls for 30 s."""
    data = photo_bytes(200)
    with watched(folder, scorer := FakeScorer(), settle_s=UNHURRIED_S):
        with (folder / "slow.png").open("wb") as file:
            file.write(data[: len(data) // 2])
            file.flush()
            time.sleep(stall_s)
            assert rows(folder) == {}
            assert scorer.photos == 0
            file.write(data[len(data) // 2 :])
        agrees(folder)
    assert scorer.photos == 1


@pytest.mark.parametrize("means", ["write", "map"])
def test_a_preallocated_file_that_fills_slowly_is_scored_once_and_whole(folder: Path, means: str) -> None:
    """Scenario 11; once by writing, once through a mapping, which makes no events at all."""
    data = photo_bytes(100)
    with watched(folder, scorer := FakeScorer(), settle_s=UNHURRIED_S):
        with (folder / "slow.png").open("w+b") as file:
            file.truncate(len(data))
            target = mmap.mmap(file.fileno(), len(data)) if means == "map" else file
            step = len(data) // 8 + 1
            for start in range(0, len(data), step):
                time.sleep(0.3)
                target.seek(start)
                target.write(data[start : start + step])
                target.flush()
                assert rows(folder) == {}
            if means == "map":
                target.close()
        agrees(folder)
    assert scorer.photos == 1


def test_a_writer_that_was_there_before_the_daemon_is_seen_too(folder: Path) -> None:
    """The file is quiet for longer than the quiet time, and yet it is not done."""
    data = photo_bytes(100)
    put(folder / "other.png")
    with (folder / "slow.png").open("wb") as file:
        file.write(data[:50])
        file.flush()
        time.sleep(0.3)
        with running(make_config(folder), FakeScorer()):
            wait_until(lambda: "other.png" in rows(folder))
            time.sleep(0.5)
            assert list(rows(folder)) == ["other.png"]
            file.write(data[50:])
            file.close()
            agrees(folder)


def test_temporary_names_are_never_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scenario 12: rsync, browsers, Syncthing, wget write beside, and rename in the end."""
    opened: list[str] = []
    interrupt(monkeypatch, lambda candidate: opened.append(candidate.path))
    names = {
        ".a.png.Xy12Zq": "a.png",
        "b.png.part": "b.png",
        "c.png.crdownload": "c.png",
        ".syncthing.d.png.tmp": "d.png",
        "~syncthing~e.png.tmp": "e.png",
        "f.tmp": "f.png",
        "~$g.png": "g.png",
        "._h.png": "h.png",
    }
    with watched(folder):
        for temporary in names:
            put(folder / temporary, 50)
        time.sleep(0.5)
        assert opened == []
        for temporary, final in names.items():
            (folder / temporary).rename(folder / final)
    assert sorted(opened) == sorted(names.values())


@pytest.mark.parametrize("seconds", [6.0, pytest.param(120.0, marks=pytest.mark.slow)])
def test_a_file_rewritten_without_end_is_left_alone_and_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """Scenario 13, beside normal traffic; its full form has the real figures."""
    if seconds < 60:
        monkeypatch.setattr("photod.watch.settle.RESTLESS_S", 2.0)
        monkeypatch.setattr("photod.watch.settle.LOOK_S", 1.0)
    opened: list[str] = []
    interrupt(monkeypatch, lambda candidate: opened.append(candidate.path))
    end = time.monotonic() + seconds
    with watched(folder, settle_s=1.0) as config:
        number = 0
        while time.monotonic() < end:
            put(folder / "restless.png", number % 200)
            if number % 4 == 0:
                put(folder / f"{number}.png", number % 200)
            number += 1
            time.sleep(0.25)
        assert folder_status(config)["unstable"] == [str(folder / "restless.png")]
        assert opened.count("restless.png") <= 1
        wait_until(lambda: len(rows(folder)) >= number // 4)
        (folder / "restless.png").unlink()
        ask(config, "rescan")


def test_a_photo_saved_again_and_again_is_scored_a_few_times_and_then_left_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photod.watch.settle.UNSTABLE_S", 10.0)  # longer than all that follows takes
    with watched(folder, scorer := FakeScorer()) as config:
        for level in range(1, 5):
            put(folder / "a.png", 20 * level)
            agrees(folder)
        for level in range(5, 9):
            put(folder / "a.png", 20 * level)
            time.sleep(0.4)
        assert folder_status(config)["unstable"] == [str(folder / "a.png")]
        assert scorer.photos == 4
        (folder / "a.png").unlink()
        ask(config, "rescan")


def test_a_photo_replaced_between_reading_and_commit_gets_the_score_of_its_new_bytes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scenario 14."""
    turns = iter(range(1, 4))

    def replace(candidate: Candidate) -> None:
        if turn := next(turns, 0):
            put(folder.parent / "other.png", 60 * turn).rename(folder / candidate.path)

    interrupt(monkeypatch, replace)
    with watched(folder):
        put(folder / "a.png", 1)


def test_a_photo_rewritten_in_place_after_reading_gets_the_score_of_its_new_bytes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scenarios 14 and 17: same size, and its mtime put back."""
    turns = iter(range(1, 3))

    def rewrite(candidate: Candidate) -> None:
        if turn := next(turns, 0):
            rewrite_unnoticed(folder / candidate.path, 60 * turn)

    interrupt(monkeypatch, rewrite)
    with watched(folder):
        put_padded(folder / "a.png", 1)


def put_padded(path: Path, level: int) -> None:
    """A picture whose file has 200 bytes, whatever it shows: bytes behind its end do not count."""
    path.write_bytes(photo_bytes(level).ljust(200, b"\0"))


def rewrite_unnoticed(path: Path, level: int) -> None:
    before = path.stat()
    put_padded(path, level)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size


def test_a_rewrite_of_the_same_size_with_its_mtime_put_back_is_seen(folder: Path) -> None:
    """Scenario 17, with the daemon watching, and away."""
    put_padded(folder / "a.png", 10)
    put_padded(folder / "b.png", 20)
    with watched(folder):
        rewrite_unnoticed(folder / "a.png", 100)
    rewrite_unnoticed(folder / "b.png", 200)
    with watched(folder):
        pass


def test_a_photo_deleted_mid_batch_keeps_no_other_from_its_score(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scenario 15: the other 63 commit."""
    fill(folder, 64)

    def delete(candidate: Candidate) -> None:
        if candidate.path == "00031.png":
            (folder / candidate.path).unlink()

    interrupt(monkeypatch, delete)
    with watched(folder):
        pass
    assert len(rows(folder)) == 63


def test_a_photo_renamed_mid_batch_costs_no_second_pass(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scenario 16."""
    fill(folder, 20)

    def rename(candidate: Candidate) -> None:
        if candidate.path == "00007.png":
            (folder / candidate.path).rename(folder / "renamed.png")

    interrupt(monkeypatch, rename)
    with watched(folder, scorer := FakeScorer()):
        pass
    assert scorer.photos == 20
    assert "renamed.png" in rows(folder)


def test_another_file_with_the_same_inode_is_another_file(folder: Path) -> None:
    """Scenario 19: ext4 gives a freed inode to the next file that is made."""
    again = False
    with watched(folder) as config:
        for turn in range(20):
            first, second = folder / f"{turn}a.png", folder / f"{turn}b.png"  # one name would soon be unstable
            put_padded(first, turn)
            agrees(folder)
            quiet(config)
            before = first.stat()
            first.unlink()
            put_padded(second, 100 + turn)
            os.utime(second, ns=(before.st_atime_ns, before.st_mtime_ns))
            again = again or second.stat().st_ino == before.st_ino
            agrees(folder)
            second.unlink()
            if turn > 2 and again:
                break
    if not again:
        need("a filesystem that gives an inode out again")


def test_writing_through_one_hard_link_is_seen_at_the_others_at_once(folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / "b").mkdir()
    put(folder / "a/1.png", 10)
    (folder / "b/2.png").hardlink_to(folder / "a/1.png")
    with watched(folder):
        put(folder / "a/1.png", 200)
        agrees(folder)
        (folder / "c.png").hardlink_to(folder / "b/2.png")
        agrees(folder)
        put(folder / "c.png", 50)


def test_writing_through_a_hard_link_from_outside_is_corrected_by_the_next_scan(
    folder: Path, tmp_path: Path
) -> None:
    """Scenario 20."""
    put(folder / "a.png", 10)
    (tmp_path / "outside.png").hardlink_to(folder / "a.png")
    with watched(folder) as config:
        put(tmp_path / "outside.png", 200)
        quiet(config)
        ask(config, "rescan")


def test_copies_that_keep_their_old_times_are_scored_when_complete(folder: Path, tmp_path: Path) -> None:
    """`cp -p` and unpackers put old times on new files; their ctime is new all the same."""
    fill(tmp_path / "old", 30)
    for photo in (tmp_path / "old").iterdir():
        os.utime(photo, (0, 0))
    with watched(folder):
        shutil.copytree(tmp_path / "old", folder / "new")
    assert disagreement(folder) == ""
