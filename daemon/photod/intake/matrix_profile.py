"""An ICC profile made of three primaries, a white and a curve.

Only littlecms reads these profiles, so they have no parts but those that it needs.
"""

import struct
from collections.abc import Callable
from functools import cache

Chromaticity = tuple[float, float]  # CIE x and y
Primaries = tuple[Chromaticity, Chromaticity, Chromaticity, Chromaticity]  # red, green, blue, white
Vector = tuple[float, float, float]
Columns = tuple[Vector, Vector, Vector]  # of a matrix

_D50: Vector = (0.9642, 1.0, 0.8249)  # XYZ; the white of every profile
_BRADFORD: Columns = ((0.8951, -0.7502, 0.0389), (0.2664, 1.7135, -0.0685), (-0.1614, 0.0367, 1.0296))
_STEPS = 256  # of a curve: the pixels that it is applied to have 8 bits


@cache
def build(primaries: Primaries, curve: Callable[[float], float]) -> bytes:
    """The profile, of version 2. `curve` gives the light, 0 to 1, of a value, 0 to 1."""
    steps = (round(65535 * curve(step / (_STEPS - 1))) for step in range(_STEPS))
    parts = [struct.pack(">4s4x3i", b"XYZ ", *_fixed(colorant)) for colorant in _colorants(primaries)]
    parts.append(struct.pack(f">4s4xI{_STEPS}H", b"curv", _STEPS, *steps))
    owners = ((b"rXYZ",), (b"gXYZ",), (b"bXYZ",), (b"rTRC", b"gTRC", b"bTRC"))
    tags, at = b"", 128 + 4 + 12 * 6
    for names, part in zip(owners, parts, strict=True):
        tags += b"".join(struct.pack(">4sII", name, at, len(part)) for name in names)
        at += len(part)
    kind = (b"mntr", b"RGB ", b"XYZ ", b"acsp")
    header = struct.pack(">I4xI4s4s4s12x4s28x3i48x", at, 0x02400000, *kind, *_fixed(_D50))
    return header + struct.pack(">I", 6) + tags + b"".join(parts)


def _colorants(primaries: Primaries) -> list[Vector]:
    """Full red, green and blue as XYZ, as they look to an eye that takes D50 for white (Bradford's adaptation)."""
    red, green, blue, white = ((x / y, 1.0, (1 - x - y) / y) for x, y in primaries)
    amounts = _solve((red, green, blue), white)
    gains = [to / seen for to, seen in zip(_mix(_BRADFORD, _D50), _mix(_BRADFORD, white), strict=True)]
    colorants = []
    for colour, amount in zip((red, green, blue), amounts, strict=True):
        x, y, z = (amount * cone * gain for cone, gain in zip(_mix(_BRADFORD, colour), gains, strict=True))
        colorants.append(_solve(_BRADFORD, (x, y, z)))
    return colorants


def _mix(columns: Columns, amounts: Vector) -> Vector:
    """The matrix times the vector."""
    x, y, z = (sum(map(float.__mul__, row, amounts)) for row in zip(*columns, strict=True))
    return x, y, z


def _solve(columns: Columns, mixture: Vector) -> Vector:
    """The amounts of which `_mix` makes this mixture, by Cramer's rule."""
    a, b, c = columns
    whole = _volume(a, b, c)
    return _volume(mixture, b, c) / whole, _volume(a, mixture, c) / whole, _volume(a, b, mixture) / whole


def _volume(a: Vector, b: Vector, c: Vector) -> float:
    """The determinant."""
    return (
        a[0] * (b[1] * c[2] - b[2] * c[1]) + a[1] * (b[2] * c[0] - b[0] * c[2]) + a[2] * (b[0] * c[1] - b[1] * c[0])
    )


def _fixed(vector: Vector) -> list[int]:
    return [round(value * 65536) for value in vector]
