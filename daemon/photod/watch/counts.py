"""What became of the photos of a folder."""

from dataclasses import dataclass, replace

from photod.photos import Judged, Outcome, Passed, Unscoreable, kind_of


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the photos of a folder since the start."""

    compared: int = 0
    unchanged: int = 0
    scored: int = 0
    duplicates: int = 0
    unscoreable: int = 0
    unreadable: int = 0
    vanished: int = 0
    pending: int = 0  # known to need work
    last_failure: tuple[str, str] | None = None  # path, reason
    last_unreadable: tuple[str, str] | None = None  # likewise

    def after(self, outcome: Outcome) -> "Counts":
        """The counts with one more outcome."""
        kind, path = kind_of(outcome), outcome.candidate.path
        if kind == "changed":
            return self  # it is looked at again
        counts = replace(self, **{kind: getattr(self, kind) + 1})
        if isinstance(outcome, Judged) and isinstance(outcome.verdict, Unscoreable):
            return replace(counts, last_failure=(path, outcome.verdict.reason))
        if isinstance(outcome, Passed) and outcome.why == "unreadable":
            return replace(counts, last_failure=(path, outcome.reason), last_unreadable=(path, outcome.reason))
        return counts

    @property
    def finished(self) -> int:
        """How many of the photos that needed work are done."""
        return self.scored + self.duplicates + self.unscoreable + self.unreadable + self.vanished

    @property
    def _failed(self) -> int:
        return self.unscoreable + self.unreadable

    def since(self, before: "Counts") -> "Counts":
        """What has become of photos since then; as many are pending as are now."""
        return Counts(
            compared=self.compared - before.compared,
            unchanged=self.unchanged - before.unchanged,
            scored=self.scored - before.scored,
            duplicates=self.duplicates - before.duplicates,
            unscoreable=self.unscoreable - before.unscoreable,
            unreadable=self.unreadable - before.unreadable,
            vanished=self.vanished - before.vanished,
            pending=self.pending,
            last_failure=self.last_failure if self._failed > before._failed else None,
            last_unreadable=self.last_unreadable if self.unreadable > before.unreadable else None,
        )

    def after_comparing(self, work: int, unchanged: int) -> "Counts":
        """The counts with one more directory compared."""
        return replace(self, compared=self.compared + work + unchanged, unchanged=self.unchanged + unchanged)
