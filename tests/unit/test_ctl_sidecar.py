"""Sidecars: whatever comes out is XML, can be taken back, and leaves somebody's rating alone."""

from xml.etree import ElementTree

import pytest

from photod_ctl.sidecar import Change, holds_rating, is_rated_by_others, rate, unrate

XMP = "http://ns.adobe.com/xap/1.0/"
PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
  xmlns:dc="http://purl.org/dc/elements/1.1/"{attributes} dc:format="a > b">{elements}</rdf:Description>
</rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>
"""


def sidecar(attributes: str = "", elements: str = "") -> bytes:
    return PACKET.format(attributes=attributes, elements=elements).encode()


def ratings(data: bytes | None) -> list[str]:
    assert data is not None
    elements = list(ElementTree.fromstring(data).iter())  # noqa: S314 - our own
    name = f"{{{XMP}}}Rating"
    attributes = [element.attrib[name] for element in elements if name in element.attrib]
    return attributes + [element.text or "" for element in elements if element.tag == name]


SOMEBODY_S = {
    "attribute": sidecar(' xmp:Rating="4"'),
    "rejected": sidecar(' xmp:Rating="-1"'),
    "decimals": sidecar(' xmp:Rating="4.0"'),
    "spaces": sidecar(' xmp:Rating = " 4 "'),
    "single quotes": sidecar(" xmp:Rating='4'"),
    "line break": sidecar('\r\n xmp:Rating\n=\n"4"'),
    "element": sidecar("", "<xmp:Rating>4</xmp:Rating>"),
    "element with an attribute": sidecar("", '<xmp:Rating xml:lang="en"> 4\n</xmp:Rating >'),
    "another prefix": sidecar(f' xmlns:xap="{XMP}" xap:Rating="4"'),
    "BOM": b"\xef\xbb\xbf" + sidecar(' xmp:Rating="4"'),
    "UTF-16": PACKET.format(attributes=' xmp:Rating="4"', elements="").encode("utf-16"),
    "two": sidecar(' xmp:Rating="0"', "<xmp:Rating>4</xmp:Rating>"),
    "no number": sidecar(' xmp:Rating=""'),
}
UNRATED = {
    "no rating": sidecar(),
    "no namespace": sidecar().replace(f' xmlns:xmp="{XMP}"'.encode(), b""),
    "zero": sidecar(' xmp:Rating="0"'),
    "zero in single quotes": sidecar(" xmp:Rating = '0'"),
    "zero as an element": sidecar("", "<xmp:Rating>0</xmp:Rating>"),
    "windows": sidecar(' xmp:Rating="0"').replace(b"\n", b"\r\n"),
    "BOM": b"\xef\xbb\xbf" + sidecar(' xmp:Rating="0"'),
    "elsewhere declared": sidecar()
    .replace(f' xmlns:xmp="{XMP}"'.encode(), b"")
    .replace(b"</rdf:RDF>", f'<rdf:Description xmlns:xmp="{XMP}" xmp:Label="x"/></rdf:RDF>'.encode()),
    "other ratings": sidecar(' xmlns:ms="urn:ms" ms:Rating="0" xmp:Rating="0"'),
}
UNRATED["a like prefix"] = sidecar(' xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/"').replace(
    b' xmlns:xmp="http://ns.adobe.com/xap/1.0/"', b""
)
UNTOUCHABLE = {
    "empty": b"",
    "broken": sidecar()[:200],
    "a rating twice": sidecar(' xmp:Rating="0" xmp:Rating="0"'),
    "unknown encoding": b'<?xml version="1.0" encoding="klingon"?>' + sidecar(),
    "an encoding of several bytes": b'<?xml version="1.0" encoding="shift_jis"?>' + sidecar(),
    "zero with decimals": sidecar(' xmp:Rating="0.0"'),
    "in a comment": b"<x><!-- <rdf:Description rdf:about=''> --></x>",
    "no description": b"<x/>",
    "expands without end": b"<!DOCTYPE x [<!ENTITY a0 'aaaaaaaaaa'>"
    + b"".join(b"<!ENTITY a%d '%b'>" % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))
    + b"]><x>&a9;</x>",
    "UTF-16": PACKET.format(attributes="", elements="").encode("utf-16"),
    "prefix of something else": sidecar().replace(XMP.encode(), b"urn:other"),
}


@pytest.mark.parametrize("existing", SOMEBODY_S.values(), ids=SOMEBODY_S)
def test_somebody_s_rating_is_left_alone_however_it_is_written(existing: bytes) -> None:
    assert rate(existing, 5) == Change(theirs=True)
    assert is_rated_by_others(existing)


@pytest.mark.parametrize("existing", UNRATED.values(), ids=UNRATED)
def test_an_unrated_sidecar_gets_stars_and_comes_back_byte_for_byte(existing: bytes) -> None:
    rated = rate(existing, 4)
    assert ratings(rated.data) == ["4"]
    assert not is_rated_by_others(rated.data or b"")
    assert ratings(rate(rated.data, 2).data) == ["2"]
    assert unrate(rate(rated.data, 2).data or b"") == Change(existing)
    assert unrate(existing) == Change(existing)


def test_a_sidecar_of_nothing_but_ours_gets_other_stars_and_goes() -> None:
    mine = rate(None, 4).data or b""
    assert rate(mine, 2) == rate(None, 2)
    assert unrate(mine) == Change(None)


@pytest.mark.parametrize("existing", UNTOUCHABLE.values(), ids=UNTOUCHABLE)
def test_what_could_not_be_taken_back_is_not_given(existing: bytes) -> None:
    assert rate(existing, 4) == Change(theirs=True)


def test_a_rating_that_was_changed_since_is_theirs() -> None:
    for mine in (rate(None, 4).data, rate(UNRATED["zero"], 4).data):
        changed = (mine or b"").replace(b' xmp:Rating="4"', b' xmp:Rating="1"')
        assert changed != mine
        assert unrate(changed) == Change(theirs=True)
        assert is_rated_by_others(changed)
        assert rate(changed, 5) == Change(theirs=True)


def test_what_another_program_wrote_anew_can_be_taken_back_and_given_again() -> None:
    mine = (rate(sidecar(), 4).data or b"").replace(b'photod:Rating="4"', b"photod:Rating = '4'")
    clean = unrate(mine).data or b""
    assert ratings(clean) == []
    assert ratings(rate(clean, 3).data) == ["3"]


@pytest.mark.parametrize(
    ("ours", "anew"),
    [
        (b' xmp:Rating="4"', f' xmlns:xap="{XMP}" xap:Rating="4"'.encode()),
        (b' photod:Rating="4"', b' xmlns:own="urn:photod:xmp:1" own:Rating="4"'),
    ],
)
def test_what_was_written_anew_in_a_way_that_is_not_known_is_left_alone(ours: bytes, anew: bytes) -> None:
    mine = rate(None, 4).data or b""
    assert unrate(mine.replace(ours, anew)) == Change(theirs=True)


@pytest.mark.parametrize(
    ("photo", "rated"),
    [(b'\0xap:Rating="4"', True), (b"<xmp:Rating>\n4.0<", True), (b'xmp:Rating="0"', False), (b"Rating", False)],
)
def test_a_rating_inside_a_photo_is_found(photo: bytes, rated: bool) -> None:
    assert holds_rating(photo) == rated
