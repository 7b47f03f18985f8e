"""Archives whose scores, dates and looks are invented: written as the daemon would, without a file."""

import hashlib
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from photod.config import DATABASE_DIRECTORY, DATABASE_NAME
from photod.photos import EMBEDDING_DTYPE, Candidate, Facts, Fingerprint, InputSpec, Judged, ModelIdentity, Scored
from photod.store.writer import Writer
from photod_ctl.folders import Archive

MODEL = ModelIdentity("a", "a", "a" * 64, InputSpec(), "fp32", 1, (("good", "bad"),), 100.0)
CAMERAS = ("Canon EOS 6D", "FUJIFILM X-T3", None)


@dataclass(frozen=True)
class Photo:
    """One photo of an invented archive."""

    path: str
    verdict: Scored


def write_archive(folder: Path, photos: Iterable[Photo]) -> Archive:
    """Commit all photos to the folder's database."""
    writer = Writer(folder / DATABASE_DIRECTORY / DATABASE_NAME)
    writer.use_model(MODEL)
    writer.commit([
        (Judged(Candidate(str(folder), photo.path, Fingerprint(1, 2, 3, 4)), photo.verdict, duplicate=False), True)
        for photo in photos
    ])  # fmt: skip
    writer.close()
    return Archive(str(folder), writer.path)


def bursts(chance: random.Random, count: int, known: list[Scored], days: int) -> list[Photo]:
    """So many photos, in bursts within some days of 2021.

    Some lack a date; some scores are whole halves, so that many are equal; some photos have the bytes of another.
    `known`: the contents so far, of all archives that share some.
    """
    photos: list[Photo] = []
    while len(photos) < count:
        looks = np.array([chance.gauss(0, 1) for _ in range(16)])
        camera, level = chance.choice(CAMERAS), chance.uniform(2, 9)
        moment = datetime(2021, 3, 1) + timedelta(seconds=chance.randrange(86_400 * days))
        dated = chance.random() < 0.9
        for _ in range(chance.choice((1, 1, 2, 4))):
            moment += timedelta(seconds=chance.choice((0, 2, 8, 40, 300)))
            score = min(10.0, max(0.0, chance.gauss(level, 0.5)))
            facts = Facts(6, 4, str(moment) if dated else None, camera)
            vector = looks + np.array([chance.gauss(0, 0.2) for _ in looks])
            if known and chance.random() < 0.05:
                verdict = chance.choice(known)
            else:
                verdict = Scored(
                    hashlib.sha256(chance.randbytes(8)).hexdigest(),
                    facts,
                    round(score * 2) / 2 if chance.random() < 0.3 else score,
                    (vector / np.linalg.norm(vector)).astype(EMBEDDING_DTYPE).tobytes(),
                )
                known.append(verdict)
            photos.append(Photo(f"{chance.choice('abc')}/{chance.getrandbits(40):x}.jpg", verdict))
    return photos
