"""What a decoder and its worker process say to each other over their socket pair.

The worker says HELLO when its sandbox is closed. A task is the size of a photo, with its memfd as ancillary
data. The worker answers STARTED at once, then DECODED with facts and pixels, or FAILED with the reason.
"""

import json
import socket
import struct
from typing import Final

from photod.intake.words import one_line
from photod.photos import Facts

HELLO: Final = 1
STARTED: Final = 2
DECODED: Final = 3
FAILED: Final = 4

TASK = struct.Struct("=Q")  # size of the photo, bytes
_ANSWER = struct.Struct("=BII")  # kind, length of the JSON text, length of the pixels
_MOST_TEXT = 1 << 16  # bytes; the worker is not trusted
_WIDEST = 1 << 31  # pixels


def send_answer(wire: socket.socket, kind: int, value: object = None, pixels: bytes = b"") -> None:
    """Send one answer: `value` as JSON, then `pixels`."""
    text = json.dumps(value).encode()
    wire.sendall(_ANSWER.pack(kind, len(text), len(pixels)) + text + pixels)


def receive_answer(wire: socket.socket, pixels_size: int) -> tuple[int, object, bytes]:
    """Receive kind, value and pixels. Raises EOFError if the other side is gone, ValueError on nonsense."""
    kind, text_size, size = _ANSWER.unpack(_receive(wire, _ANSWER.size))
    if text_size > _MOST_TEXT or size != (pixels_size if kind == DECODED else 0):
        raise ValueError("sizes that cannot be")
    try:
        value = json.loads(_receive(wire, text_size))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return kind, value, _receive(wire, size)


def expect(wire: socket.socket, kind: int) -> None:
    """Receive an answer of this kind that carries nothing. Raises like `receive_answer`."""
    if receive_answer(wire, 0)[0] != kind:
        raise ValueError("an answer out of turn")


def pack_facts(facts: Facts) -> list[object]:
    """Facts as JSON can carry them."""
    return [facts.width, facts.height, facts.taken_at, facts.camera]


def unpack_facts(value: object) -> Facts:
    """The reverse. Raises ValueError on nonsense."""
    match value:
        case [int(width), int(height), str() | None as taken_at, str() | None as camera]:
            if 0 < width < _WIDEST and 0 < height < _WIDEST:
                return Facts(width, height, _text(taken_at), _text(camera))
    raise ValueError("facts of another form")


def unpack_reason(value: object) -> str:
    """The reason of a failure. Raises ValueError on nonsense."""
    if not isinstance(value, str):
        raise ValueError("a reason that is no text")
    return one_line(value)


def _text(value: str | None) -> str | None:
    return None if value is None else one_line(value)


def _receive(wire: socket.socket, size: int) -> bytes:
    data = bytearray(size)
    rest = memoryview(data)
    while rest:
        count = wire.recv_into(rest)
        if not count:
            raise EOFError
        rest = rest[count:]
    return bytes(data)
