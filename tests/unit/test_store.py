import errno
import os
import resource
import sqlite3
import stat
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from other_program import opened
from photod.config import Config
from photod.errors import BusyError, DatabaseError
from photod.photos import (
    Candidate,
    Facts,
    Fingerprint,
    InputSpec,
    Judged,
    KnownPhoto,
    ModelIdentity,
    Scored,
    Unscoreable,
)
from photod.store import schema
from photod.store.connection import open_writable
from photod.store.errors import database_errors
from photod.store.queries import Reader
from photod.store.writer import Writer

MODEL = ModelIdentity("m", "a", "0" * 64, InputSpec(), "fp32", 1, (("good", "bad"),), 100.0)
SOME = Fingerprint(1, 2, 3, 4)


def scored(path: str, sha256: str, score: float, fingerprint: Fingerprint = SOME) -> tuple[Judged, bool]:
    verdict = Scored(sha256, Facts(640, 480, "2020-01-02 03:04:05", "Canon"), score, b"\x00\x3c")
    return Judged(Candidate("/f", path, fingerprint), verdict, duplicate=False), True


@pytest.fixture
def writer(tmp_path: Path) -> Writer:
    writer = Writer(tmp_path / ".photod/photos.db")
    writer.use_model(MODEL)
    return writer


@pytest.fixture
def reader(writer: Writer) -> Reader:
    return Reader(writer.path)


def test_a_ranking_is_best_first_and_counts_copies(writer: Writer, reader: Reader) -> None:
    writer.commit([scored("a/1.jpg", "aa", 3.0), scored("b.jpg", "bb", 7.0), scored("a/2.jpg", "aa", 3.0)])
    assert [(p.path, p.score) for p in reader.top(9)] == [("b.jpg", 7.0), ("a/1.jpg", 3.0), ("a/2.jpg", 3.0)]
    assert [p.path for p in reader.top(9, below="a")] == ["a/1.jpg", "a/2.jpg"]
    assert reader.ranked() == 3
    assert reader.higher([7.0, 3.0, 1.0]) == [0, 1, 3]


def test_a_subdirectory_does_not_include_one_whose_name_continues_it(writer: Writer, reader: Reader) -> None:
    writer.commit([scored("a/x.jpg", "1", 1), scored("a-b/x.jpg", "2", 2), scored("a0/x.jpg", "3", 3)])
    writer.commit([scored("a/b/\udcff.jpg", "4", 4), scored("a/\udcff/x.jpg", "5", 5)])
    assert {p.sha256 for p in reader.top(9, below="a")} == {"1", "4", "5"}


def test_bytes_are_shown_by_their_first_photo_in_the_part_that_is_meant(writer: Writer, reader: Reader) -> None:
    writer.commit([scored(path, "aa", 5.0) for path in ("b/2.jpg", "a.jpg", "b/1.jpg")])
    ((content, *_),) = reader.contents()
    shown = [reader.photo_of(content, below) for below in ("", "b", "c")]
    assert [photo and photo.path for photo in shown] == ["a.jpg", "b/1.jpg", None]


def test_a_name_that_is_not_utf8_is_kept_as_bytes(writer: Writer, reader: Reader) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    writer.commit([scored(name, "aa", 5.0)])
    assert [path for path, *_ in reader.known("")] == [name]
    assert reader.top(1)[0].path == name
    with opened(writer.path) as database:
        assert database.execute("SELECT typeof(path), path FROM photo").fetchone() == ("blob", b"caf\xe9.jpg")


def test_a_fingerprint_comes_back_as_it_went_in(writer: Writer, reader: Reader) -> None:
    extreme = Fingerprint(2**40, 2**62, -1, 2**64 - 1)  # network filesystems use all bits of an inode
    writer.commit([scored("a.jpg", "aa", 5.0, extreme)])
    assert reader.known("") == [("a.jpg", *extreme, 0, 0)]


def test_a_photo_that_changed_meanwhile_gets_no_row_but_its_bytes_keep_their_verdict(
    writer: Writer, reader: Reader
) -> None:
    judged, _ = scored("a.jpg", "aa", 5.0)
    writer.commit([(judged, False)])
    assert reader.known("") == []
    assert reader.verdict("aa", MODEL.key) == judged.verdict


def test_the_verdict_of_another_model_is_no_answer(writer: Writer, reader: Reader) -> None:
    writer.commit([scored("a.jpg", "aa", 5.0)])
    assert reader.verdict("aa", "another key") is None


def test_an_unscoreable_verdict_is_found_again_until_it_is_forgotten(writer: Writer, reader: Reader) -> None:
    verdict = Unscoreable("cc", "truncated")
    writer.commit([(Judged(Candidate("/f", "c.jpg", SOME), verdict, duplicate=False), True)])
    assert reader.verdict("cc", MODEL.key) == verdict
    assert writer.forget_unscoreable() == {""}
    assert reader.verdict("cc", MODEL.key) is None
    assert reader.failed() == []


def test_a_part_is_forgotten_with_the_copies_that_share_its_verdicts(writer: Writer, reader: Reader) -> None:
    contents = {"part/a.jpg": "aa", "part/b.jpg": "bb", "c.jpg": "aa", "partly/d.jpg": "dd"}
    for path, sha256 in contents.items():
        verdict = Unscoreable(sha256, "truncated")
        writer.commit([(Judged(Candidate("/f", path, SOME), verdict, duplicate=False), True)])
    assert [photo.path for photo in reader.failed(below="part")] == ["part/a.jpg", "part/b.jpg"]
    assert writer.forget_unscoreable("part") == {"part", ""}
    assert [photo.path for photo in reader.failed()] == ["partly/d.jpg"]


def test_a_retry_says_nothing_that_sqlite_3_34_does_not_know(writer: Writer) -> None:
    """As RHEL 9 has it. The error would be taken for a mistake in the database."""
    asked: list[str] = []
    writer._db.set_trace_callback(asked.append)
    writer.forget_unscoreable()
    assert any("DELETE" in sql for sql in asked)
    assert not any("RETURNING" in sql for sql in asked)


def test_the_view_for_other_programs_gives_path_score_size_and_mtime(writer: Writer) -> None:
    writer.commit([scored("a.jpg", "aa", 5.0, Fingerprint(123, 4_500_000_000, 0, 9))])
    writer.commit([(Judged(Candidate("/f", "c.jpg", SOME), Unscoreable("cc", "no"), duplicate=False), True)])
    with opened(writer.path) as database:
        assert database.execute("SELECT path, score, size, mtime FROM scores").fetchall() == [
            ("a.jpg", 5.0, 123, 4.5)
        ]


def test_missing_photos_are_not_ranked_and_come_back_as_they_were(writer: Writer, reader: Reader) -> None:
    writer.commit([scored("a.jpg", "aa", 5.0)])
    writer.mark_missing(["a.jpg"])
    assert (reader.top(9), reader.copies("aa"), reader.directories(), list(reader.all_embeddings())) == (
        [],
        [],
        [],
        [],
    )
    assert reader.totals().missing == 1
    writer.mark_present(["a.jpg"])
    assert [p.path for p in reader.top(9)] == ["a.jpg"]


def test_a_photo_that_was_missing_and_comes_back_as_another_is_there(writer: Writer, reader: Reader) -> None:
    writer.commit([scored("a.jpg", "aa", 5.0)])
    writer.mark_missing(["a.jpg"])
    writer.commit([scored("a.jpg", "bb", 6.0)])
    assert [p.score for p in reader.top(9)] == [6.0]


def test_bytes_keep_the_score_that_a_model_gave_them_first(writer: Writer, reader: Reader) -> None:
    writer.commit([scored("a.jpg", "aa", 5.0)])
    writer.commit([scored("copy.jpg", "aa", 6.0)])
    assert [p.score for p in reader.top(9)] == [5.0, 5.0]


def test_scores_of_an_earlier_model_are_stale_and_not_ranked(writer: Writer, reader: Reader) -> None:
    writer.commit([scored("a.jpg", "aa", 5.0)])
    other = ModelIdentity("n", "a", "1" * 64, InputSpec(), "fp32", 1, (("good", "bad"),), 100.0)
    writer.use_model(other)
    assert (reader.top(9), list(reader.given())) == ([], [])
    assert Reader(writer.path, MODEL.key).top(9)[0].score == 5.0
    assert Reader(writer.path, "another key").top(9) == []
    assert reader.totals().stale == 1
    assert reader.known("") == [KnownPhoto("a.jpg", *SOME, stale=1)]
    assert writer.rescore(lambda vectors: [1.0] * len(vectors)) == 0  # another tower: nothing to reuse
    writer.use_model(MODEL)
    assert (reader.top(9)[0].score, list(reader.given())) == (5.0, [5.0])  # going back costs nothing


def test_a_model_has_the_name_that_it_was_given_last(writer: Writer, reader: Reader) -> None:
    """A weights file that was moved is the same model, and scores what it scored."""
    writer.commit([scored("a.jpg", "aa", 5.0)])
    writer.use_model(replace(MODEL, name="/moved/m"))
    assert reader.model() == replace(MODEL, name="/moved/m").as_dict() | {"prompts": [["good", "bad"]]}
    assert [p.path for p in reader.top(9)] == ["a.jpg"]


def test_what_fails_while_the_tables_are_made_is_told_as_it_is(tmp_path: Path) -> None:
    """And not that there is nothing to roll back. A used up quota looks to SQLite like this limit: as an error."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 10, before[1]))
    try:
        with pytest.raises(DatabaseError, match=r"disk I/O error.*quota"):
            Writer(tmp_path / ".photod/photos.db")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_the_second_writer_is_told_who_holds_the_lock(writer: Writer) -> None:
    with pytest.raises(BusyError, match=f"process {os.getpid()}"):
        Writer(writer.path)
    writer.close()
    Writer(writer.path).close()


def test_a_lock_names_its_holder_alone_whoever_had_it_before(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.write_text("photod, process 4194304, or more")
    with closing(Writer(tmp_path / "photos.db")):
        assert lock.read_text() == f"photod, process {os.getpid()}"


def test_a_lock_that_could_not_be_labelled_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(DatabaseError, match="free some space"):
            Writer(tmp_path / ".photod/photos.db")
    Writer(tmp_path / ".photod/photos.db").close()


def test_an_error_inside_a_commit_leaves_nothing_of_it(writer: Writer, reader: Reader) -> None:
    with pytest.raises(DatabaseError, match=str(writer.path)):
        writer.commit([scored("a.jpg", "aa", 5.0), scored("b.jpg", "bb", 1.0, Fingerprint(None, 2, 3, 4))])  # type: ignore[arg-type]
    assert reader.top(9) == []
    assert reader.verdict("aa", MODEL.key) is None
    writer.commit([scored("a.jpg", "aa", 5.0)])
    assert len(reader.top(9)) == 1


def test_a_directory_that_cannot_be_written_is_answered_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / ".photod").write_text("a file in the way")
    with pytest.raises(DatabaseError, match=r"photos\.db"):
        Writer(tmp_path / ".photod/photos.db")


def _readonly() -> sqlite3.Error:
    error = sqlite3.OperationalError("attempt to write a readonly database")
    error.sqlite_errorname = "SQLITE_READONLY"
    return error


@pytest.mark.parametrize(
    ("place", "remedy"),
    [
        ("photos/.photod", 'set database = "state" for this folder'),
        ("state/photod/folders/1", "set XDG_STATE_HOME to a writable directory"),
    ],
)
@pytest.mark.parametrize("error", [PermissionError(errno.EACCES, "Permission denied"), _readonly()])
def test_the_remedy_for_a_place_that_cannot_be_written_is_another_place(
    home: Path, place: str, remedy: str, error: Exception
) -> None:
    with pytest.raises(DatabaseError) as caught, database_errors(home / place / "photos.db"):
        raise error
    assert caught.value.remedy == f"make its directory writable, or {remedy}"


@pytest.mark.parametrize("name", ["photos.db", "photos.db-wal"])
def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """As after somebody else has copied a backup there."""
    (tmp_path / "photos.db").touch()
    (tmp_path / name).touch()
    monkeypatch.setattr(os, "access", lambda file, _: file != tmp_path / name)
    with pytest.raises(DatabaseError) as caught, database_errors(tmp_path / "photos.db"):
        raise _readonly()
    assert caught.value.remedy == f"make {tmp_path / name} writable for the user that photod runs as"


@pytest.mark.parametrize("name", [".", "lock", "photos.db"])
@pytest.mark.parametrize("exists", [True, False])
def test_no_link_leads_what_photod_writes_elsewhere(tmp_path: Path, name: str, exists: bool) -> None:
    elsewhere, link = tmp_path / "precious", tmp_path / ".photod" / name
    if name != ".":
        link.parent.mkdir()
    if exists:
        elsewhere.write_text("kept") if name != "." else elsewhere.mkdir()
    link.symlink_to(elsewhere)
    with pytest.raises(DatabaseError, match=r"symlink.*take the link away") as refusal:
        Writer(tmp_path / ".photod/photos.db")
    assert str(link) in str(refusal.value)
    assert link.is_symlink()
    assert elsewhere.exists() == exists
    if elsewhere.is_file():
        assert elsewhere.read_text() == "kept"
    elif exists:
        assert list(elsewhere.iterdir()) == []


def test_the_writers_connection_is_as_its_comments_say(tmp_path: Path) -> None:
    expected = {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1, "wal_autocheckpoint": 16000}
    mask = os.umask(0o002)
    try:
        with closing(open_writable(tmp_path / "photos.db")) as database:
            said = {name: database.execute(f"PRAGMA {name}").fetchone()[0] for name in expected}
    finally:
        os.umask(mask)
    assert said == expected
    assert stat.S_IMODE((tmp_path / "photos.db").stat().st_mode) == 0o664


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / ".photod/photos.db"
    Writer(path).close()

    def half(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE half_done (x)")
        connection.execute("INSERT INTO missing VALUES (1)")

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, half))
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    with pytest.raises(DatabaseError):
        Writer(path)
    with opened(path) as database:
        assert schema.user_version(database) == schema.VERSION - 1
        assert not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'half_done'").fetchall()


def test_the_default_group_is_what_the_design_promises() -> None:
    assert Config().store.group == 256
