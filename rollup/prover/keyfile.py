"""What lies inside a proving key as groth16py saves it: the circuit's witness program, and its constraints.

The package runs the program itself, by an interpreter that takes twice as long as the proof (wasmtime: under a
second), and gives neither out; so they are read from the file. Layout of its version 0.2.0: the key, then the program
with its length before it, then a byte (0: it has constraints), the numbers of signals, of public ones and of
constraints, and these.
"""

from collections.abc import Sequence
from struct import Struct
from typing import Final, NamedTuple

from rollup.state.field import MODULUS

_WASM: Final = b"\0asm\x01\0\0\0"
_NUMBER_BYTES: Final = 8
_PART: Final = Struct("<Q32s")  # a signal's number, its factor

# A sum of signals with factors: (signal, factor) each; signal 0 is the constant 1.
Combination = list[tuple[int, int]]


class Constraint(NamedTuple):
    """a · b = c."""

    a: Combination
    b: Combination
    c: Combination

    def holds(self, witness: Sequence[int]) -> bool:
        """Whether the witness, all signals in order, fulfils it."""
        a, b, c = (sum(witness[signal] * factor for signal, factor in part) for part in self)
        return (a * b - c) % MODULUS == 0


class Constraints(NamedTuple):
    """What a proof says: some witness fulfils all of these. Its signals are the 1, `public` ones, and the rest."""

    signals: int
    public: int
    all: list[Constraint]

    def broken(self, witness: Sequence[int]) -> int | None:
        """The number of the first constraint that the witness does not fulfil; None if it fulfils all."""
        if len(witness) != self.signals or witness[0] != 1:
            raise ValueError("not a witness of this circuit")
        return next((number for number, constraint in enumerate(self.all) if not constraint.holds(witness)), None)


class UnknownKeyFile(ValueError):
    """The file is not laid out as it should be: another version of groth16py?"""


def program_in(key: bytes) -> bytes:
    """The circuit's WebAssembly program."""
    start = _program_start(key)
    return key[start : start + _number(key, start - _NUMBER_BYTES)]


def constraint_count(key: bytes) -> int:
    """How many constraints the circuit has."""
    start = _program_start(key)
    return _number(key, start + _number(key, start - _NUMBER_BYTES) + 1 + 2 * _NUMBER_BYTES)


def constraints_in(key: bytes) -> Constraints:
    """All of the circuit's constraints: a second or two for each hundred thousand."""
    start = _program_start(key)
    at = start + _number(key, start - _NUMBER_BYTES)
    if key[at] != 0:
        raise UnknownKeyFile("no constraints in it")
    signals, public, count = (_number(key, at + 1 + i * _NUMBER_BYTES) for i in range(3))
    at += 1 + 3 * _NUMBER_BYTES
    # The same few factors come again and again; one object each is a fraction of the memory.
    factors: dict[bytes, int] = {}

    def combination() -> Combination:
        nonlocal at
        start = at + _NUMBER_BYTES
        at = start + _number(key, at) * _PART.size
        parts = []
        for signal, packed in _PART.iter_unpack(key[start:at]):
            factor = factors.get(packed)
            if factor is None:
                factor = factors[packed] = _signed(int.from_bytes(packed, "little"))
            parts.append((signal, factor))
        return parts

    constraints = [Constraint(combination(), combination(), combination()) for _ in range(count)]
    if at != len(key):
        raise UnknownKeyFile("something after the constraints")
    return Constraints(signals, public, constraints)


def _signed(element: int) -> int:
    # Small factors below zero as what they are: products stay short.
    return element - MODULUS if element > MODULUS // 2 else element


def _program_start(key: bytes) -> int:
    start = key.find(_WASM)
    if start < _NUMBER_BYTES or start + _number(key, start - _NUMBER_BYTES) + 3 * _NUMBER_BYTES > len(key):
        raise UnknownKeyFile("no witness program in it")
    return start


def _number(key: bytes, at: int) -> int:
    return int.from_bytes(key[at : at + _NUMBER_BYTES], "little")
