"""Databases that strangers have made, in folders that came from them."""

import random
import sqlite3
import struct
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from invented_archive import MODEL, bursts, write_archive
from photod.errors import DatabaseError
from photod.photos import EMBEDDING_DTYPE, Fingerprint
from photod.score.scorer import TextVectors, score_stored, scores
from photod.store.care import verify
from photod.store.errors import DamagedError, reading_errors
from photod.store.queries import EVERYTHING, Reader
from photod.store.writer import Writer
from photod_ctl.distinct import rank_scenes
from photod_ctl.folders import Archive
from photod_ctl.neighbours import nearest

PHOTOS = 60
ENDLESS = "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return write_archive(tmp_path, bursts(random.Random(1), PHOTOS, [], 9)).database


def change(database: Path, *statements: str) -> None:
    with closing(sqlite3.connect(database)) as stranger:
        for statement in statements:
            stranger.execute(statement)
        stranger.commit()


def forge(database: Path, kind: str, name: str, table: str, sql: str) -> None:
    """Write into the schema itself what SQLite would refuse: a kind, a name, the table it is of, and its words."""
    change(
        database,
        "PRAGMA writable_schema = ON",
        f"INSERT INTO sqlite_master VALUES ('{kind}', '{name}', '{table}', 0, '{sql}')",
    )


TRIGGER = f"AFTER UPDATE OF current ON model BEGIN UPDATE folder SET compared_at = ({ENDLESS}); END"


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        ([f"CREATE TRIGGER t {TRIGGER}"], "its trigger 't' is not photod's (if you made it, drop it)"),
        (["DROP VIEW scores", "CREATE VIEW Scores AS SELECT 1"], "its view 'Scores' is not photod's"),
        (
            ["ALTER TABLE photo RENAME TO p", f"CREATE VIEW photo AS SELECT * FROM p WHERE ({ENDLESS}) > 0"],
            "is not photod's",
        ),
        (["CREATE VIRTUAL TABLE t USING fts5 (x)"], "its table 't' is not photod's"),
        (["DROP TRIGGER photo_changed"], "it lacks the trigger 'photo_changed'"),
        (["DROP VIEW scores", f"CREATE VIEW scores AS {ENDLESS}"], "view 'scores'"),
        (["PRAGMA user_version = -3"], "its schema is -3"),
    ],
)
def test_a_database_that_would_do_more_than_keep_rows_is_refused(
    database: Path, statements: list[str], words: str
) -> None:
    change(database, *statements)
    for opened in (Reader, Writer):
        with pytest.raises(DatabaseError) as caught:
            opened(database)
        assert words in str(caught.value)
        assert f"move {database}* aside, then start again" in str(caught.value)


@pytest.mark.parametrize("kind", ["trigger", "table", "index", "view", "x"])
@pytest.mark.parametrize(
    ("table", "sql"), [("model", f"CREATE TRIGGER x {TRIGGER}"), ("x", "CREATE VIRTUAL TABLE x USING fts5 (x)")]
)
def test_a_program_is_one_whatever_the_schema_calls_it(database: Path, kind: str, table: str, sql: str) -> None:
    forge(database, kind, "x", table, sql)
    for opened in (Reader, Writer):
        with pytest.raises(DatabaseError, match=r"is not photod's|is damaged"):
            opened(database)


@pytest.mark.parametrize("name", ["mine", "model/**/", "main.model", "IF"])
def test_a_view_is_the_one_that_its_words_make(database: Path, name: str) -> None:
    change(database, "PRAGMA legacy_alter_table = ON", "ALTER TABLE model RENAME TO m")
    words = {"mine": "model", "IF": "IF NOT EXISTS model"}.get(name, name)
    forge(database, "view", name, name, f"CREATE VIEW {words} AS {ENDLESS}")
    for opened in (Reader, Writer):
        with pytest.raises(DatabaseError, match=r"is not photod's|is damaged"):
            opened(database)


def test_tables_indexes_and_views_of_ones_own_are_nobodys_business(database: Path) -> None:
    change(
        database,
        "CREATE TABLE notes (photo, words)",
        "CREATE INDEX notes_by_photo ON notes (photo)",
        'create view "my best" as SELECT * FROM scores WHERE score > 9',
        "CREATE VIEW mine AS SELECT * FROM notes",
        "CREATE VIEW [the worst] (path, score) AS SELECT path, score FROM scores WHERE score < 1",
    )
    assert Reader(database).ranked() == PHOTOS
    Writer(database).close()


VALUES = {
    "content": {"score": "'abc'", "taken_at": "x'00ff'", "camera": "x'ff'", "width": "'wide'", "photos": "'many'"},
    "photo": {"inode": "'none'", "path": "''", "first_seen_at": "1 << 60", "mtime_ns": "9e999"},
    "model": {
        "description": "'{'", "key": "x'00'", "photos": "'many'",
    },
    "embedding": {"vector": "'text'"},
}  # fmt: skip
DESCRIPTIONS = ["'{'", "'[]'", "'{}'", "'null'", "1", f"'{'[' * 100_000}'", "json_set(description, '$.prompts', 1)"]


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [(table, column, value) for table, columns in VALUES.items() for column, value in columns.items()]
    + [("model", "description", value) for value in DESCRIPTIONS]
    + [
        ("photo", "path", "'a' || char(0)"),
        ("model", "photos", "9e999"),
        ("model", "photos", "-1"),
        ("content", "photos", "1 << 31"),
    ],
)
def test_a_value_of_another_kind_is_an_error_of_the_database_and_no_bug(
    database: Path, table: str, column: str, value: str
) -> None:
    change(database, f"UPDATE OR IGNORE {table} SET {column} = {value}")
    with pytest.raises(DatabaseError) as caught:
        ask_everything(Reader(database))
    assert not isinstance(caught.value, DamagedError)
    assert str(database) in str(caught.value)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO suspect VALUES ('aa', 'many')",
        "INSERT INTO mounted VALUES ('../..', 'ext4')",
        "INSERT INTO mounted VALUES ('a', x'00')",
        "UPDATE folder SET confirmed_at = 'today', confirmed_on = 'ext4'",
        "UPDATE folder SET compared_at = 'today'",
        "DROP TABLE mounted",
    ],
)
def test_so_is_one_that_only_the_writer_reads(database: Path, tmp_path: Path, statement: str) -> None:
    change(database, statement, "UPDATE photo SET missing_since = 1")

    def write() -> None:
        with closing(Writer(database)) as writer:
            writer.mark_compared(str(tmp_path), "ext4", {})
            writer.purge(str(tmp_path))

    with pytest.raises(DatabaseError, match=rf"{database}: .*; photod did not write that"):
        write()


def test_a_writer_puts_right_what_it_looks_up_by_another_value(database: Path, tmp_path: Path) -> None:
    """Else a folder without the one row about it ended in a bug, and one without a current model never rested."""
    change(database, "DELETE FROM folder", "UPDATE model SET current = 'yes'", "UPDATE photo SET missing_since = 1")
    with closing(Writer(database)) as writer:
        writer.use_model(MODEL)
        writer.mark_compared(str(tmp_path), "ext4", {})
    assert Reader(database).model_key() == MODEL.key


def test_text_that_is_none_is_damage(database: Path) -> None:
    """One byte of the schema is another: SQLite gives it out as it is."""
    data = database.read_bytes()
    database.write_bytes(data.replace(b"(NEW.state = 'scored'", b"(NEW.state = 'score\xff'"))
    for opened in (Reader, Writer):
        with pytest.raises(DamagedError, match=str(database)):
            opened(database)


def test_what_is_asked_of_one_photo_bears_a_strange_hash_count_and_embedding(database: Path) -> None:
    change(
        database,
        "UPDATE content SET sha256 = 'no hash' WHERE id = 1",
        "UPDATE embedding SET vector = x'ff00ff'",
        "UPDATE model SET photos = 0",
    )
    (ranking,) = rank_scenes([Archive(str(database.parent.parent), database)], 3, EVERYTHING, worst=False)
    assert ranking.places[0].percentile == 100
    assert nearest(Reader(database), ranking.places[0].photo.sha256, 3) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE photo SET inode = 'none'",
        "UPDATE embedding SET vector = 'text'",
        "UPDATE content SET score = 'abc'",
    ],
)
def test_a_thorough_look_meets_them_as_well(database: Path, tmp_path: Path, statement: str) -> None:
    change(database, statement)
    with pytest.raises(DatabaseError, match="in it is none"):
        verify(database, tmp_path, samples=9, score=lambda vectors: [5.0] * len(vectors))


def ask_everything(reader: Reader) -> None:
    reader.model(), reader.earlier_models(), reader.model_key(), reader.compared_at(), reader.totals()
    photos = reader.top(PHOTOS)
    reader.ranked()
    sha256 = photos[0].sha256
    reader.details(photos[0].path)
    reader.verdict(sha256, reader.model_key() or "")
    reader.embedding(sha256)
    for below in ("", "a"):
        sum(reader.scores(below))
        reader.histogram(below)
        reader.means("year", below)
        reader.means("camera", below)
        list(reader.contents(below))
        reader.known(below)
        reader.stale(below)
        reader.missing(below)
        reader.failed(below=below)
    list(reader.all_embeddings())
    reader.paths_of(Fingerprint(1, 2, 3, 4))


def test_a_ranked_photo_has_a_score(database: Path) -> None:
    """Whatever a writer did that checks nothing."""
    change(database, "PRAGMA ignore_check_constraints = ON", "UPDATE content SET score = NULL")
    with pytest.raises(DatabaseError, match="a score in it is none"):
        Reader(database).top(PHOTOS)


@pytest.mark.parametrize("score", ["9e999", "-9e999", "1e9"])
def test_a_score_that_is_none_is_copied_from_nobody(database: Path, score: str) -> None:
    change(database, f"UPDATE content SET score = {score} WHERE id = 1")
    with closing(sqlite3.connect(database)) as asked:
        ((sha256,),) = asked.execute("SELECT sha256 FROM content WHERE id = 1")
    assert Reader(database).verdict(sha256, MODEL.key) is None


class Pretender:
    """Scores as a Scorer does."""

    text = TextVectors(np.eye(16, dtype=np.float32)[:1], np.eye(16, dtype=np.float32)[1:2])

    def score(self, rows: NDArray[np.floating]) -> NDArray[np.float32]:
        return scores(rows, self.text, 100.0)


@pytest.mark.parametrize(
    "vector",
    [
        pytest.param(struct.pack("<e", float("nan")) * 16, id="not a number"),
        pytest.param(struct.pack("<e", float("inf")) * 16, id="infinite"),
        pytest.param(bytes(32), id="zero"),
        pytest.param(b"\x00\x3c" * 15, id="short"),
        pytest.param(b"\x00\x3c" * 15 + b"\x00", id="odd"),
        pytest.param(b"", id="empty"),
        pytest.param("text", id="text"),
    ],
)
def test_an_embedding_that_cannot_be_scored_leaves_its_photo_to_be_read(
    database: Path, vector: bytes | str
) -> None:
    with closing(sqlite3.connect(database)) as stranger, stranger:
        (contents,) = stranger.execute("SELECT count(*) FROM content").fetchone()
        stranger.execute("UPDATE embedding SET vector = ? WHERE content = 3", (vector,))
        stranger.execute("INSERT INTO tower VALUES (7, 'another')")
        stranger.execute("INSERT INTO embedding VALUES (3, 7, x'00')")
    writer = Writer(database)
    writer.use_model(replace(MODEL, prompts=(("nice", "ugly"),)))
    assert writer.rescore(partial(score_stored, Pretender())) == contents - 1  # type: ignore[arg-type]
    writer.close()
    reader = Reader(database)
    assert reader.count_stale() >= 1
    with closing(sqlite3.connect(database)) as asked:
        assert asked.execute("SELECT id FROM content WHERE model = 1").fetchall() == [(3,)]
        assert asked.execute("SELECT tower FROM embedding WHERE content = 3").fetchall() == [(7,)]
    assert EMBEDDING_DTYPE == "<f2", "as the vectors here"


def test_words_that_sqlite_does_not_understand_are_no_fault_of_the_database(database: Path) -> None:
    with closing(sqlite3.connect(database)) as asked:
        with (
            pytest.raises(DatabaseError, match="no such column: x; photod did not write that"),
            reading_errors(database),
        ):
            asked.execute("SELECT x FROM photo")
        with pytest.raises(sqlite3.OperationalError, match="syntax error"), reading_errors(database):
            asked.execute("SELECT path OUT OF photo")
