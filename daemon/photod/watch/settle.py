"""When a file is settled: its fingerprint stayed the same for the quiet time. Pure: time is an argument."""

from dataclasses import dataclass

from photod.photos import Fingerprint


@dataclass(slots=True)
class _Waiting:
    fingerprint: Fingerprint
    since: float  # monotonic seconds: when this fingerprint was first seen


class Settle:
    """Files that were seen to change lately. Owned by one thread."""

    def __init__(self, quiet_s: float) -> None:
        self._quiet_s = quiet_s
        self._waiting: dict[str, _Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, path: str) -> bool:
        return path in self._waiting

    def observe(self, path: str, fingerprint: Fingerprint, now: float) -> None:
        """Note what a look at `path` showed; a new fingerprint starts its quiet time again."""
        waiting = self._waiting.get(path)
        if waiting is None or waiting.fingerprint != fingerprint:
            self._waiting[path] = _Waiting(fingerprint, now)

    def forget(self, path: str) -> None:
        """The file is gone, or has settled."""
        self._waiting.pop(path, None)

    def due(self, now: float) -> list[tuple[str, Fingerprint]]:
        """The files whose quiet time is over: look once more, and read those that look the same."""
        return [(p, w.fingerprint) for p, w in self._waiting.items() if now - w.since >= self._quiet_s]

    def next_due(self) -> float | None:
        """When `due` will next have something, in monotonic seconds."""
        return min((w.since + self._quiet_s for w in self._waiting.values()), default=None)
