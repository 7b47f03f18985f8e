"""The worker is not trusted: whatever it answers, the daemon takes no harm."""

import json
import socket
import struct
from collections.abc import Iterator

import pytest

from photod.intake import protocol
from photod.photos import Facts

PIXELS = 12
Wire = tuple[socket.socket, socket.socket]


@pytest.fixture
def wire() -> Iterator[Wire]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(5)
        yield ours, theirs


def test_facts_and_pixels_arrive_as_they_were_sent(wire: Wire) -> None:
    facts = Facts(4000, 3000, "2020-01-02 03:04:05", None)
    protocol.send_answer(wire[1], protocol.DECODED, protocol.pack_facts(facts), b"p" * PIXELS)
    kind, value, pixels = protocol.receive_answer(wire[0], PIXELS)
    assert (kind, protocol.unpack_facts(value), pixels) == (protocol.DECODED, facts, b"p" * PIXELS)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        [1, 2, None],
        ["1", 2, None, None],
        [1, 2, 3, None],
        [0, 2, None, None],
        [1, 1 << 70, None, None],
        [-1, 2, None, None],
        {"width": 1},
    ],
)
def test_facts_of_another_form_are_nonsense(value: object) -> None:
    with pytest.raises(ValueError, match="facts of another form"):
        protocol.unpack_facts(value)


def test_texts_are_one_printable_line_that_sqlite_can_store() -> None:
    value = json.loads('[1, 2, "2020\\u001b[2J\\n", "\\ud800' + "x" * 1000 + '"]')
    facts = protocol.unpack_facts(value)
    for text in (facts.taken_at, facts.camera, protocol.unpack_reason(value[3])):
        assert text is not None
        assert text.isprintable()
        assert len(text.encode()) <= 240


@pytest.mark.parametrize(
    ("kind", "text", "pixels"),
    [
        (protocol.DECODED, 2, PIXELS + 1),
        (protocol.DECODED, 2, PIXELS - 1),
        (protocol.DECODED, 1 << 31, PIXELS),
        (protocol.FAILED, 2, 1 << 31),
    ],
)
def test_sizes_that_cannot_be_are_refused_before_memory_is_taken(
    wire: Wire, kind: int, text: int, pixels: int
) -> None:
    wire[1].sendall(struct.pack("=BII", kind, text, pixels))
    with pytest.raises(ValueError, match="sizes"):
        protocol.receive_answer(wire[0], PIXELS)


def test_text_that_is_no_json_is_nonsense(wire: Wire) -> None:
    wire[1].sendall(struct.pack("=BII", protocol.FAILED, 4, 0) + b"\xff{[(")
    with pytest.raises(ValueError):  # noqa: PT011  its words are those of the JSON parser
        protocol.receive_answer(wire[0], PIXELS)


def test_deeply_nested_json_is_nonsense_too(wire: Wire) -> None:
    text = b"[" * 60000
    wire[1].sendall(struct.pack("=BII", protocol.FAILED, len(text), 0) + text)
    with pytest.raises(ValueError):  # noqa: PT011  how deep a parser goes is its own affair
        protocol.receive_answer(wire[0], PIXELS)


@pytest.mark.parametrize("sent", [b"", b"\x03", struct.pack("=BII", protocol.FAILED, 100, 0) + b"half"])
def test_a_worker_that_is_gone_is_noticed_wherever_it_stopped(wire: Wire, sent: bytes) -> None:
    wire[1].sendall(sent)
    wire[1].shutdown(socket.SHUT_WR)
    with pytest.raises(EOFError):
        protocol.receive_answer(wire[0], PIXELS)


def test_an_answer_out_of_turn_is_nonsense(wire: Wire) -> None:
    protocol.send_answer(wire[1], protocol.STARTED)
    with pytest.raises(ValueError, match="out of turn"):
        protocol.expect(wire[0], protocol.HELLO)
