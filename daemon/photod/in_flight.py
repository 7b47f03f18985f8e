"""What is on its way through the stages."""

import threading
from collections.abc import Callable

from photod.photos import Candidate


class ContentsInFlight:
    """Which contents are on their way to a verdict, and which photos wait for the same one."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Candidate]] = {}
        self._lock = threading.Lock()

    def claim(self, sha256: str, candidate: Candidate) -> bool:
        """True for the first photo with these bytes, which goes on; others wait for its verdict."""
        with self._lock:
            if sha256 in self._waiting:
                self._waiting[sha256].append(candidate)
                return False
            self._waiting[sha256] = []
            return True

    def release(self, sha256: str) -> list[Candidate]:
        """The verdict is committed: who waited for it?"""
        with self._lock:
            return self._waiting.pop(sha256, [])


class OnTheWay:
    """How many photos are still on their way to a stage; at none, that stage need not wait for more.

    `on_none` is called whenever the last one has arrived or turned off.
    """

    def __init__(self, on_none: Callable[[], None]) -> None:
        self._count = 0
        self._lock = threading.Lock()
        self._on_none = on_none

    def add(self, photos: int) -> None:
        """So many more set out, or, below zero, arrived or turned off."""
        with self._lock:
            self._count += photos
            none = self.none()
        if none:
            self._on_none()

    def none(self) -> bool:
        """Whether nothing is coming."""
        return self._count <= 0
