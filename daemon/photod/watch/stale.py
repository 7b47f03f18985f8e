"""The photos that an earlier model scored. They lie in the database; here is how far they have been taken."""

from collections.abc import Callable

from photod.photos import Fingerprint, StalePage

Place = tuple[int, int]


class Stale:
    """Walks over stale photos, newest first, a page at a time. Owned by the folder's thread, but for what says so.

    A walk is over one tree. What it passes stays for the next one, which every scan begins: a photo that could
    not be read, for example.
    """

    def __init__(self, count: Callable[[str], int], page: Callable[[str, Place | None], StalePage]) -> None:
        self._count = count
        self._page = page
        self._walks: dict[str, Place | None] = {}  # tree -> after which photo to go on; None: from the newest
        self._left = 0
        self._again = False

    def __len__(self) -> int:
        """How many have not been taken yet; any thread may ask."""
        return self._left

    @property
    def goes_on(self) -> bool:
        """Whether there is more to take."""
        return bool(self._walks) or self._again

    def look_again(self) -> None:
        """Some may have been passed: walk over all once more after this walk. Any thread may call."""
        self._again = True

    def begin(self, below: str) -> None:
        """Walk over the tree at `below`, from the newest."""
        if below and "" in self._walks:
            return  # it is part of what goes on
        if not below:
            self._walks.clear()
        if self._count(below):
            self._walks[below] = None
        self._left = sum(map(self._count, self._walks))

    def clear(self) -> None:
        """Drop all: the folder is not there."""
        self._walks.clear()
        self._left = 0
        self._again = False

    def take(self) -> tuple[tuple[str, Fingerprint], ...]:
        """The next few, if any; none of them need be there still, or be in need of anything."""
        if not self._walks and self._again:
            self._again = False
            self.begin("")
        below = next(iter(self._walks), None)
        if below is None:
            return ()
        page = self._page(below, self._walks[below])
        if page.place is None:
            del self._walks[below]
        else:
            self._walks[below] = page.place
        # Several paths may have been served by one verdict, so the rest is an estimate until the end.
        self._left = max(1, self._left - len(page.photos)) if self._walks else 0
        return page.photos
