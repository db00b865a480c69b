"""BabyJubjub, the twisted Edwards curve a·x² + y² = 1 + d·x²·y² over the scalar field of BN254 (EIP-2494)."""

from functools import cache
from typing import Final, NamedTuple

from gmpy2 import invert, mpz

from rollup.state.field import MODULUS

A: Final = 168700
D: Final = 168696
SUBGROUP_ORDER: Final = 2736030358979909402780800718157159386076813972158567259200215660948447373041
COFACTOR: Final = 8

_P: Final = mpz(MODULUS)


class Point(NamedTuple):
    """A point by its coordinates, plain integers in 0 … MODULUS - 1."""

    x: int
    y: int


# Generates the subgroup of prime order; circomlib calls it Base8.
BASE: Final = Point(
    5299619240641551281634865583518297030282874472190772894086521144482721001553,
    16950150798460657717958625567821834550301663161624707787222815936182638968203,
)
IDENTITY: Final = Point(0, 1)

# Projective (X, Y, Z), x = X / Z and y = Y / Z: an addition needs no inversion.
_Projective = tuple[mpz, mpz, mpz]
_NEUTRAL: Final[_Projective] = (mpz(0), mpz(1), mpz(1))
_DIGIT_BITS: Final = 4
_DIGIT: Final = 2**_DIGIT_BITS - 1


def is_on_curve(point: Point) -> bool:
    """Whether the coordinates are field elements and fulfil the curve's equation."""
    x, y = point
    if not (0 <= x < MODULUS and 0 <= y < MODULUS):
        return False
    xx, yy = x * x % MODULUS, y * y % MODULUS
    return (A * xx + yy - 1 - D * xx % MODULUS * yy) % MODULUS == 0


def has_low_order(point: Point) -> bool:
    """Whether eight times the point is the identity; such a key signs anything."""
    return multiply(point, COFACTOR) == IDENTITY


def add(one: Point, other: Point) -> Point:
    """The sum of two points of the curve."""
    return _affine(_add((mpz(one.x), mpz(one.y), mpz(1)), (mpz(other.x), mpz(other.y), mpz(1))))


def multiply(point: Point, scalar: int) -> Point:
    """`scalar` times a point of the curve, scalar >= 0. Not in constant time."""
    total = _NEUTRAL
    doubled: _Projective = (mpz(point.x), mpz(point.y), mpz(1))
    for bit in reversed(bin(scalar)[2:]):
        if bit == "1":
            total = _add(total, doubled)
        doubled = _add(doubled, doubled)
    return _affine(total)


def multiply_base(scalar: int) -> Point:
    """`scalar` times BASE, 0 <= scalar < 2^256: many times faster than `multiply`. Not in constant time."""
    total = _NEUTRAL
    for row in _base_table():
        digit = scalar & _DIGIT
        if digit:
            total = _add(total, row[digit])
        scalar >>= _DIGIT_BITS
    return _affine(total)


@cache
def _base_table() -> list[list[_Projective]]:
    # Row k holds 0 … 15 times 16^k · BASE: a product is then one addition a digit, and no doubling.
    rows = []
    power: _Projective = (mpz(BASE.x), mpz(BASE.y), mpz(1))
    for _ in range(0, 256, _DIGIT_BITS):
        row = [_NEUTRAL]
        for _ in range(_DIGIT):
            row.append(_add(row[-1], power))
        rows.append(row)
        power = _add(row[-1], power)
    return rows


def _add(one: _Projective, other: _Projective) -> _Projective:
    # add-2008-bbjlp of the Explicit-Formulas Database; complete on this curve, so it doubles as well.
    x1, y1, z1 = one
    x2, y2, z2 = other
    a = z1 * z2 % _P
    b = a * a % _P
    c = x1 * x2 % _P
    d = y1 * y2 % _P
    e = D * c * d % _P
    f = b - e
    g = b + e
    x3 = a * f % _P * ((x1 + y1) * (x2 + y2) - c - d) % _P
    y3 = a * g % _P * (d - A * c) % _P
    return x3, y3, f * g % _P


def _affine(point: _Projective) -> Point:
    x, y, z = point
    inverse = invert(z, _P)
    return Point(int(x * inverse % _P), int(y * inverse % _P))
