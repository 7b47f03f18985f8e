"""A clock that stands until it is set."""


class Clock:
    """For what takes a clock as an argument."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
