"""The photos of an archive that look most like one of them, to its model."""

from collections.abc import Callable, Iterator
from heapq import nlargest
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from photod.photos import EMBEDDING_DTYPE
from photod.store.queries import RankedPhoto, Reader
from photod_ctl.lens import SAMPLE, Vectors, lens_for

ROWS = 4096  # embeddings in memory at once


def nearest(reader: Reader, sha256: str, count: int) -> list[tuple[float, RankedPhoto]]:
    """The `count` other contents with the highest cosine to this one, and the cosine; the nearest first."""
    own = reader.embedding(sha256)
    if own is None:
        return []
    vector = _floats(np.frombuffer(own, EMBEDDING_DTYPE)[None, :])
    found: list[tuple[float, str]] = []
    look: Callable[[Vectors], Vectors] | None = None
    for names, rows in _blocks(reader, len(own)):
        vectors = _floats(rows)
        look = look or lens_for(vectors[:SAMPLE])
        cosines = (look(vectors) @ look(vector)[0]).tolist()
        found = nlargest(count + 1, [*found, *zip(cosines, names, strict=True)])
    photos = ((cosine, reader.photo_with(name)) for cosine, name in found if name != sha256)
    return [(cosine, photo) for cosine, photo in photos if photo is not None][:count]


def _floats(rows: NDArray[np.float16]) -> Vectors:
    return np.nan_to_num(rows).astype(np.float32)


def _blocks(reader: Reader, length: int) -> Iterator[tuple[tuple[str, ...], NDArray[np.float16]]]:
    """Embeddings of so many bytes each with the hashes of their contents, some at a time."""
    embeddings = (row for row in reader.all_embeddings() if len(row[1]) == length)
    while block := list(islice(embeddings, ROWS)):
        names, vectors = zip(*block, strict=True)
        yield names, np.frombuffer(b"".join(vectors), EMBEDDING_DTYPE).reshape(len(vectors), -1)
