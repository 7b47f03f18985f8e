"""The whole journey in one process: real files, real SQLite, real decoders, a fake scorer."""

import os
import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from structlog.testing import capture_logs

from fake_scorer import FakeScorer, SlowScorer
from machine import need
from photod import pipeline
from photod.config import Folder, Intake, Model
from photod.errors import DatabaseError, UsageError
from photod.intake.memory import PhotoMemory
from photod.intake.read import ReadPhoto, read_photo
from photod.photos import Candidate, Passed, Verdict
from photod.store.queries import Reader
from pictures import make_photo
from processes import children
from running import make_config, ranking, running, score_once
from waiting import PATIENCE_S, wait_until
from watching import ask

SEVERAL = Intake(decoders=3)


def reader(folder: Path) -> Reader:
    return Reader(Folder(path=folder).database_path)


def test_every_photo_of_a_tree_is_scored_and_nothing_else(folder: Path) -> None:
    make_photo(folder / "bright.png", 255)
    make_photo(folder / "2019/summer/dark.jpg", 0)
    make_photo(folder / ".hidden/secret.png")
    (folder / "notes.txt").write_text("not a photo")
    score_once(folder, scorer := FakeScorer())
    assert ranking(folder) == pytest.approx({"bright.png": 10.0, "2019/summer/dark.jpg": 0.0}, abs=0.05)
    assert scorer.photos == 2


def test_a_second_run_reads_nothing(folder: Path, reads: list[str]) -> None:
    make_photo(folder / "a.png")
    (folder / "broken.jpg").write_bytes(b"no picture")
    score_once(folder, FakeScorer())
    assert sorted(reads) == ["a.png", "broken.jpg"]
    score_once(folder, scorer := FakeScorer())
    assert len(reads) == 2
    assert scorer.photos == 0


def test_a_slip_in_the_name_of_a_subdirectory_scores_nothing_of_the_archive(folder: Path) -> None:
    make_photo(folder / "2019/a.png", 100)
    score_once(folder, FakeScorer())
    make_photo(folder / "2020/b.png", 90)
    with pytest.raises(UsageError, match="2021 is not a folder; name one that is in"):
        score_once(folder / "2021", FakeScorer(), make_config(folder))
    assert set(ranking(folder)) == {"2019/a.png"}
    score_once(folder / "2020", FakeScorer(), make_config(folder))
    assert set(ranking(folder)) == {"2019/a.png", "2020/b.png"}


def test_a_touched_photo_is_read_again_but_not_scored_again(folder: Path, reads: list[str]) -> None:
    photo = make_photo(folder / "a.png", 100)
    make_photo(folder / "b.png", 90)
    score_once(folder, FakeScorer())
    reads.clear()
    photo.touch()
    score_once(folder, scorer := FakeScorer())
    assert reads == ["a.png"]
    assert scorer.photos == 0
    details = reader(folder).details("a.png")
    assert details is not None
    assert details.mtime == pytest.approx(photo.stat().st_mtime)


def test_a_photo_of_a_time_that_no_database_can_hold_is_scored_like_any_other(
    folder: Path, reads: list[str]
) -> None:
    photo = make_photo(folder / "a.png")
    os.utime(photo, (0, 10_400_000_000))  # in the year 2299
    if photo.stat().st_mtime != 10_400_000_000:
        need("a filesystem that keeps such times")
    for _ in range(2):
        score_once(folder, FakeScorer())
    assert reads == ["a.png"]
    assert len(ranking(folder)) == 1


def test_a_changed_photo_gets_the_score_of_its_new_bytes(folder: Path) -> None:
    make_photo(folder / "a.png", 10)
    score_once(folder, FakeScorer())
    make_photo(folder / "a.png", 200)
    score_once(folder, FakeScorer())
    assert ranking(folder)["a.png"] == pytest.approx(10 * 200 / 255, abs=0.05)


def test_copies_are_scored_once_even_when_they_arrive_together(folder: Path) -> None:
    original = make_photo(folder / "a.png", 77)
    for number in range(20):
        shutil.copy(original, folder / f"copy {number}.png")
    score_once(folder, scorer := FakeScorer(), make_config(folder, intake=SEVERAL))
    assert scorer.photos == 1
    assert len(ranking(folder)) == 21
    assert len(set(ranking(folder).values())) == 1


def test_a_copy_in_another_folder_costs_no_model(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    original = make_photo(tmp_path / "first/a.png", 77)
    config = make_config(tmp_path / "first", tmp_path / "second")
    with running(config, scorer := FakeScorer()):
        wait_until(lambda: "a.png" in ranking(tmp_path / "first"))
        shutil.copy(original, tmp_path / "second/b.png")
        wait_until(lambda: "b.png" in ranking(tmp_path / "second"))
    assert scorer.photos == 1
    assert ranking(tmp_path / "second")["b.png"] == ranking(tmp_path / "first")["a.png"]


@pytest.mark.parametrize("when", ["at the start", "later"])
def test_another_folders_database_that_cannot_be_read_stops_nothing(
    when: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    make_photo(other / "b.png", 3)
    score_once(other, FakeScorer())
    really_ask = Reader.verdict

    def ask(self: Reader, sha256: str, model_key: str) -> Verdict | None:
        if when == "later" and self.path.is_relative_to(other):
            raise DatabaseError("disk I/O error")
        return really_ask(self, sha256, model_key)

    monkeypatch.setattr(Reader, "verdict", ask)
    if when == "at the start":
        (other / ".photod/photos.db").write_bytes(b"no database" * 1000)
    make_photo(folder / "a.png")
    make_photo(folder / "c.png", 9)
    with capture_logs() as told:
        score_once(folder, FakeScorer(), make_config(folder, other))
    assert ranking(folder).keys() == {"a.png", "c.png"}
    assert [record["event"] for record in told].count("other_folder_unreadable") == 1


def test_what_cannot_be_decoded_is_listed_with_its_reason_and_stops_nothing(folder: Path) -> None:
    make_photo(folder / "good.png")
    (folder / "corrupt.jpg").write_bytes(b"\xff\xd8\xff\xe0" + b"garbage" * 100)
    (folder / "empty.png").touch()
    score_once(folder, FakeScorer())
    assert list(ranking(folder)) == ["good.png"]
    failed = {photo.path: photo.reason for photo in reader(folder).failed()}
    assert failed.keys() == {"corrupt.jpg", "empty.png"}
    assert all(failed.values())


def test_an_unscoreable_photo_is_not_tried_again_until_it_changes(folder: Path) -> None:
    (folder / "a.jpg").write_bytes(b"\xff\xd8 not yet")
    score_once(folder, FakeScorer())
    first = reader(folder).details("a.jpg")
    score_once(folder, FakeScorer())
    assert reader(folder).details("a.jpg") == first
    make_photo(folder / "a.jpg", 50)
    score_once(folder, FakeScorer())
    assert "a.jpg" in ranking(folder)
    assert reader(folder).failed() == []


def test_a_retry_under_wider_limits_is_not_undone_by_a_copy_in_another_folder(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for each in folders:
        each.mkdir()
        make_photo(each / "large.png", 90, size=(1200, 1000))
    with running(narrow := make_config(*folders, intake={"max_megapixels": 1}), FakeScorer()):
        wait_until(lambda: [s["unscoreable"] for s in ask(narrow, "status")["folders"]] == [1, 1])
    with running(config := make_config(*folders), scorer := FakeScorer()):
        for each in folders:
            ask(config, "rate", folder=str(each), retry=True)
            assert "large.png" in ranking(each)
    assert scorer.photos == 1
    assert all(reader(each).failed() == [] for each in folders)


def test_names_of_every_kind_keep_their_bytes(folder: Path) -> None:
    names = [
        "with space.png",
        "new\nline.png",
        "写真.png",
        "nai\u0308ve.png",
        "\udcff\udcfe.png",
        "tab\t.png",
        "-n.png",
    ]
    for level, name in enumerate(names):
        make_photo(folder / name, level * 20)
    score_once(folder, FakeScorer())
    scores = ranking(folder)
    assert scores.keys() == set(names)
    assert scores["写真.png"] == pytest.approx(10 * 40 / 255, abs=0.05)


def test_a_deleted_photo_leaves_the_ranking_and_returns_without_the_model(folder: Path) -> None:
    make_photo(folder / "keep.png", 1)
    photo = make_photo(folder / "a.png", 9)
    score_once(folder, FakeScorer())
    photo.rename(folder.parent / "a.png")
    score_once(folder, FakeScorer())
    assert list(ranking(folder)) == ["keep.png"]
    (folder.parent / "a.png").rename(photo)
    score_once(folder, scorer := FakeScorer())
    assert "a.png" in ranking(folder)
    assert scorer.photos == 0


def test_a_photo_that_lands_is_scored_while_the_daemon_watches(folder: Path) -> None:
    with running(make_config(folder), FakeScorer()):
        (folder / "new").mkdir()
        make_photo(folder / "new/a.png", 128)
        make_photo(folder / "b.png", 255)
        wait_until(lambda: ranking(folder).keys() == {"new/a.png", "b.png"})
        (folder / "b.png").rename(folder / "new/c.png")
        wait_until(lambda: ranking(folder).keys() == {"new/a.png", "new/c.png"})


def test_a_stop_has_what_was_decoded_scored_and_committed(folder: Path) -> None:
    make_photo(folder / "0.png", 1)
    with running(make_config(folder), scorer := SlowScorer()) as daemon:
        assert scorer.asked.wait(30)
        for number in range(1, 4):
            make_photo(folder / f"{number}.png", 10 * number)
        pipeline = daemon._pipeline
        assert pipeline is not None
        wait_until(lambda: pipeline.queue()["scoring"] == 3)
        daemon.stop()
        wait_until(lambda: not any(thread.is_alive() for thread in pipeline._threads["decode"]))
        scorer.may.set()
    assert len(ranking(folder)) == 4


class TardyScorer(FakeScorer):
    """Makes 50 photos a second at most."""

    def embed(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        time.sleep(len(pixels) / 50)
        return super().embed(pixels)


def test_a_slow_device_is_given_no_more_at_once_than_a_stop_has_time_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "DRAIN_MODEL_S", 0.2)
    for level in range(150):
        make_photo(folder / f"{level}.png", level)
    score_once(folder, scorer := TardyScorer())
    assert scorer.photos == 150
    assert max(scorer.batches[1:]) <= 10


def test_when_nothing_has_come_for_a_while_neither_model_nor_decoders_are_left(folder: Path) -> None:
    config = make_config(folder, settle_s=2.0, model=Model(idle_release_s=0.1))  # who looks later sees it settled
    with running(config, scorer := FakeScorer()):
        make_photo(folder / "a.png")
        wait_until(lambda: "a.png" in ranking(folder))
        assert scorer.released.wait(30)
        wait_until(lambda: not children("photod.intake.worker"))
        scorer.released.clear()
        prepared = scorer.prepared
        make_photo(folder / "b.png", 3)  # work brings them back, and rest takes them away again
        wait_until(lambda: "b.png" in ranking(folder))
        assert scorer.prepared > prepared  # while it settled
        assert scorer.released.wait(30)
        wait_until(lambda: not children("photod.intake.worker"))


def test_a_changed_prompt_rescores_from_the_embeddings_alone(folder: Path) -> None:
    make_photo(folder / "a.png", 100)
    score_once(folder, before := FakeScorer())

    class Inverted(FakeScorer):
        def score(self, embeddings):  # type: ignore[no-untyped-def]
            return 10 - super().score(embeddings)

    after = Inverted()
    after.identity = replace(before.identity, prompts=(("dark", "bright"),))
    score_once(folder, after)
    assert after.photos == 0
    assert ranking(folder)["a.png"] == pytest.approx(10 - 1000 / 255, abs=0.05)


def test_another_model_scores_everything_again_and_is_never_ranked_with_the_old_one(folder: Path) -> None:
    make_photo(folder / "a.png", 100)
    make_photo(folder / "b.png", 200)
    score_once(folder, FakeScorer())
    other = FakeScorer("other")
    other.identity = replace(other.identity, weights_sha256="1" * 64)
    score_once(folder, other)
    assert other.photos == 2
    assert reader(folder).totals().scored == 2
    assert reader(folder).totals().stale == 0


def test_scores_stay_with_their_photos_when_members_of_a_batch_fail(folder: Path) -> None:
    for level in range(0, 250, 2):
        make_photo(folder / f"{level:03}.png", level)
        (folder / f"{level:03} broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes([level]) * level)
    score_once(folder, FakeScorer(), make_config(folder, intake=SEVERAL))
    scores = ranking(folder)
    assert len(scores) == 125
    for path, score in scores.items():
        assert score == pytest.approx(10 * int(path[:3]) / 255, abs=0.01), path


def test_at_a_stop_a_read_that_hangs_holds_nobody_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a network drive: the others are committed, and the databases closed, which harms it in nothing."""
    hangs, goes_on = threading.Event(), threading.Event()

    def read(candidate: Candidate, max_bytes: int, memory: PhotoMemory) -> ReadPhoto | Passed:
        if candidate.path == "b.png":
            hangs.set()
            goes_on.wait(PATIENCE_S)
        return read_photo(candidate, max_bytes, memory)

    monkeypatch.setattr(pipeline, "read_photo", read)
    monkeypatch.setattr(pipeline, "BATCH_WAIT_S", PATIENCE_S)  # it is waited for, until the stop
    for level, name in enumerate(("a.png", "b.png")):
        make_photo(folder / name, level)
    with capture_logs() as told, running(make_config(folder), FakeScorer()) as daemon:
        wait_until(lambda: hangs.is_set() and daemon._pipeline and daemon._pipeline.queue()["scoring"] == 1)
    assert [record for record in told if record["event"] == "not_drained"] == []
    assert ranking(folder).keys() == {"a.png"}
    goes_on.set()
    wait_until(lambda: not any(thread.name.startswith("read-") for thread in threading.enumerate()))
    assert daemon._crew.failure is None
