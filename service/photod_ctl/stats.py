"""`photod-ctl stats`: how the scores of an archive are distributed."""

import os
import shutil
import sys
from collections import Counter, defaultdict
from heapq import merge
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from photod_ctl.options import ConfigFile, Folders, Json, load

if TYPE_CHECKING:
    from photod_ctl.ranking import Group

BINS_PER_POINT = 2  # as the databases count them
LAST_BIN = 10 * BINS_PER_POINT - 1
MARKS = (5.0, 6.0, 7.5)  # scores whose share is told: each begins a bin
CAMERAS = 15  # the most used ones have a line each
NOTHING = "no photo is scored yet"
BAR = 46  # columns of the longest bar, where the terminal has room


def stats(
    context: typer.Context,
    folders: Folders = None,
    png: Annotated[
        Path | None, typer.Option("--png", metavar="FILE", help="Also draw the histogram there, with matplotlib.")
    ] = None,
    as_json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Show how the scores are distributed: overall, by year and by camera; and what duplicates take.

    Examples: photod-ctl stats ~/Pictures; photod-ctl stats --png scores.png
    """
    from photod_ctl.folders import archives
    from photod_ctl.ranking import by_model, note_models
    from photod_ctl.tables import print_json

    with by_model(archives(folders, load(context, config))) as groups:
        note_models(groups)
        found = [summarise(group) for group in groups]
    found = [summary for summary in found if summary["photos"]] or found[:1]  # a model may only begin
    if png:
        _draw(found, png)
    if as_json:
        print_json(found)
    else:
        for summary in found:
            _print(summary)
        if not found:
            print(NOTHING)


def summarise(group: "Group") -> dict[str, Any]:
    """The figures of all archives of a group together. The databases count and add; no score is held here."""
    halves = _halves(group)
    photos = halves.total()
    points = sum(reader.points(archive.below) for archive, reader in group.members)
    copies = [reader.duplicates(archive.below) for archive, reader in group.members]
    return {
        "model_name": group.model["name"],
        "model_is_current": not group.earlier,
        "photos": photos,
        "median": _median(group, halves) if photos else None,
        "mean": points / photos if photos else None,
        "histogram": _histogram(halves),
        "shares": {str(mark): _at_least(halves, mark) / photos if photos else None for mark in MARKS},
        "years": _means(group, "year"),
        "cameras": sorted(_means(group, "camera"), key=lambda row: -row["photos"]),
        "duplicate_files": sum(files for files, _ in copies),
        "duplicate_bytes": sum(size for _, size in copies),
    }


def median(group: "Group") -> float | None:
    """The score in the middle; None where no photo has one."""
    halves = _halves(group)
    return _median(group, halves) if halves else None


def _halves(group: "Group") -> Counter[int]:
    """How many photos the group has in each half point."""
    halves: Counter[int] = Counter()
    for archive, reader in group.members:
        halves.update(reader.histogram(archive.below))
    return halves


def _histogram(halves: Counter[int]) -> list[dict[str, float]]:
    """How many scores lie in each half point; 10, which begins one of its own, belongs to the last."""
    counts = [0] * (LAST_BIN + 1)
    for number, count in halves.items():
        counts[max(0, min(number, LAST_BIN))] += count  # somebody may have written others than photod
    return [
        {"from": number / BINS_PER_POINT, "to": (number + 1) / BINS_PER_POINT, "photos": count}
        for number, count in enumerate(counts)
    ]


def _at_least(halves: Counter[int], mark: float) -> int:
    return sum(count for number, count in halves.items() if number >= mark * BINS_PER_POINT)


def _median(group: "Group", halves: Counter[int]) -> float:
    """The score in the middle, or the mean of the two: found by counting through the half points they lie in."""
    middle = (halves.total() - 1) // 2, halves.total() // 2  # places in the order of scores
    first, before_first = _half_with(halves, middle[0])
    last, _ = _half_with(halves, middle[1])
    low, high = first / BINS_PER_POINT, (last + 1) / BINS_PER_POINT
    scores = merge(*(reader.counted_scores(low, high, archive.below) for archive, reader in group.members))
    lower = upper = low
    counted = before_first
    for score, photos in scores:
        if counted > middle[1]:
            break
        upper = score
        if counted <= middle[0]:
            lower = score
        counted += photos
    return (lower + upper) / 2


def _half_with(halves: Counter[int], place: int) -> tuple[int, int]:
    """The half point in which a place in the order of scores lies, and how many scores lie below it."""
    below = 0
    for number in sorted(halves):
        if below + halves[number] > place:
            return number, below
        below += halves[number]
    raise ValueError(f"there are no more than {below} scores")


def _means(group: "Group", by: Literal["year", "camera"]) -> list[dict[str, Any]]:
    photos: defaultdict[str | None, int] = defaultdict(int)
    points: defaultdict[str | None, float] = defaultdict(float)
    for archive, reader in group.members:
        for label, count, mean in reader.means(by, archive.below):
            photos[label] += count
            points[label] += count * mean
    labels = sorted(photos, key=lambda label: (label is None, label or ""))
    return [{by: label, "photos": photos[label], "mean": points[label] / photos[label]} for label in labels]


def _print(summary: dict[str, Any]) -> None:
    from photod_ctl.ranking import title_of
    from photod_ctl.tables import print_fields

    if not summary["photos"]:
        print(NOTHING)
        return
    print_fields([
        ("model", title_of(summary["model_name"], current=summary["model_is_current"])),
        ("photos", f"{summary['photos']:,}"),
        ("median", f"{summary['median']:.2f}, mean {summary['mean']:.2f}"),
        *((f"{mark} or more", f"{share:.1%}") for mark, share in summary["shares"].items()),
        ("duplicates", f"{summary['duplicate_files']:,}, {summary['duplicate_bytes'] / 1e6:,.1f} MB"),
    ])  # fmt: skip
    print()
    most = max(bin_["photos"] for bin_ in summary["histogram"])
    room = min(BAR, shutil.get_terminal_size().columns - len(f" 0.0 to  0.5   {most:,}"))
    for bin_ in summary["histogram"]:
        bar = _bar(bin_["photos"] / most * room)
        print(f"{bin_['from']:4.1f} to {bin_['to']:4.1f}  {bar}{' ' if bar else ''}{bin_['photos']:,}")
    print()
    _print_means(summary["years"], "year")
    print()
    _print_means(_fold(summary["cameras"]), "camera")


def _print_means(rows: list[dict[str, Any]], by: str) -> None:
    from photod_ctl.tables import Column, print_table

    print_table(
        (Column(by, wide=True), Column("photos", right=True), Column("mean score", right=True)),
        [(row[by] or "unknown", f"{row['photos']:,}", f"{row['mean']:.2f}") for row in rows],
    )


def _fold(cameras: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The most used ones, and all others, if there are several, as one."""
    most, others = cameras[:CAMERAS], cameras[CAMERAS:]
    if len(others) < 2:
        return cameras
    photos = sum(row["photos"] for row in others)
    mean = sum(row["photos"] * row["mean"] for row in others) / photos
    return [*most, {"camera": f"{len(others):,} others", "photos": photos, "mean": mean}]


def _bar(columns: float) -> str:
    """A bar in eighths of a column."""
    eighths = round(columns * 8)
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def _draw(found: list[dict[str, Any]], png: Path) -> None:
    from photod.errors import UsageError
    from photod.files import replacing
    from photod_ctl.originals import unwritten
    from photod_ctl.ranking import title_of

    try:
        from matplotlib.figure import Figure  # type: ignore[import-not-found, unused-ignore]  # not required
    except ImportError:
        raise UsageError("--png needs matplotlib", f"{sys.executable} -m pip install matplotlib") from None
    _refuse_a_picture(png)
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for summary in found:
        starts = [bin_["from"] for bin_ in summary["histogram"]]
        heights = [bin_["photos"] for bin_ in summary["histogram"]]
        label = title_of(summary["model_name"], current=summary["model_is_current"])
        axes.bar(starts, heights, 1 / BINS_PER_POINT, align="edge", alpha=0.8, label=label)
    axes.set(xlabel="score", ylabel="photos", xlim=(0, 10))
    axes.legend()
    try:
        with replacing(Path(os.path.realpath(png))) as draft:  # a full disk leaves an earlier one as it was
            figure.savefig(draft, format="png", dpi=150)
    except OSError as error:
        raise unwritten(png, error, "name a file that you can write") from error


def _refuse_a_picture(png: Path) -> None:
    """Raises UsageError where something is that never was such a histogram, such as a photo."""
    from photod.errors import UsageError

    if png.exists() and not png.is_file():  # a pipe would be waited for
        raise UsageError(f"{png} is not a file", "name one, such as scores.png")
    try:
        with png.open("rb") as file:
            start = file.read(512)
    except OSError:
        return  # nothing is there, or writing will tell why it cannot be
    if start and not (start.startswith(b"\x89PNG") and b"Matplotlib" in start):
        raise UsageError(f"{png} is there, and is no histogram", "name another file")
