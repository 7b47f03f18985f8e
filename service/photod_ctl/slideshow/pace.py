"""How fast a show goes."""

from dataclasses import dataclass

FADE_S = 0.8
SHORTEST_S, LONGEST_S = 0.2, 86400.0  # for a photo


@dataclass
class Pace:
    """How long each photo stays, and whether the next one is faded in."""

    delay_s: float
    fade: bool

    @property
    def fade_s(self) -> float:
        """How long a fade takes; half of the delay at most."""
        return min(FADE_S, self.delay_s / 2) if self.fade else 0.0

    def change(self, factor: float) -> None:
        """Multiply the delay, within its limits."""
        self.delay_s = min(max(self.delay_s * factor, SHORTEST_S), LONGEST_S)
