"""Poseidon over BN254 in plain Python, with circomlib's constants: for Pythons to which the Rust package has no wheel.

L. Grassi et al., "Poseidon: A New Hash Function for Zero-Knowledge Proof Systems" (USENIX Security 2021): x^5, 8 full
rounds; constants by its Grain generator; partial rounds by sparse matrices (appendix B). Measured: three times
as long as the Rust one for four elements, as long for twelve; a tenth of a second for the constants, once a width.
"""

from collections.abc import Iterator
from functools import cache
from itertools import islice
from operator import mul
from typing import Final, NamedTuple

from gmpy2 import invert, mpz

MODULUS: Final = 21888242871839275222246405745257275088548364400416034343698204186575808495617
_P: Final = mpz(MODULUS)
_BITS: Final = 254
_FULL_ROUNDS: Final = 8
# For 1 … 12 inputs, as circomlib has them.
_PARTIAL_ROUNDS: Final = (56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65)

_Vector = list[mpz]
_Matrix = list[_Vector]


class _Partial(NamedTuple):
    # One partial round: what is added to the first element after its power, and the sparse matrix's row and column.
    constant: mpz
    row: _Vector
    column: _Vector


class _Schedule(NamedTuple):
    full_before: list[_Vector]
    matrix: _Matrix
    partial_start: _Vector
    partial: list[_Partial]
    partial_end: _Matrix
    full_after: list[_Vector]


def permuted(inputs: tuple[int, ...]) -> int:
    """Poseidon of 1 … 12 field elements, which the caller has checked."""
    schedule = _schedule(len(inputs) + 1)
    state: _Vector = [mpz(0), *map(mpz, inputs)]
    for constants in schedule.full_before:
        state = _full_round(state, constants, schedule.matrix)
    state = [element + constant for element, constant in zip(state, schedule.partial_start, strict=True)]
    first, rest = state[0], state[1:]
    for constant, row, column in schedule.partial:
        square = first * first % _P
        power = square * square % _P * first % _P + constant
        first = (row[0] * power + sum(map(mul, row[1:], rest))) % _P
        # Not reduced on the way: sixty products more make them but a few bits longer.
        rest = [element + factor * power for element, factor in zip(rest, column, strict=True)]
    state = [first, *_times(schedule.partial_end, rest)]
    for constants in schedule.full_after:
        state = _full_round(state, constants, schedule.matrix)
    return int(state[0])


def _full_round(state: _Vector, constants: _Vector, matrix: _Matrix) -> _Vector:
    powers = []
    for element, constant in zip(state, constants, strict=True):
        base = element + constant
        square = base * base % _P
        powers.append(square * square % _P * base % _P)
    return _times(matrix, powers)


@cache
def _schedule(width: int) -> _Schedule:
    partial_rounds = _PARTIAL_ROUNDS[width - 2]
    grain = _grain(width, partial_rounds)
    rounds = _FULL_ROUNDS + partial_rounds
    constants = [[_below_modulus(grain) for _ in range(width)] for _ in range(rounds)]
    seeds = [_number(grain) % _P for _ in range(2 * width)]
    matrix = [[invert(x + y, _P) for y in seeds[width:]] for x in seeds[:width]]
    half = _FULL_ROUNDS // 2
    start, scalars = _moved_constants(constants[half : half + partial_rounds], matrix)
    sparse, end = _sparse(matrix, partial_rounds)
    partial = [_Partial(scalar, row, column) for scalar, (row, column) in zip(scalars, sparse, strict=True)]
    return _Schedule(constants[:half], matrix, start, partial, end, constants[half + partial_rounds :])


def _moved_constants(constants: list[_Vector], matrix: _Matrix) -> tuple[_Vector, _Vector]:
    # A constant is added before a round's power. All but the first element pass through the power as they are, so from
    # the last round on theirs go back through the matrix into the round before; what is left is added after a power.
    back = _inverse(matrix)
    scalars, carried = [mpz(0)], constants[-1]
    for earlier in reversed(constants[:-1]):
        moved = _times(back, carried)
        scalars.append(moved[0])
        carried = [earlier[0], *[(one + other) % _P for one, other in zip(earlier[1:], moved[1:], strict=True)]]
    return carried, scalars[::-1]


def _sparse(matrix: _Matrix, rounds: int) -> tuple[list[tuple[_Vector, _Vector]], _Matrix]:
    # matrix = inner · sparse, where inner leaves the first element alone and so may wait until after the next power.
    width = len(matrix)
    pairs = []
    inner = [[mpz(row == column) for column in range(width - 1)] for row in range(width - 1)]
    for _ in range(rounds):
        # The matrix times the inner part that waits.
        columns = list(zip(*inner, strict=True))
        product = [[row[0], *[sum(map(mul, row[1:], column)) % _P for column in columns]] for row in matrix]
        inner = [row[1:] for row in product[1:]]
        pairs.append((product[0], _times(_inverse(inner), [row[0] for row in product[1:]])))
    return pairs, inner


def _times(matrix: _Matrix, vector: _Vector) -> _Vector:
    return [sum(map(mul, row, vector)) % _P for row in matrix]


def _inverse(matrix: _Matrix) -> _Matrix:
    # Gauss and Jordan; every submatrix of a Cauchy matrix has an inverse.
    size = len(matrix)
    rows = [[*row, *[mpz(column == number) for column in range(size)]] for number, row in enumerate(matrix)]
    for number in range(size):
        pivot = next(row for row in range(number, size) if rows[row][number])
        rows[number], rows[pivot] = rows[pivot], rows[number]
        scale = invert(rows[number][number], _P)
        rows[number] = [element * scale % _P for element in rows[number]]
        for other in range(size):
            if other != number and rows[other][number]:
                factor = rows[other][number]
                rows[other] = [(e - factor * p) % _P for e, p in zip(rows[other], rows[number], strict=True)]
    return [row[size:] for row in rows]


def _grain(width: int, partial_rounds: int) -> Iterator[int]:
    # The paper's appendix E: a register of 80 bits, begun with the parameters; of two bits the first says whether the
    # second counts.
    bits = []
    for value, length in ((1, 2), (0, 4), (_BITS, 12), (width, 12), (_FULL_ROUNDS, 10), (partial_rounds, 10)):
        bits += [value >> (length - 1 - at) & 1 for at in range(length)]
    register = bits + [1] * 30

    def next_bit() -> int:
        new = register[62] ^ register[51] ^ register[38] ^ register[23] ^ register[13] ^ register[0]
        register.append(new)
        del register[0]
        return new

    for _ in range(160):
        next_bit()
    while True:
        counts, bit = next_bit(), next_bit()
        if counts:
            yield bit


def _number(grain: Iterator[int]) -> mpz:
    return mpz(int("".join(map(str, islice(grain, _BITS))), 2))


def _below_modulus(grain: Iterator[int]) -> mpz:
    while (number := _number(grain)) >= _P:
        pass
    return number
