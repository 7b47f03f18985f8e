"""Rankings of large archives: what they cost, and that the counts which the database keeps are true."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from photod.config import DATABASE_DIRECTORY, DATABASE_NAME
from photod.photos import Candidate, Facts, Fingerprint, InputSpec, Judged, ModelIdentity, Scored, Unscoreable
from photod.store import connection, schema
from photod.store.queries import Bounds, EarlierContent, Reader, Totals
from photod.store.writer import Writer

PRESENT = "photo.state = 'scored' AND photo.missing_since IS NULL"
COUNTED = f"""
    SELECT content.id, content.photos, (SELECT count(*) FROM photo WHERE content = content.id AND {PRESENT})
    FROM content ORDER BY content.id"""
MODEL_COUNTED = f"""
    SELECT model.id, model.photos,
           (SELECT count(*) FROM photo JOIN content USING (sha256) WHERE content.model = model.id AND {PRESENT})
    FROM model"""


def identity(name: str) -> ModelIdentity:
    return ModelIdentity(name, "a", name * 64, InputSpec(), "fp32", 1, (("good", "bad"),), 100.0)


def judged(path: str, sha256: str, score: float | None) -> tuple[Judged, bool]:
    facts = Facts(640, 480, "2020-01-02 03:04:05", "Canon")
    verdict = Unscoreable(sha256, "why") if score is None else Scored(sha256, facts, score, b"\x00\x3c")
    return Judged(Candidate("/f", path, Fingerprint(1, 2, 3, 4)), verdict, duplicate=False), True


@pytest.fixture
def writer(tmp_path: Path) -> Writer:
    return writer_in(tmp_path)


def writer_in(folder: Path) -> Writer:
    writer = Writer(folder / DATABASE_DIRECTORY / DATABASE_NAME)
    writer.use_model(identity("a"))
    return writer


def test_the_counts_are_true_whatever_happens_to_the_photos(writer: Writer) -> None:
    chance = random.Random(7)
    database = sqlite3.connect(writer.path)
    paths = [f"{n}.jpg" for n in range(12)]
    for step in range(200):
        some = chance.sample(paths, 3)
        match chance.randrange(8):
            case 0 | 1 | 2:
                scores = [None if chance.random() < 0.3 else chance.uniform(0, 10) for _ in some]
                writer.commit([judged(p, f"{chance.randrange(9)}", s) for p, s in zip(some, scores, strict=True)])
            case 3:
                writer.mark_missing(some)
            case 4:
                writer.mark_present(some)
            case 5:
                writer.forget_unscoreable()
            case 6:
                writer.use_model(identity(chance.choice("ab")))
            case 7:
                writer.purge("/f")
        for row, kept, true in [*database.execute(COUNTED), *database.execute(MODEL_COUNTED)]:
            assert kept == true, (step, row)
    database.close()


OLDER = pytest.mark.parametrize("version", [schema.KEPT_SINCE - 1, schema.LINKED_SINCE - 1])


@OLDER
def test_a_migration_counts_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int) -> None:
    path = older_database(tmp_path, monkeypatch, version)
    writer = Writer(path)
    database = sqlite3.connect(path)
    rows = [*database.execute(COUNTED), *database.execute(MODEL_COUNTED)]
    assert [kept for _, kept, _ in rows] == [true for _, _, true in rows] == [2, 1, 0, 3]
    database.close()
    writer.close()


@OLDER
def test_an_older_database_that_nobody_brought_up_to_date_is_ranked_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    path = older_database(tmp_path, monkeypatch, version)
    old = answers(Reader(path))
    assert [photo.path for photo in Reader(path).top(9)] == ["c.jpg", "a.jpg", "b.jpg"]
    Writer(path).close()
    assert answers(Reader(path)) == old


def test_a_table_that_is_made_anew_takes_no_history_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = older_database(tmp_path, monkeypatch, schema.LINKED_SINCE - 1)
    database = sqlite3.connect(path)
    database.execute("UPDATE photo SET sha256 = '2', missing_since = 7 WHERE path = 'a.jpg'")
    database.commit()
    old = answers(Reader(path))
    Writer(path).close()
    assert answers(Reader(path)) == old
    assert [earlier.sha256 for earlier in Reader(path).earlier_contents("a.jpg")] == ["1"]
    assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    database.close()


@pytest.mark.parametrize("begun", [False, True])
def test_a_database_that_is_being_made_knows_nothing_yet(tmp_path: Path, begun: bool) -> None:
    path = tmp_path / "photos.db"
    path.touch()
    if begun:
        database = sqlite3.connect(path)
        database.execute("PRAGMA journal_mode = WAL")
        database.close()
    reader = Reader(path)
    assert reader.top(9) == []
    assert reader.model_key() is None
    assert reader.totals() == Totals(0, 0, 0, 0)


def older_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int) -> Path:
    """Three scored photos, two of them alike, and a broken one, as an earlier version kept them."""
    path, current = (tmp_path / place / DATABASE_NAME for place in (DATABASE_DIRECTORY, "current"))
    with monkeypatch.context() as past:
        past.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:version])
        past.setattr(schema, "VERSION", version)
        past.setattr(connection, "VERSION", version)
        Writer(path).close()
    writer = Writer(current)
    writer.use_model(identity("a"))
    writer.commit([judged("a.jpg", "1", 5.0), judged("b.jpg", "1", 5.0), judged("c.jpg", "2", 6.0)])
    writer.commit([judged("d.jpg", "3", None)])
    writer.close()
    database = sqlite3.connect(path)
    database.execute("ATTACH ? AS current", (str(current),))
    for table in ("tower", "model", "content", "embedding", "photo"):
        info = database.execute(f"PRAGMA main.table_info({table})")
        columns = ", ".join(name for _, name, *_ in info if name != "photos")  # counted as photos come
        database.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM current.{table}")
    database.commit()
    database.close()
    return path


def answers(reader: Reader) -> list[object]:
    return [
        reader.top(9), reader.top(9, worst=True), reader.totals(), reader.ranked(), reader.higher([6.0, 5.0]),
        sorted(reader.scores()), reader.means("year"), reader.means("camera"),
        reader.duplicates(), reader.histogram(), reader.earlier_models(), reader.earlier_scores("1"),
        reader.earlier_contents("a.jpg"), reader.embedding("1"), reader.embedding("2"), reader.failed(),
    ]  # fmt: skip


def test_the_scores_of_earlier_models_and_earlier_contents_are_remembered(writer: Writer) -> None:
    writer.commit([judged("a.jpg", "1", 5.0)])
    writer.use_model(identity("b"))
    writer.commit([judged("a.jpg", "1", 7.0)])
    writer.commit([judged("a.jpg", "2", None)])
    reader = Reader(writer.path)
    assert [(e.score, e.model["name"]) for e in reader.earlier_scores("1")] == [(5.0, "a")]
    (before,) = reader.earlier_contents("a.jpg")
    assert before == EarlierContent("1", 7.0, before.until)


def test_earlier_models_and_their_scores_come_latest_first_and_without_the_current_one(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.use_model(identity("0"))  # which never scored anything
    for moment, (model, score) in enumerate({"a": 5.0, "b": 7.0, "c": 6.0}.items()):
        monkeypatch.setattr("photod.store.writer.time.time", lambda moment=moment: moment)
        writer.use_model(identity(model))
        writer.commit([judged("a.jpg", "1", score), judged(f"by-{model}.jpg", model, 1.0)])
    writer.use_model(identity("a"))
    writer.rescore(lambda vectors: [4.0] * len(vectors))
    reader = Reader(writer.path)
    assert [(e.score, e.model["name"]) for e in reader.earlier_scores("1")] == [(6.0, "c"), (7.0, "b")]
    assert [model["name"] for _, model in reader.earlier_models()] == ["c", "b"]


def test_of_a_path_that_is_rewritten_all_the_time_the_last_contents_are_remembered(writer: Writer) -> None:
    for n in range(30):
        writer.commit([judged("a.jpg", f"{n:02}", 5.0)])
    remembered = [earlier.sha256 for earlier in Reader(writer.path).earlier_contents("a.jpg")]
    assert remembered == [f"{n:02}" for n in range(28, 18, -1)]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """20,000 photos in an order that is not that of their hashes."""
    writer = writer_in(tmp_path_factory.mktemp("large"))
    chance = random.Random(1)
    database = sqlite3.connect(writer.path)
    rows = [
        (f"{chance.getrandbits(256):064x}", chance.uniform(0, 10), f"20{n % 20:02}-01-01") for n in range(20_000)
    ]
    database.executemany(
        "INSERT INTO content (sha256, score, taken_at, model, scored_at) VALUES (?, ?, ?, 1, 0)", rows
    )
    database.execute(
        """INSERT INTO photo (path, directory, size, mtime_ns, ctime_ns, inode, content, sha256, state,
                              first_seen_at, committed_at)
           SELECT 'd' || (id % 100) || '/' || id, 'd' || (id % 100), 1, 1, 1, id, id, sha256, 'scored', 0, 0
           FROM content"""
    )
    database.commit()
    database.close()
    return Reader(writer.path)


@pytest.mark.parametrize(
    ("question", "most"),
    [
        (lambda reader, _: reader.top(50), 10),
        (lambda reader, _: reader.top(50, worst=True), 10),
        (lambda reader, _: reader.top(50, bounds=Bounds(since="2005", until="2005")), 40),
        (lambda reader, _: reader.top(50, below="d5"), 40),
        (lambda reader, _: reader.totals(), 1),
        (lambda reader, _: reader.ranked(), 1),
        (lambda reader, _: reader.ranked("d5"), 40),
        (lambda reader, _: reader.higher([9.9, 9.8, 9.7]), 20),
        (lambda reader, _: reader.earlier_models(), 1),
        (lambda reader, _: list(reader.counted_scores(5.0, 5.5)), 20),
        (lambda reader, photo: reader.contents_scored(photo.score), 1),
        (lambda reader, photo: reader.verdict(photo.sha256, reader.model_key()), 1),
        (lambda reader, photo: reader.copies(photo.sha256), 1),
    ],
)
def test_what_is_asked_every_day_looks_at_few_rows(large: Reader, question, most: int) -> None:  # type: ignore[no-untyped-def]
    (photo,) = large.top(1)
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    large._db.set_progress_handler(count, 1000)  # of SQLite's machine: a row costs ten or so
    question(large, photo)
    assert steps <= most, "thousand steps"


def test_statistics_of_when_it_was_young_mislead_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An earlier photod had SQLite keep some; this one drops them, and keeps none."""
    old, fresh = older_database(tmp_path, monkeypatch, 8), tmp_path / "fresh" / DATABASE_NAME
    with closing(sqlite3.connect(old)) as database:
        database.execute("ANALYZE")
    with closing(sqlite3.connect(old)) as database:
        assert database.execute("SELECT count(*) FROM sqlite_stat1").fetchone() > (0,)
    for path in (old, fresh):
        writer = Writer(path)
        writer.use_model(identity("a"))
        for number in range(50):
            writer.commit([judged(f"new/{number}.jpg", f"{number:064x}", 5.0)])
        writer.close()
    assert plans(old) == plans(fresh)
    for path in (old, fresh):
        with closing(sqlite3.connect(path)) as database:
            names = database.execute("SELECT name FROM sqlite_master WHERE name LIKE 'sqlite\\_stat%' ESCAPE '\\'")
            assert names.fetchall() == []


def plans(path: Path) -> list[tuple[str, list[str]]]:
    """How SQLite finds the answers to all questions."""
    reader = Reader(path)
    asked: list[str] = []
    reader._db.set_trace_callback(asked.append)
    answers(reader)
    for below in ("", "new"):
        reader.known(below)
        reader.failed(below=below)
        reader.stale(below)
        reader.count_stale(below)
        reader.top(9, below=below)
        list(reader.contents(below))
        reader.duplicates(below)
        reader.missing(below)
    reader.details("a.jpg")
    reader.verdict("of none", reader.model_key() or "")
    reader.copies("1")
    reader.paths_of(Fingerprint(1, 2, 3, 4))
    reader._db.set_trace_callback(None)
    found = [(sql, [row[3] for row in reader._db.execute(f"EXPLAIN QUERY PLAN {sql}")]) for sql in asked]
    reader.close()
    return found
