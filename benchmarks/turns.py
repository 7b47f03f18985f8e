"""Measuring in turns: what is compared runs alternately, so that a machine's moods hit both alike."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

Times = dict[str, list[float]]


def in_turns(works: Mapping[str, Callable[[], float]], runs: int) -> Times:
    """Call every work once per run, in the order given; the figures that each returned."""
    figures: Times = {name: [] for name in works}
    for _ in range(runs):
        for name, work in works.items():
            figures[name].append(work())
    return figures


def seconds(work: Callable[[], object]) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def child(script: Path, *arguments: object) -> dict[str, float]:
    """The figures that a script prints as its last line, run in a process of its own."""
    command = [sys.executable, str(script), *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def spread(values: list[float], digits: int = 1, unit: str = "") -> str:
    """Median and range."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f}{unit} ({low:.{digits}f} to {high:.{digits}f})"


def ratio(ours: list[float], theirs: list[float]) -> float:
    """The median of the ratios of neighbours."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def verdict(value: float, goal: float, at_least: bool = True) -> str:
    """The value with its goal, and whether it is met."""
    met = value >= goal if at_least else value <= goal
    words = "at least" if at_least else "at most"
    return f"{value:.2f} (goal: {words} {goal:g}) {'met' if met else 'MISSED'}"
