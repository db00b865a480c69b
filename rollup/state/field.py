"""The scalar field of BN254, in which the circuit computes, and Poseidon over it as circomlib has it."""

from typing import Any, Final

from rollup.state.poseidon import MODULUS, permuted

try:
    from light_poseidon_python import Hasher
except ImportError:
    # It has wheels for Python 3.11 alone; elsewhere plain Python takes three times as long.
    Hasher = None

__all__ = ["MAX_INPUTS", "MODULUS", "poseidon"]

MAX_INPUTS: Final = 12

# The package's own shortcut takes no more than 64 bits; bytes carry whole elements.
_HASHERS: Final[dict[int, Any]] = {count: Hasher and Hasher(count) for count in range(1, MAX_INPUTS + 1)}


def poseidon(*inputs: int) -> int:
    """Poseidon of 1 … 12 field elements. ValueError for another count, or if one is not in 0 … MODULUS - 1."""
    if len(inputs) not in _HASHERS:
        raise ValueError(f"Poseidon of {len(inputs)} elements")
    if min(inputs) < 0 or max(inputs) >= MODULUS:
        raise ValueError("not an element of the field")
    hasher = _HASHERS[len(inputs)]
    if hasher is None:
        return permuted(inputs)
    return int(hasher.hash_bytes_be([element.to_bytes(32, "big") for element in inputs]), 16)
