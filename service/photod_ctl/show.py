"""`photod-ctl show`: everything that is known about one photo."""

import os
import stat
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from photod.errors import UsageError
from photod_ctl.options import MANY, ConfigFile, Json, load

if TYPE_CHECKING:
    from photod.config import Config
    from photod.store.queries import PhotoDetails, Reader
    from photod_ctl.folders import Archive


def show(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A photo.")],
    neighbours: Annotated[
        int,
        typer.Option(
            "--neighbours", min=0, max=MANY, metavar="N", help="How many that are most like it; 0 is quick."
        ),
    ] = 5,
    as_json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Show a photo's score, its place in the archive, and which model gave it when.

    The neighbours are the photos of the archive whose embeddings are nearest, with the cosine. It looks through
    all of them, which takes a second or two for 80,000 photos.

    Example: photod-ctl show photo.jpg --neighbours 10
    """
    from photod_ctl.tables import print_fields, print_json

    settings = load(context, config)
    path = os.path.abspath(os.path.expanduser(file))
    found = _find(path, settings)
    if found is None and os.path.islink(path):  # as photod-ctl top --link makes them
        path = os.path.realpath(path)
        found = _find(path, settings)
    if found is None:
        raise _why_not(file, path)
    archive, reader, details = found
    facts = _facts(archive, reader, details) | {"neighbours": _neighbours(archive, reader, details, neighbours)}
    if as_json:
        print_json(facts)
    else:
        print_fields(_lines(facts))


def _find(path: str, settings: "Config") -> "tuple[Archive, Reader, PhotoDetails] | None":
    from photod.store.queries import Reader
    from photod_ctl.folders import find_archive

    directory, name = os.path.split(path)
    archive = find_archive(os.path.realpath(directory), settings)
    if archive is None:
        return None
    reader = Reader(archive.database)
    details = reader.details(os.path.join(archive.below, name))
    return (archive, reader, details) if details else None


def _why_not(file: str, path: str) -> UsageError:
    """Why nothing is known of what was typed, which means this path."""
    from photod.intake.formats import is_photo_name
    from photod_ctl.folders import refuse_closed
    from photod_ctl.tables import typed

    refuse_closed(path)
    meant = f"{file} leads to {path}, which" if os.path.islink(os.path.expanduser(file)) else file or repr(file)
    if not file or not os.path.lexists(path):
        return UsageError(f"{meant} does not exist", "name a photo")
    if os.path.isdir(path):
        return UsageError(f"{meant} is a folder", "name a photo, or use photod-ctl top")
    if not is_photo_name(os.path.basename(path)):
        return UsageError(f"{meant} is no photo by its name", "name one, such as photo.jpg")
    if closed := _unreadable(meant, path):
        return closed
    remedy = f"run photod-ctl rate {typed(os.path.dirname(path))}; hidden and excluded photos get none"
    return UsageError(f"{meant} has no score yet", remedy)


def _unreadable(meant: str, path: str) -> UsageError | None:
    """Why this path, called `meant`, cannot be scored until it is another file; None where it can be read."""
    from photod_ctl.originals import UnreadableError, reading

    try:
        with reading():
            if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would be waited for
                return UsageError(f"{meant} is no regular file", "name a photo")
            open(path, "rb").close()
    except UnreadableError as error:
        return UsageError(f"{meant} {error}", "check its permissions, and its drive")
    return None


def _facts(archive: "Archive", reader: "Reader", details: "PhotoDetails") -> dict[str, Any]:
    from photod_ctl.ranking import percentile

    higher = total = share = None
    current = reader.model()
    if details.score is not None and details.model == current and details.missing_since is None:
        (higher,), total = reader.higher([details.score]), reader.ranked()
        share = percentile(higher, total)
    facts = details.facts
    copies = [path for path in reader.copies(details.sha256) if path != details.path]
    return {
        "path": os.path.join(archive.folder, details.path),
        "state": details.state,
        "reason": details.reason,
        "score": details.score,
        "rank": None if higher is None else higher + 1,
        "ranked": total,
        "percentile": share,
        "sha256": details.sha256,
        "width": facts.width if facts else None,
        "height": facts.height if facts else None,
        "taken": facts.taken_at if facts else None,
        "camera": facts.camera if facts else None,
        "faults": _faults(reader, details),
        "size": details.size,
        "modified_at": details.mtime,
        "first_seen_at": details.first_seen_at,
        "committed_at": details.committed_at,
        "scored_at": details.scored_at,
        "missed_at": details.missing_since,
        "model": details.model,
        "model_is_current": details.model is not None and details.model == current,
        "earlier_scores": [
            {"score": earlier.score, "scored_at": earlier.scored_at, "model": earlier.model}
            for earlier in reader.earlier_scores(details.sha256)
        ],
        "earlier_contents": [
            {"score": earlier.score, "sha256": earlier.sha256, "replaced_at": earlier.until}
            for earlier in reader.earlier_contents(details.path)
        ],
        "copies": [os.path.join(archive.folder, path) for path in copies],
    }


def _faults(reader: "Reader", details: "PhotoDetails") -> list[str]:
    if details.score is None or details.model is None:
        return []
    from photod_ctl.faults import name_faults

    return name_faults(details.model, details.score, reader.embedding(details.sha256))


def _neighbours(archive: "Archive", reader: "Reader", details: "PhotoDetails", count: int) -> list[dict[str, Any]]:
    if not count or details.score is None:
        return []
    from photod_ctl.neighbours import nearest

    return [
        {"path": os.path.join(archive.folder, photo.path), "cosine": cosine, "score": photo.score}
        for cosine, photo in nearest(reader, details.sha256, count)
    ]


def _lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    model = facts["model"]
    lines = [("photo", facts["path"]), ("cannot be scored", facts["reason"] or "")]
    if facts["score"] is not None:
        lines.append(("score", f"{facts['score']:.2f}"))
        lines.append(("pulled down", ", ".join(facts["faults"])))
    if facts["rank"] is not None:
        place = f"{facts['rank']:,} of {facts['ranked']:,}, percentile {facts['percentile']:.1f}"
        lines.append(("rank", place))
    elif model and not facts["model_is_current"]:
        lines.append(("rank", "none: an earlier model scored it, and the current one has not yet"))
    if model:
        prompts = "; ".join(f"“{good}” against “{bad}”" for good, bad in model["prompts"])
        lines += [
            ("model", _name(model)),
            ("prompts", prompts),
        ]
    lines += [
        ("size", f"{facts['width']} x {facts['height']}, {facts['size']:,} bytes" if facts["width"]
                 else f"{facts['size']:,} bytes"),
        ("taken", facts["taken"] or ""),
        ("camera", facts["camera"] or ""),
        ("changed", _moment(facts["modified_at"])),
        ("first seen", _moment(facts["first_seen_at"])),
        ("scored", _moment(facts["scored_at"])),
        (_absence(facts["path"]), _moment(facts["missed_at"])),
        ("sha256", facts["sha256"]),
    ]  # fmt: skip
    lines += [
        ("earlier score", f"{earlier['score']:.2f} on {_moment(earlier['scored_at'])} by {_name(earlier['model'])}")
        for earlier in facts["earlier_scores"]
    ]
    lines += [("held before", _before(earlier)) for earlier in facts["earlier_contents"]]
    lines += [("same bytes", copy) for copy in facts["copies"]]
    return lines + [("most like it", f"{n['path']} ({n['cosine']:.3f})") for n in facts["neighbours"]]


def _absence(path: str) -> str:
    """What a photo is that was not found: a new pattern in `exclude` hides one that is there."""
    return "left out since" if os.path.lexists(path) else "missing since"


def _name(model: dict[str, Any]) -> str:
    return f"{model['name']} ({model['architecture']}, weights {str(model['weights_sha256'])[:12]})"


def _before(earlier: dict[str, Any]) -> str:
    score = "could not be scored" if earlier["score"] is None else f"score {earlier['score']:.2f}"
    return f"{score}, until {_moment(earlier['replaced_at'])}, sha256 {earlier['sha256'][:12]}"


def _moment(seconds: float | None) -> str:
    return "" if seconds is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
