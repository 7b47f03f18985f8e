"""The photos of an archive that look most like one of them, to its model."""

import sys
from heapq import nlargest

import numpy as np

from photod.photos import EMBEDDING_DTYPE
from photod.store.queries import RankedPhoto, Reader

ROWS = 4096  # embeddings in memory at once


def nearest(reader: Reader, sha256: str, count: int) -> list[tuple[float, RankedPhoto]]:
    """The `count` other contents with the highest cosine to this one, and the cosine; the nearest first."""
    own = reader.embeddings([sha256]).get(sha256)
    if own is None:
        return []
    vector = np.nan_to_num(np.frombuffer(own, EMBEDDING_DTYPE)).astype(np.float32)
    others = {photo.sha256: photo for photo in reader.top(sys.maxsize) if photo.sha256 != sha256}
    names = list(others)
    found: list[tuple[float, str]] = []
    for start in range(0, len(names), ROWS):
        embeddings = reader.embeddings(names[start : start + ROWS])
        if embeddings:
            rows = np.stack([np.frombuffer(row, EMBEDDING_DTYPE) for row in embeddings.values()])
            cosines = (np.nan_to_num(rows).astype(np.float32) @ vector).tolist()
            found = nlargest(count, [*found, *zip(cosines, embeddings, strict=True)])
    return [(cosine, others[name]) for cosine, name in found]
