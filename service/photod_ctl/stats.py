"""`photod-ctl stats`: how the scores of an archive are distributed."""

from bisect import bisect_left
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from photod_ctl.options import ConfigFile, Folders, Json, load

if TYPE_CHECKING:
    from photod_ctl.ranking import Group

BINS_PER_POINT = 2
MARKS = (5.0, 6.0, 7.5)  # scores whose share is told
CAMERAS = 15  # the most used ones are listed
NOTHING = "no photo is scored yet"
BAR = 46  # columns of the longest bar


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

    groups = by_model(archives(folders, load(context, config)))
    note_models(groups)
    found = [summarise(group) for group in groups]
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
    """The figures of all archives of a group together."""
    scores = sorted(score for archive, reader in group.members for score in reader.scores(archive.below))
    middle = len(scores) // 2
    copies = [reader.duplicates() for archive, reader in group.members if not archive.below]
    return {
        "model": group.model["name"],
        "photos": len(scores),
        "median": (scores[middle] + scores[~middle]) / 2 if scores else None,
        "mean": sum(scores) / len(scores) if scores else None,
        "histogram": _histogram(scores),
        "shares": {str(mark): _share(scores, mark) for mark in MARKS},
        "years": _means(group, "year"),
        "cameras": sorted(_means(group, "camera"), key=lambda row: -row["photos"])[:CAMERAS],
        "duplicates": {"files": sum(files for files, _ in copies), "bytes": sum(size for _, size in copies)},
    }


def _histogram(scores: list[float]) -> list[dict[str, float]]:
    """How many scores lie in each half point; 10 belongs to the last."""
    edges = [number / BINS_PER_POINT for number in range(10 * BINS_PER_POINT + 1)]
    places = [0, *(bisect_left(scores, edge) for edge in edges[1:-1]), len(scores)]
    return [
        {"from": low, "to": high, "photos": places[number + 1] - places[number]}
        for number, (low, high) in enumerate(pairwise(edges))
    ]


def _share(scores: list[float], mark: float) -> float | None:
    return (len(scores) - bisect_left(scores, mark)) / len(scores) if scores else None


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
    from photod_ctl.tables import print_fields

    if not summary["photos"]:
        print(NOTHING)
        return
    copies = summary["duplicates"]
    print_fields([
        ("model", summary["model"]),
        ("photos", f"{summary['photos']:,}"),
        ("median", f"{summary['median']:.2f}, mean {summary['mean']:.2f}"),
        *((f"{mark} or more", f"{share:.1%}") for mark, share in summary["shares"].items()),
        ("duplicates", f"{copies['files']:,}, {copies['bytes'] / 1e6:,.1f} MB"),
    ])  # fmt: skip
    print()
    most = max(bin_["photos"] for bin_ in summary["histogram"])
    for bin_ in summary["histogram"]:
        bar = _bar(bin_["photos"] / most)
        print(f"{bin_['from']:4.1f} to {bin_['to']:4.1f}  {bar}{' ' if bar else ''}{bin_['photos']:,}")
    for by in ("year", "camera"):
        print()
        _print_means(summary[f"{by}s"], by)


def _print_means(rows: list[dict[str, Any]], by: str) -> None:
    from photod_ctl.tables import Column, print_table

    print_table(
        (Column(by, wide=True), Column("photos", right=True), Column("mean score", right=True)),
        [(row[by] or "unknown", f"{row['photos']:,}", f"{row['mean']:.2f}") for row in rows],
    )


def _bar(part: float) -> str:
    """A bar in eighths of a column."""
    eighths = round(part * BAR * 8)
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def _draw(found: list[dict[str, Any]], png: Path) -> None:
    from photod.errors import UsageError

    try:
        from matplotlib.figure import Figure  # type: ignore[import-not-found, unused-ignore]  # not required
    except ImportError:
        raise UsageError("--png needs matplotlib", "pip install matplotlib") from None
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for summary in found:
        starts = [bin_["from"] for bin_ in summary["histogram"]]
        heights = [bin_["photos"] for bin_ in summary["histogram"]]
        axes.bar(starts, heights, 1 / BINS_PER_POINT, align="edge", alpha=0.8, label=str(summary["model"]))
    axes.set(xlabel="score", ylabel="photos", xlim=(0, 10))
    axes.legend()
    try:
        figure.savefig(png, format="png", dpi=150)
    except OSError as error:
        problem = f"cannot write {png}: {error.strerror}"
        raise UsageError(problem, "name a file that you can write") from error
