"""XMP sidecars with a rating: what to write beside a photo, and what there is to be left alone.

A sidecar of ours carries the rating twice: as `xmp:Rating`, which other programs read, and as `photod:Rating`, by
which we know it again. Where the two differ, somebody has changed the rating since, and it is theirs. In a sidecar
of another program only our two attributes are put in and taken out, byte for byte.

XMP: ISO 16684-1; xmp:Rating is -1 (rejected) to 5.
"""

import re
from dataclasses import dataclass

NAMESPACE = "urn:photod:xmp:1"
_XMP = "http://ns.adobe.com/xap/1.0/"
_EMPTY = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="photod">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""{}/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""
# As we write it, and as another program may have written it since.
_WRITTEN = re.compile(
    rf' xmlns:photod="{NAMESPACE}" photod:Rating="\d"(?: xmlns:xmp="{_XMP}")? xmp:Rating="-?\d"'.encode()
)
_RATING = re.compile(rb"""\s*(?:xmp:Rating\s*=\s*["'](-?\d)["']|<xmp:Rating>\s*(-?\d)\s*</xmp:Rating>)""")
_OURS = re.compile(rb"""\s*(?:photod:Rating\s*=\s*["'](\d)["']|<photod:Rating>\s*(\d)\s*</photod:Rating>)""")
_DESCRIPTION = re.compile(rb"<rdf:Description\b([^>]*?)(/?)>")


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a sidecar: new bytes, or None where it goes; `theirs` where it must be left alone."""

    data: bytes | None = None
    theirs: bool = False


def rate(existing: bytes | None, stars: int) -> Change:
    """The sidecar with these stars, made from what there is, if there is something."""
    if existing is None:
        return Change(_EMPTY.format(_attributes(stars, declare=True)).encode())
    clean = unrate(existing)
    if clean.theirs or rating_in(clean.data or b"") is not None:
        return Change(theirs=True)
    if clean.data is None:  # nothing but ours
        return rate(None, stars)
    place = _DESCRIPTION.search(clean.data)
    if place is None:
        return Change(theirs=True)
    declare = b"xmlns:xmp=" not in clean.data
    text = _attributes(stars, declare).encode()
    return Change(clean.data[: place.end(1)] + text + clean.data[place.end(1) :])


def unrate(existing: bytes) -> Change:
    """The sidecar without our rating: the bytes of before, or none if it was ours altogether."""
    ours, rating = _OURS.search(existing), _RATING.search(existing)
    if ours is None:
        return Change(existing)
    if rating is None or _digit(rating) != _digit(ours):
        return Change(theirs=True)
    written = _WRITTEN.search(existing)
    if written:
        clean = existing[: written.start()] + existing[written.end() :]
    else:
        clean = _OURS.sub(b"", _RATING.sub(b"", existing))
    return Change(None if clean == _EMPTY.format("").encode() else clean)


def rating_in(data: bytes) -> int | None:
    """The rating that some XMP states; None where there is none, or no star."""
    found = _RATING.search(data)
    return int(_digit(found)) or None if found else None


def _digit(found: re.Match[bytes]) -> bytes:
    return bytes(found[1] or found[2])


def _attributes(stars: int, declare: bool) -> str:
    xmlns = f' xmlns:xmp="{_XMP}"' if declare else ""
    return f' xmlns:photod="{NAMESPACE}" photod:Rating="{stars}"{xmlns} xmp:Rating="{stars}"'
