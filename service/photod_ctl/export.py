"""`photod-ctl export`: ratings where photographers see them."""

import errno
import warnings
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from photod.errors import FULL, UsageError
from photod_ctl.options import ConfigFile, Folders, Json, load
from photod_ctl.originals import UnreadableError, chunks, unwritten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from photod_ctl.folders import Archive
    from photod_ctl.ranking import Place

    Put = Callable[[Path, bytes | None], None]

STARS = "99,95,80,50"
NAMES = ("digikam", "darktable", "lightroom")
OUTCOMES = ("rated", "unchanged", "removed", "unrated", "kept", "vanished", "failed")  # of a sidecar
_EXIF_RATING = 0x4746


def export(  # noqa: PLR0913, PLR0917 - the options that it has
    context: typer.Context,
    folders: Folders = None,
    xmp: Annotated[bool, typer.Option("--xmp", help="Write XMP sidecars with stars.")] = False,
    stars: Annotated[
        str, typer.Option("--stars", metavar="P,P,P,P", help="Percentiles from which on there are 5, 4, 3, 2.")
    ] = STARS,
    names: Annotated[
        str, typer.Option("--names", metavar="PROGRAM", help="Whose names: digikam, darktable, lightroom.")
    ] = "digikam",
    remove: Annotated[bool, typer.Option("--remove", help="Take back every rating that photod gave.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing, and say what would be.")] = False,
    as_json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Write the scores as stars beside the photos, for digiKam, darktable and Lightroom.

    Each photo gets stars by its percentile in an XMP sidecar: photo.jpg.xmp for digiKam and darktable, photo.xmp
    for Lightroom, which reads it for RAW files only. The photos themselves are never touched. A rating that
    somebody else gave, in the photo or in a sidecar, is never changed, nor is a sidecar that is a link; darktable
    gives one star to all that it imports, unless its preferences say otherwise. A sidecar that cannot be written
    keeps no other photo from its stars; the exit code is 2 then.

    Examples: photod-ctl export --xmp ~/Pictures; photod-ctl export --xmp --stars 99.9,99,95,80 --dry-run;
    photod-ctl export --xmp --remove
    """
    from photod_ctl.folders import archives
    from photod_ctl.ranking import note_models, rank
    from photod_ctl.sidecar_files import replace_sidecar
    from photod_ctl.tables import print_json

    if not xmp:
        what = "take back" if remove else "export"
        raise UsageError(f"nothing says what to {what}", "add --xmp, for the stars in XMP sidecars")
    if names not in NAMES:
        raise UsageError(f"--names {names} is not known", f"write {', '.join(NAMES)}")
    limits = _limits(stars)
    settings = load(context, config)
    put = _leave if dry_run else replace_sidecar
    if remove:
        counts, failure = remove_all(archives(folders, settings), put)
    else:
        rankings = rank(archives(folders, settings), 2**62)
        note_models(rankings)
        places = [place for ranking in rankings if not ranking.earlier for place in ranking.places]
        counts, failure = export_all(places, limits, put, adobe=names == "lightroom")
    if as_json:
        print_json({outcome: counts[outcome] for outcome in OUTCOMES})
    else:
        nothing = "nothing to take back" if remove else "nothing to export"
        told = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
        print(f"would be: {told}" if told and dry_run else told or nothing)
    if failure:
        raise failure


def export_all(
    places: "Sequence[Place]", limits: list[float], put: "Put", adobe: bool
) -> tuple[Counter[str], UsageError | None]:
    """Bring every photo's sidecar up to date; returns how many became what, and why the first that failed did.

    `put` replaces a sidecar's bytes, or removes it where there are none.
    """
    wishes: dict[Path, Callable[[], str]] = {}
    for place in places:
        photo = Path(place.location)
        target = photo.with_suffix(".xmp") if adobe else photo.with_name(photo.name + ".xmp")
        # A RAW file and its JPEG share a sidecar: the better one speaks.
        wishes.setdefault(target, partial(_export_one, photo, target, _stars(place.percentile, limits), put))
    return _do_all(wishes.items())


def remove_all(archives: "Iterable[Archive]", put: "Put") -> tuple[Counter[str], UsageError | None]:
    """Take back every rating that photod gave, by whichever names and to whichever photo; returns as export_all."""
    from photod_ctl.sidecar_files import sidecars_below

    unlisted: list[OSError] = []
    found = (target for archive in archives for target in sidecars_below(archive.name, unlisted.append))
    counts, failure = _do_all((target, partial(_remove_one, target, put)) for target in found)
    if unlisted and not failure:
        problem = f"cannot look into {unlisted[0].filename}: {unlisted[0].strerror}"
        failure = UsageError(problem, "make the directory readable")
    del counts["not ours"]
    return counts, failure


def _do_all(
    wishes: "Iterable[tuple[Path, Callable[[], str]]]",
) -> tuple[Counter[str], UsageError | None]:
    """Change one sidecar after the other, whichever fails; a disk that is full ends it."""
    counts: Counter[str] = Counter()
    failure: UsageError | None = None
    for target, change in wishes:
        try:
            counts[change()] += 1
        except UsageError as error:
            counts["failed"] += 1
            failure = failure or error
        except OSError as error:
            counts["failed"] += 1
            failure = failure or _failure(target, error)
            if error.errno in FULL:
                break
    return counts, failure


def _failure(target: Path, error: OSError) -> UsageError:
    too_long = error.errno == errno.ENAMETOOLONG
    return unwritten(target, error, "give the photo a shorter name" if too_long else "make its directory writable")


def _leave(_target: Path, _data: bytes | None) -> None:
    """Of a dry run."""


def _export_one(photo: Path, target: Path, stars: int, put: "Put") -> str:
    """Returns what became of the sidecar: rated, unchanged, removed, unrated, kept or vanished."""
    from photod_ctl.sidecar import Change, rate, unrate

    if not photo.exists():
        return "vanished"
    if target.is_symlink() or target.is_fifo():  # nobody could put it back; a pipe would be waited for
        return "kept"
    existing = target.read_bytes() if target.exists() else None
    if not stars:
        change = unrate(existing) if existing is not None else Change()
    elif _rated_by_others(photo, target):
        change = Change(theirs=True)
    else:
        change = rate(existing, stars)
    if change.theirs:
        return "kept"
    if change.data == existing:
        return "unchanged" if stars else "unrated"
    put(target, change.data)
    return "rated" if stars else "removed"


def _remove_one(target: Path, put: "Put") -> str:
    """Returns what became of the sidecar: removed, or kept, since our rating was changed, or not ours."""
    from photod_ctl.sidecar import unrate

    existing = target.read_bytes()
    change = unrate(existing)
    if change.theirs:
        return "kept"
    if change.data == existing:
        return "not ours"
    put(target, change.data)
    return "removed"


def _rated_by_others(photo: Path, target: Path) -> bool:
    """Whether the photo itself, or a sidecar by the other convention, has a rating."""
    from photod_ctl.sidecar import is_rated_by_others

    for other in (photo.with_suffix(".xmp"), photo.with_name(photo.name + ".xmp")):
        if other != target and other.is_file() and is_rated_by_others(other.read_bytes()):
            return True
    return _embedded_rating(photo)


def _embedded_rating(photo: Path) -> bool:
    from PIL import Image

    from photod_ctl.sidecar import holds_rating

    Image.MAX_IMAGE_PIXELS = None  # it reads the metadata, not the pixels
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(photo) as image:
            return holds_rating(image.info.get("xmp") or b"") or bool(image.getexif().get(_EXIF_RATING))
    except Exception:  # Pillow's boundary: RAW and damaged files raise anything
        try:
            return holds_rating(next(chunks(photo), b""))  # of a file that Pillow cannot open, its beginning
        except UnreadableError as error:
            raise UsageError(f"{photo} {error}", "check its permissions, and its drive") from error


def _limits(stars: str) -> list[float]:
    try:
        limits = [float(part) for part in stars.split(",")]
    except ValueError:
        limits = []
    if len(limits) != 4 or limits != sorted(limits, reverse=True) or not 0 <= limits[-1] <= limits[0] <= 100:
        raise UsageError(f"--stars {stars} is not four falling percentiles", f"write such as {STARS}")
    return limits


def _stars(percentile: float, limits: list[float]) -> int:
    return next((5 - step for step, limit in enumerate(limits) if percentile >= limit), 0)
