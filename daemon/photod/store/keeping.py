"""What a database keeps by itself, through triggers: counts, so that nobody has to count; and history.

Whoever writes a photo or a score keeps them true in the same transaction, without knowing of them.
"""

KEPT = 10  # earlier contents of one path; a file may be rewritten every minute for years

_RANKED = "({row}.state = 'scored' AND {row}.missing_since IS NULL)"
_OLD, _NEW = _RANKED.format(row="OLD"), _RANKED.format(row="NEW")


def _photo_triggers(link: str, own: str) -> str:
    """What follows a photo's changes, where its `link` names the content whose `own` is the same."""
    return f"""
CREATE TRIGGER photo_added AFTER INSERT ON photo WHEN {_NEW} BEGIN
    UPDATE content SET photos = photos + 1 WHERE {own} = NEW.{link};
END;
CREATE TRIGGER photo_dropped AFTER DELETE ON photo WHEN {_OLD} BEGIN
    UPDATE content SET photos = photos - 1 WHERE {own} = OLD.{link};
END;
CREATE TRIGGER photo_changed AFTER UPDATE OF {link}, state, missing_since ON photo
WHEN OLD.{link} <> NEW.{link} OR {_OLD} <> {_NEW} BEGIN
    UPDATE content SET photos = photos - {_OLD} WHERE {own} = OLD.{link};
    UPDATE content SET photos = photos + {_NEW} WHERE {own} = NEW.{link};
END;
CREATE TRIGGER photo_rewritten AFTER UPDATE OF {link} ON photo WHEN OLD.{link} <> NEW.{link} BEGIN
    INSERT INTO earlier_content (photo, sha256, score, model, until)
        SELECT OLD.id, sha256, score, model, NEW.committed_at FROM content WHERE {own} = OLD.{link};
    DELETE FROM earlier_content WHERE photo = OLD.id AND id <= (
        SELECT id FROM earlier_content WHERE photo = OLD.id ORDER BY id DESC LIMIT 1 OFFSET {KEPT});
END;
"""


COUNTS_AND_HISTORY = f"""
-- Photos that are scored and there: with these bytes; with a score by this model.
ALTER TABLE content ADD COLUMN photos INTEGER NOT NULL DEFAULT 0;
ALTER TABLE model ADD COLUMN photos INTEGER NOT NULL DEFAULT 0;

DROP INDEX content_by_score;
UPDATE content SET photos = (
    SELECT count(*) FROM photo INDEXED BY photo_by_content
    WHERE photo.sha256 = content.sha256 AND {_RANKED.format(row="photo")});
UPDATE model SET photos = (SELECT coalesce(sum(photos), 0) FROM content WHERE content.model = model.id);

-- Ranks, shares and medians come from this index alone, limits on dates too.
CREATE INDEX content_by_score ON content (model, score DESC, photos, taken_at);
CREATE INDEX photo_missing ON photo (missing_since) WHERE missing_since IS NOT NULL;

CREATE TRIGGER content_counted AFTER UPDATE OF photos, model ON content
WHEN OLD.photos <> NEW.photos OR OLD.model IS NOT NEW.model BEGIN
    UPDATE model SET photos = photos - OLD.photos WHERE id = OLD.model;
    UPDATE model SET photos = photos + NEW.photos WHERE id = NEW.model;
END;

CREATE TABLE earlier_score (
    content     INTEGER NOT NULL REFERENCES content (id) ON DELETE CASCADE,
    model       INTEGER NOT NULL REFERENCES model (id),
    score       REAL NOT NULL,
    scored_at   INTEGER NOT NULL,                 -- seconds since 1970, UTC
    PRIMARY KEY (content, model)
) WITHOUT ROWID;
CREATE TRIGGER score_replaced AFTER UPDATE OF model ON content
WHEN OLD.score IS NOT NULL AND OLD.model IS NOT NEW.model BEGIN
    -- Not OR REPLACE: the statement that fires a trigger overrides how it resolves conflicts.
    DELETE FROM earlier_score WHERE content = OLD.id AND model = OLD.model;
    INSERT INTO earlier_score VALUES (OLD.id, OLD.model, OLD.score, OLD.scored_at);
END;

CREATE TABLE earlier_content (
    id          INTEGER PRIMARY KEY,
    photo       INTEGER NOT NULL REFERENCES photo (id) ON DELETE CASCADE,
    sha256      TEXT NOT NULL,                    -- its content may be gone
    score       REAL,                             -- NULL: could not be decoded
    model       INTEGER REFERENCES model (id),
    until       INTEGER NOT NULL                  -- when the path was committed with other bytes, UTC
);
CREATE INDEX earlier_content_by_photo ON earlier_content (photo, id);
{_photo_triggers("sha256", "sha256")}"""

BY_CONTENT = _photo_triggers("content", "id")
"""The same for photos that name their content by its row."""

FOR_UNCOUNTED = f"""
CREATE TEMP VIEW content AS SELECT *, (
    SELECT count(*) FROM main.photo INDEXED BY photo_by_content
    WHERE photo.sha256 = stored.sha256 AND {_RANKED.format(row="photo")}) AS photos FROM main.content AS stored;
CREATE TEMP VIEW model AS SELECT *, (
    SELECT coalesce(sum(photos), 0) FROM temp.content WHERE content.model = stored.id) AS photos
    FROM main.model AS stored;
CREATE TEMP TABLE earlier_score (content, model, score, scored_at);
CREATE TEMP TABLE earlier_content (id, photo, sha256, score, model, until);
"""
"""What hides the tables of a database without counts and history behind the same with them, for one reader."""

FOR_UNLINKED = """
CREATE TEMP VIEW photo AS SELECT stored.*, named.id AS content
    FROM main.photo AS stored JOIN main.content AS named ON named.sha256 = stored.sha256;
"""
"""The same for a database whose photos name their contents by hash."""
