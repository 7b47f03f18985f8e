"""A score belongs to its photo, whatever is dropped, delayed, reordered or fails on the way.

The fake scorer's score can be computed from the picture, and each photo's name tells its brightness: a score that
strayed to another photo is seen.
"""

import os
import random
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fake_scorer import FakeScorer
from photod import committer, pipeline
from photod.config import Intake, Model, Store
from photod.daemon import Daemon
from photod.errors import DecodeError
from photod.intake.decoder import Decoded, Decoder
from photod.intake.memory import PhotoMemory
from photod.intake.read import ReadPhoto, read_photo
from photod.photos import Candidate, Passed
from pictures import make_photo
from running import make_config, ranking, score_once

CHANCE = 0.15  # that a member is lost at a stage


class Chaos:
    """Drops, delays and fails members at every stage; the same seed, much the same chaos."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.losses = {"read": 0, "decode": 0, "commit": 0}

    def strikes(self, stage: str) -> bool:
        time.sleep(self._random.random() * 0.01)  # who is later than whom?
        struck = self._random.random() < CHANCE
        self.losses[stage] += struck
        return struck

    def read(self, candidate: Candidate, max_bytes: int, memory: PhotoMemory) -> ReadPhoto | Passed:
        if self.strikes("read"):
            return Passed(candidate, "unreadable", "chaos")
        return READ(candidate, max_bytes, memory)

    def decode(self, decoder: Decoder, photo: ReadPhoto) -> Decoded:
        if self.strikes("decode"):
            raise DecodeError("chaos")
        return DECODE(decoder, photo)

    def is_still(self, candidate: Candidate) -> bool:
        return not self.strikes("commit") and IS_STILL(candidate)


READ, DECODE, IS_STILL = read_photo, Decoder.decode, committer._is_still


class SlowScorer(FakeScorer):
    """One of several devices, each with its own pace."""

    def embed(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        time.sleep(random.random() * 0.05)
        return super().embed(pixels)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_score_strays_to_another_photo(folder: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    for level in range(200):
        photo = make_photo(folder / f"{level % 5}/{level:03}.png", level)
        if level % 4 == 0:
            shutil.copy(photo, folder / f"{level:03} copy.png")
        if level % 7 == 0:
            (folder / f"{level:03} broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + os.urandom(99))
    scorers = (SlowScorer(), SlowScorer(), SlowScorer())
    config = make_config(
        folder, model=Model(batch_size=7), store=Store(group=10), intake=Intake(readers=4, decoders=3)
    )
    chaos = Chaos(seed)

    def decode(decoder: Decoder, photo: ReadPhoto) -> Decoded:
        return chaos.decode(decoder, photo)

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "read_photo", chaos.read)
        patch.setattr(committer, "_is_still", chaos.is_still)
        patch.setattr(Decoder, "decode", decode)
        daemon = Daemon(config, once=folder, load=lambda *_: scorers)
        daemon.run()
    assert daemon._pipeline is not None
    for coming in (daemon._pipeline._coming_to_score, daemon._pipeline._coming_to_commit):
        assert coming._count == 0, "every group would wait for them in vain"
    assert min(chaos.losses.values()) > 0
    assert_each_has_its_own(ranking(folder))
    before = len(ranking(folder))
    assert before < 250
    score_once(folder, FakeScorer(), config)
    assert_each_has_its_own(ranking(folder))
    assert len(ranking(folder)) >= before


def assert_each_has_its_own(scores: dict[str, float]) -> None:
    assert scores
    for path, score in scores.items():
        assert score == pytest.approx(10 * int(path.rpartition("/")[2][:3]) / 255, abs=0.01), path
