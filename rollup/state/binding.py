"""What ties a block's data to its proof: h commits to the data before gamma is known (docs/rollup.md)."""

from collections.abc import Sequence

from Crypto.Hash import keccak

from rollup.state.field import MODULUS
from rollup.state.slots import commitment, domain_of

__all__ = ["commitment", "contract_of", "domain_of", "gamma"]

WORD_BYTES = 32


def gamma(chain_id: int, contract: int, h: int, data: Sequence[int]) -> int:
    """The point at which a block's polynomial is evaluated, as the contract computes it.

    keccak256 of chain id, contract, h and keccak256(data), each a word of 32 bytes, big-endian; mod the field's order.
    """
    digest = int.from_bytes(_keccak(data), "big")
    return int.from_bytes(_keccak([chain_id, contract, h, digest]), "big") % MODULUS


def contract_of(domain: int) -> tuple[int, int]:
    """(chain id, contract's address as a number) of a domain."""
    return domain >> 160, domain % 2**160


def _keccak(words: Sequence[int]) -> bytes:
    hasher = keccak.new(digest_bits=256)
    hasher.update(b"".join(word.to_bytes(WORD_BYTES, "big") for word in words))
    return bytes(hasher.digest())
