"""When the rows of deleted photos go."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from photod.fingerprints import fingerprint_of
from photod.photos import Candidate, Facts, Fingerprint, InputSpec, Judged, ModelIdentity, Scored, Unscoreable
from photod.store.queries import Reader
from photod.store.tombstones import APART_S, FEW, Swept
from photod.store.writer import Writer

DAY = APART_S
DISK = "ef53:1"
SOME = Fingerprint(1, 2, 3, 4)


class Clock:
    """What `time.time` and the boot clock say; both go at the same pace unless one is set."""

    def __init__(self) -> None:
        self.wall = 1_000_000_000.0
        self.boot = 1000.0

    def go(self, seconds: float) -> None:
        self.wall += seconds
        self.boot += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in ("writer", "tombstones"):
        monkeypatch.setattr(f"photod.store.{module}.time.time", lambda: clock.wall)
    monkeypatch.setattr("photod.store.tombstones.time.clock_gettime", lambda _: clock.boot)
    return clock


@pytest.fixture
def writer(folder: Path) -> Iterator[Writer]:
    writer = Writer(folder / ".photod/photos.db")
    writer.use_model(ModelIdentity("fake", "fake", "0" * 64, InputSpec(), "fp32", 1, (("good", "bad"),), 100.0))
    yield writer
    writer.close()


def commit(writer: Writer, folder: Path, count: int, prefix: str = "") -> list[str]:
    paths = [f"{prefix}{number}.jpg" for number in range(count)]
    judged = []
    for path in paths:
        (folder / path).write_text(path)
        fingerprint = fingerprint_of((folder / path).stat())
        verdict = Scored(f"{hash(path) & 2**255:064x}{path}", Facts(1, 1), 5.0, bytes(1024))
        judged.append((Judged(Candidate(str(folder), path, fingerprint), verdict, duplicate=False), True))
    writer.commit(judged)
    return paths


def lose(writer: Writer, folder: Path, paths: list[str]) -> None:
    for path in paths:
        os.unlink(folder / path)
    writer.mark_missing(paths)


def compare(writer: Writer, folder: Path, filesystem: str = DISK, **mounts: str) -> Swept:
    return writer.mark_compared(str(folder), filesystem, mounts)


def missing(writer: Writer) -> int:
    reader = Reader(writer.path)
    try:
        return reader.totals().missing
    finally:
        reader.close()


def test_a_tombstone_goes_when_two_whole_scans_a_day_apart_lacked_the_photo(
    writer: Writer, folder: Path, clock: Clock
) -> None:
    paths = commit(writer, folder, 10)
    compare(writer, folder)
    clock.go(DAY)
    lose(writer, folder, paths[:3])
    compare(writer, folder)
    for _ in range(24):
        assert compare(writer, folder) == Swept()
        clock.go(3600)
        writer.mark_missing(paths[:3])
    assert compare(writer, folder) == Swept(purged=3)
    assert missing(writer) == 0


def test_a_photo_that_came_back_between_is_not_purged(writer: Writer, folder: Path, clock: Clock) -> None:
    paths = commit(writer, folder, 10)
    lose(writer, folder, paths[:1])
    compare(writer, folder)
    clock.go(DAY / 2)
    (folder / paths[0]).touch()
    writer.mark_present(paths[:1])
    clock.go(DAY / 4)
    lose(writer, folder, paths[:1])
    clock.go(DAY / 4)
    assert compare(writer, folder) == Swept()
    clock.go(DAY)
    assert compare(writer, folder) == Swept(purged=1)


def test_many_at_once_wait_for_the_user(writer: Writer, folder: Path, clock: Clock) -> None:
    paths = commit(writer, folder, 2 * FEW)
    compare(writer, folder)
    lose(writer, folder, paths[:FEW])
    clock.go(1)
    for _ in range(4):
        clock.go(DAY)
        swept = compare(writer, folder)
    assert swept == Swept(waiting=FEW)
    assert missing(writer) == FEW
    assert writer.purge(str(folder)) == FEW
    assert missing(writer) == 0


def test_a_part_is_purged_by_itself(writer: Writer, folder: Path) -> None:
    for part in ("part", "partly"):
        (folder / part).mkdir()
        lose(writer, folder, commit(writer, folder, 3, prefix=f"{part}/"))
    lose(writer, folder, commit(writer, folder, 2))
    compare(writer, folder)
    assert writer.purge(str(folder), "part") == 3
    assert missing(writer) == 5


@pytest.mark.parametrize(("lost", "swept"), [(199, Swept(purged=199)), (200, Swept(waiting=200))])
def test_a_fifth_of_a_large_folder_is_the_bound(
    writer: Writer, folder: Path, clock: Clock, lost: int, swept: Swept
) -> None:
    paths = commit(writer, folder, 1000)
    lose(writer, folder, paths[:lost])
    compare(writer, folder)
    clock.go(DAY)
    assert compare(writer, folder) == swept


def test_another_filesystem_confirms_nothing(writer: Writer, folder: Path, clock: Clock) -> None:
    lose(writer, folder, commit(writer, folder, 3))
    compare(writer, folder)
    clock.go(2 * DAY)
    assert compare(writer, folder, "ef53:2") == Swept()
    clock.go(DAY)
    assert compare(writer, folder, "ef53:2") == Swept(purged=3)


def test_a_scan_with_errors_confirms_nothing(writer: Writer, folder: Path, clock: Clock) -> None:
    lose(writer, folder, commit(writer, folder, 3))
    for _ in range(5):
        assert compare(writer, folder, "") == Swept()
        clock.go(DAY)
    assert missing(writer) == 3


def test_what_a_rule_hides_is_kept(writer: Writer, folder: Path, clock: Clock) -> None:
    writer.mark_missing(commit(writer, folder, 3))
    for _ in range(5):
        assert compare(writer, folder) == Swept()
        clock.go(DAY)
    assert writer.purge(str(folder)) == 0
    assert missing(writer) == 3


@pytest.mark.parametrize("step_s", [DAY, 10 * 365 * DAY])
def test_a_wall_clock_set_ahead_ages_no_tombstone(
    writer: Writer, folder: Path, clock: Clock, step_s: float
) -> None:
    """Scenario 24."""
    lose(writer, folder, commit(writer, folder, 3))
    compare(writer, folder)
    clock.wall += step_s
    clock.go(3600)
    assert compare(writer, folder) == Swept()
    clock.wall -= step_s
    clock.go(3600)
    assert compare(writer, folder) == Swept()
    assert missing(writer) == 3


def test_a_wall_clock_set_back_begins_again(writer: Writer, folder: Path, clock: Clock) -> None:
    lose(writer, folder, commit(writer, folder, 3))
    compare(writer, folder)
    clock.wall -= 10 * 365 * DAY
    clock.go(3600)
    assert compare(writer, folder) == Swept()
    clock.go(1)
    lose(writer, folder, commit(writer, folder, 2, "later"))
    clock.go(DAY)
    assert compare(writer, folder) == Swept()
    clock.go(DAY)
    assert compare(writer, folder) == Swept(purged=2)


def test_contents_that_no_photo_has_any_more_go_with_them(writer: Writer, folder: Path, clock: Clock) -> None:
    paths = commit(writer, folder, 4)
    broken = Judged(Candidate(str(folder), "broken.jpg", SOME), Unscoreable("aa", "empty"), duplicate=False)
    writer.commit([(broken, True)])
    writer.mark_missing(["broken.jpg"])
    lose(writer, folder, paths[:2])
    clock.go(2 * DAY)
    assert writer.purge(str(folder)) == 3
    assert writer._db.execute("SELECT count(*) FROM content").fetchone() == (2,)
    assert writer._db.execute("SELECT count(*) FROM embedding").fetchone() == (2,)


def test_bytes_that_were_scored_just_now_are_kept_without_a_photo(
    writer: Writer, folder: Path, clock: Clock
) -> None:
    """Theirs may have been renamed on its way here."""
    lose(writer, folder, commit(writer, folder, 1))
    clock.go(2 * DAY)
    verdict = Scored("aa", Facts(1, 1), 5.0, bytes(1024))
    writer.commit([(Judged(Candidate(str(folder), "renamed.jpg", SOME), verdict, duplicate=False), False)])
    assert writer.purge(str(folder)) == 1
    assert writer._db.execute("SELECT sha256 FROM content").fetchall() == [("aa",)]


def test_while_a_drive_inside_the_folder_is_away_its_photos_keep_their_rows(
    writer: Writer, folder: Path, clock: Clock
) -> None:
    for part in ("nas", "nasty"):
        (folder / part).mkdir()
    paths = commit(writer, folder, 2, "nas/") + commit(writer, folder, 3, "nasty/") + commit(writer, folder, 50)
    compare(writer, folder, nas="ef53:7")
    lose(writer, folder, paths[:5])
    compare(writer, folder)
    clock.go(2 * DAY)
    assert compare(writer, folder) == Swept(purged=3)  # those of `nasty`
    assert writer.purge(str(folder), "na") == 0
    clock.go(2 * DAY)
    assert compare(writer, folder, nas="ef53:8") == Swept()  # another drive lies there
    clock.go(2 * DAY)
    assert compare(writer, folder, nas="ef53:7") == Swept()  # and that one is away now
    assert missing(writer) == 2
    assert writer.purge(str(folder), "nas") == 2
    lose(writer, folder, paths[5:6])
    compare(writer, folder)
    clock.go(2 * DAY)
    assert compare(writer, folder) == Swept(purged=1)
