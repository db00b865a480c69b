"""The scalar field of BN254, in which the circuit computes, and Poseidon over it as circomlib has it."""

from typing import Final

from light_poseidon_python import Hasher

MODULUS: Final = 21888242871839275222246405745257275088548364400416034343698204186575808495617

MAX_INPUTS: Final = 12

# The package's own shortcut takes no more than 64 bits; bytes carry whole elements.
_HASHERS: Final = {count: Hasher(count) for count in range(1, MAX_INPUTS + 1)}


def poseidon(*inputs: int) -> int:
    """Poseidon of 1 … 12 field elements. ValueError for another count, or if one is not in 0 … MODULUS - 1."""
    hasher = _HASHERS.get(len(inputs))
    if hasher is None:
        raise ValueError(f"Poseidon of {len(inputs)} elements")
    if min(inputs) < 0 or max(inputs) >= MODULUS:
        raise ValueError("not an element of the field")
    return int(hasher.hash_bytes_be([element.to_bytes(32, "big") for element in inputs]), 16)
