"""Dates and scores as they are typed, as bounds of a ranking."""

import re
from datetime import date as calendar_date

from photod.errors import UsageError
from photod.store.queries import Bounds

_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")
_FIRST = "0001-01-01"  # what a date lacks is taken from it


def bounds(
    *,
    since: str | None = None,
    until: str | None = None,
    year: int | None = None,
    month: int | None = None,
    min_score: float | None = None,
) -> Bounds:
    """The bounds that the options mean together. Raises UsageError."""
    for name, date in (("--since", since), ("--until", until)):
        if date is not None and not _is_date(date):
            raise UsageError(f"{name} {date} is not a date", "write 2021, 2021-07 or 2021-07-14")
    if year is not None and (since or until):
        raise UsageError("--year is a bound of its own", "leave out --since and --until")
    if year is not None:
        since = until = str(year)
    if since and until and since > until and not since.startswith(until):  # 2021-07 begins within 2021
        raise UsageError(f"--since {since} is after --until {until}", "exchange them")
    return Bounds(since, until, month, min_score)


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        calendar_date.fromisoformat(text + _FIRST[len(text) :])
    except ValueError:  # the 31st of February
        return False
    return True
