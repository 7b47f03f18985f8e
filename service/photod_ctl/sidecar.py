"""XMP sidecars with a rating: what to write beside a photo, and what there is to be left alone.

A sidecar of ours carries the rating twice: as `xmp:Rating`, which other programs read, and as `photod:Rating`, by
which we know it again. Where the two differ, somebody has changed the rating since, and it is theirs. In a sidecar
of another program only our attributes are put in and taken out, byte for byte; a 0 there, which means unrated,
makes room for our stars and comes back when they go.

A sidecar is read as XML and changed as bytes. Unless a change leaves XML that can be taken back, it is not made.

XMP: ISO 16684-1; xmp:Rating is -1 (rejected) to 5.
"""

import re
from dataclasses import dataclass
from xml.etree import ElementTree

NAMESPACE = "urn:photod:xmp:1"
_XMP = "http://ns.adobe.com/xap/1.0/"
_UNRATED = "0"
_EMPTY = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="photod">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""{}/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""
# As we write it.
_MARK = re.compile(rf' xmlns:photod="{NAMESPACE}" photod:Rating="\d"'.encode())
_WRITTEN = re.compile(_MARK.pattern + rf'(?: xmlns:xmp="{_XMP}")? xmp:Rating="\d"'.encode())
# As another program may have written it since.
_OURS = re.compile(
    rb"""\s*(?:(?:photod|xmp):Rating\s*=\s*["']\d["']|<(photod|xmp):Rating>\s*\d\s*</\1:Rating>"""
    rb"""|xmlns:photod\s*=\s*["']%b["'])""" % NAMESPACE.encode()
)
_STARS = re.compile(rb"""(\bxmp:Rating(?:\s*=\s*["']|>)\s*)\d(?=\s*["'<])""")
_DESCRIPTION = re.compile(rb"""<rdf:Description\b(?:[^>"'/]|"[^"]*"|'[^']*')*""")
_DECLARED = re.compile(rb"\bxmlns:xmp\s*=")
_ANY_RATING = re.compile(rb"""\bRating(?:\s*=\s*["']|>)\s*(-?\d+(?:\.\d+)?)""")


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a sidecar: new bytes, or None where it goes; `theirs` where it must be left alone."""

    data: bytes | None = None
    theirs: bool = False


_THEIRS = Change(theirs=True)


def rate(existing: bytes | None, stars: int) -> Change:
    """The sidecar with these stars, made from what there is, if there is something."""
    if existing is None:
        return Change(_EMPTY.format(_attributes(stars, declare=True)).encode())
    clean = unrate(existing)
    if clean.theirs or _is_rated(clean.data):
        return _THEIRS
    if clean.data is None:  # nothing but ours
        return rate(None, stars)
    changed = _put_in(clean.data, stars)
    return Change(changed) if changed and unrate(changed) == clean else _THEIRS


def unrate(existing: bytes) -> Change:
    """The sidecar without our rating: the bytes of before, or none if it was ours altogether."""
    marks, ratings = _stated(existing, NAMESPACE), _stated(existing, _XMP)
    if marks == []:
        return Change(existing)
    clean = _take_out(existing)
    if marks is None or marks != ratings or _stated(clean, NAMESPACE) != [] or _is_rated(clean):
        return _THEIRS
    return Change(None if clean == _EMPTY.format("").encode() else clean)


def is_rated_by_others(sidecar: bytes) -> bool:
    """Whether a sidecar has a rating that is not ours; so it is, too, where that cannot be told."""
    clean = unrate(sidecar)
    return clean.theirs or _is_rated(clean.data)


def holds_rating(photo: bytes) -> bool:
    """Whether XMP somewhere in a photo's bytes states a rating, in whatever namespace."""
    return any(float(found[1]) for found in _ANY_RATING.finditer(photo))


def _stated(data: bytes, namespace: str) -> list[str] | None:
    """Every rating of a namespace in some XML, as it is written; None where it is not XML."""
    try:
        # What expands without end is refused by expat itself.
        elements = list(ElementTree.fromstring(data).iter())  # noqa: S314
    except (ElementTree.ParseError, ValueError, LookupError):  # the latter two: encodings that are not known
        return None
    name = f"{{{namespace}}}Rating"
    attributes = [element.attrib[name] for element in elements if name in element.attrib]
    return [text.strip() for text in attributes + [e.text or "" for e in elements if e.tag == name]]


def _is_rated(sidecar: bytes | None) -> bool:
    return sidecar is not None and _stated(sidecar, _XMP) not in ([], [_UNRATED])


def _put_in(clean: bytes, stars: int) -> bytes | None:
    """With our attributes in its first description; None where it has none."""
    place = _DESCRIPTION.search(clean)
    if place is None:
        return None
    head, tag, tail = clean[: place.start()], place[0], clean[place.end() :]
    if _stated(clean, _XMP):  # a 0
        tag += _mark(stars).encode()
        return _STARS.sub(rb"\g<1>%d" % stars, head + tag + tail, count=1)
    return head + tag + _attributes(stars, declare=not _DECLARED.search(tag)).encode() + tail


def _take_out(data: bytes) -> bytes:
    if _WRITTEN.search(data):
        return _WRITTEN.sub(b"", data, count=1)
    if _MARK.search(data):  # put beside a 0
        return _STARS.sub(rb"\g<1>0", _MARK.sub(b"", data, count=1), count=1)
    return _OURS.sub(b"", data)


def _mark(stars: int) -> str:
    return f' xmlns:photod="{NAMESPACE}" photod:Rating="{stars}"'


def _attributes(stars: int, declare: bool) -> str:
    xmlns = f' xmlns:xmp="{_XMP}"' if declare else ""
    return f'{_mark(stars)}{xmlns} xmp:Rating="{stars}"'
