"""A folder in which photos land, change, move and go, and the truth about it."""

import hashlib
import os
import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

Colour = tuple[int, int, int]


@dataclass
class BusyFolder:
    """Every photo is of one colour, and no two of the same; the fake scorer's score of it can be computed."""

    path: Path
    chance: random.Random
    most: int = 1000  # photos at once
    truth: dict[str, Colour | None] = field(default_factory=dict)  # relative path; None: it cannot be decoded
    made: int = 0
    contents: dict[str, set[str]] = field(default_factory=dict)  # colour, in hex -> SHA-256 of its files

    def expected(self) -> dict[str, float]:
        """The score of each photo that has one."""
        return {path: score_of(colour) for path, colour in self.truth.items() if colour}

    def broken(self) -> set[str]:
        """The photos that cannot be decoded."""
        return {path for path, colour in self.truth.items() if colour is None}

    def step(self) -> None:
        """One thing happens."""
        kinds = [self.land] * 10 + [self.copy, self.spoil]
        if self.truth:
            kinds += [self.change] * 3 + [self.move] * 2 + [self.go] * (20 if len(self.truth) > self.most else 3)
        self.chance.choice(kinds)()

    def land(self) -> None:
        """A photo is written slowly, or lands whole."""
        self._paint(self._new_name())

    def change(self) -> None:
        """A photo is replaced by another."""
        self._paint(self._some())

    def copy(self) -> None:
        """The same bytes under another name."""
        if self.truth:
            source, target = self._some(), self._new_name()
            shutil.copy(self.path / source, self.path / target)
            self.truth[target] = self.truth[source]

    def move(self) -> None:
        """A photo gets another name."""
        source, target = self._some(), self._new_name()
        (self.path / source).rename(self.path / target)
        self.truth[target] = self.truth.pop(source)

    def go(self) -> None:
        """A photo is deleted."""
        path = self._some()
        (self.path / path).unlink()
        del self.truth[path]

    def spoil(self) -> None:
        """Something lands that is no photo, whatever its name says."""
        name = self._new_name()
        (self.path / name).write_bytes(b"\x89PNG\r\n\x1a\n" + self.chance.randbytes(200))
        self.truth[name] = None

    def _some(self) -> str:
        return self.chance.choice(list(self.truth))

    def _new_name(self) -> str:
        self.made += 1
        directory = f"d{self.chance.randrange(8)}"
        (self.path / directory).mkdir(exist_ok=True)
        return f"{directory}/{self.made}.png"

    def _paint(self, name: str) -> None:
        self.made += 1
        colour = (self.made % 256, self.made // 256 % 256, self.made // 65536)
        place = self.path / name
        temporary = place.with_name(f"{place.name}.part")
        Image.new("RGB", (self.chance.randrange(16, 400), 48), colour).save(temporary, "png")
        digest = hashlib.sha256(temporary.read_bytes()).hexdigest()
        self.contents.setdefault(bytes(colour).hex(), set()).add(digest)
        if self.chance.random() < 0.5:
            place.write_bytes(temporary.read_bytes())
            temporary.unlink()
        else:
            os.replace(temporary, place)
        self.truth[name] = colour


def score_of(colour: Colour) -> float:
    """What the fake scorer says of a plain picture."""
    return 10 * sum(colour) / 3 / 255
