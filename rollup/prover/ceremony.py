"""What a ceremony needs of a circuit, and what is checked of the key that it gives (formats: iden3's r1cs and zkey).

The ceremony itself is snarkjs's: powers of tau, contributions, a beacon, `snarkjs zkey verify` (docs/runbook.md).
"""

import struct
from collections.abc import Iterator
from typing import Final

from rollup.prover.keyfile import Combination, Constraints
from rollup.state.field import MODULUS

ELEMENT_BYTES: Final = 32
_HEADER, _COEFFICIENTS = 2, 4
_NUMBER = struct.Struct("<I")
_SECTION = struct.Struct("<IQ")
_COEFFICIENT = struct.Struct("<III32s")  # matrix (0: a, 1: b), constraint, signal, factor
# A zkey keeps factors times R², R = 2^256.
_UNSCALED: Final = pow(2**512, -1, MODULUS)


class WrongCeremony(ValueError):
    """The file is no key of this circuit; the text says where it differs."""


def r1cs(constraints: Constraints) -> bytes:
    """The circuit in the file format that snarkjs makes a key from."""
    inputs = constraints.signals - 1 - constraints.public
    header = (
        _NUMBER.pack(ELEMENT_BYTES)
        + MODULUS.to_bytes(ELEMENT_BYTES, "little")
        # Outputs and public inputs are one to a key; so are private inputs and all other signals.
        + b"".join(map(_NUMBER.pack, (constraints.signals, constraints.public, 0, inputs)))
        + constraints.signals.to_bytes(8, "little")
        + _NUMBER.pack(len(constraints.all))
    )
    body = b"".join(_packed(part) for constraint in constraints.all for part in constraint)
    labels = b"".join(signal.to_bytes(8, "little") for signal in range(constraints.signals))
    sections = ((1, header), (2, body), (3, labels))
    return (
        b"r1cs"
        + _NUMBER.pack(1)
        + _NUMBER.pack(len(sections))
        + b"".join(_SECTION.pack(kind, len(content)) + content for kind, content in sections)
    )


def check_zkey(zkey: bytes, constraints: Constraints) -> None:
    """Refuse a key that is not of these constraints. WrongCeremony with the first difference.

    A key holds a and b of each constraint in plain; c only inside its points: for that, a proof must be made and
    verified besides.
    """
    sections = dict(_sections(zkey))
    try:
        signals, public = _counts(sections[_HEADER])
        found = _coefficients(sections[_COEFFICIENTS])
    except (KeyError, IndexError, struct.error) as error:
        raise WrongCeremony("no Groth16 key of BN254") from error
    if (signals, public) != (constraints.signals, constraints.public):
        wanted = f"the circuit has {constraints.signals:,} and {constraints.public}"
        raise WrongCeremony(f"{signals:,} signals, {public} of them public; {wanted}")
    expected = {
        (matrix, number, signal): factor % MODULUS
        for number, constraint in enumerate(constraints.all)
        for matrix, part in enumerate((constraint.a, constraint.b))
        for signal, factor in part
    }
    # The key's own rows, which tie the public signals.
    for signal in range(public + 1):
        expected[0, len(constraints.all) + signal, signal] = 1
    if found != expected:
        different = min(place for place in found.keys() | expected.keys() if found.get(place) != expected.get(place))
        raise WrongCeremony(f"constraint {different[1]:,} is another")


def _packed(part: Combination) -> bytes:
    return _NUMBER.pack(len(part)) + b"".join(
        _NUMBER.pack(signal) + (factor % MODULUS).to_bytes(ELEMENT_BYTES, "little") for signal, factor in part
    )


def _sections(zkey: bytes) -> Iterator[tuple[int, bytes]]:
    if zkey[:4] != b"zkey":
        raise WrongCeremony("no zkey file")
    at = 4 + 2 * _NUMBER.size
    while at + _SECTION.size <= len(zkey):
        kind, length = _SECTION.unpack_from(zkey, at)
        at += _SECTION.size
        yield kind, zkey[at : at + length]
        at += length


def _counts(header: bytes) -> tuple[int, int]:
    # Both fields (of the curve's points, of the circuit) by length and modulus, then signals and public ones.
    at = _NUMBER.size + _NUMBER.unpack_from(header)[0]
    size = _NUMBER.unpack_from(header, at)[0]
    at += _NUMBER.size
    if int.from_bytes(header[at : at + size], "little") != MODULUS:
        raise IndexError
    signals, public = struct.Struct("<II").unpack_from(header, at + size)
    return signals, public


def _coefficients(section: bytes) -> dict[tuple[int, int, int], int]:
    (count,) = _NUMBER.unpack_from(section)
    if len(section) != _NUMBER.size + count * _COEFFICIENT.size:
        raise IndexError
    # The same few factors come again and again.
    factors: dict[bytes, int] = {}
    found = {}
    for matrix, constraint, signal, packed in _COEFFICIENT.iter_unpack(section[_NUMBER.size :]):
        if packed not in factors:
            factors[packed] = int.from_bytes(packed, "little") * _UNSCALED % MODULUS
        found[matrix, constraint, signal] = factors[packed]
    return found
