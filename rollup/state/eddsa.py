"""EdDSA-Poseidon on BabyJubjub, byte for byte as circomlibjs and @zk-kit/eddsa-poseidon have it."""

from typing import NamedTuple

from rollup.state.babyjubjub import SUBGROUP_ORDER, Point, add, has_low_order, is_on_curve, multiply, multiply_base
from rollup.state.blake512 import blake512
from rollup.state.field import MODULUS, poseidon

PRIVATE_KEY_BYTES = 32


class Signature(NamedTuple):
    """A signature: the point R and the scalar S in 0 … SUBGROUP_ORDER - 1."""

    r: Point
    s: int


class PrivateKey:
    """32 secret bytes made ready to sign more than once. ValueError if there are not 32."""

    def __init__(self, secret: bytes) -> None:
        # The scalar is a multiple of 8 of 255 bits, as RFC 8032 prunes it; the other half seeds the nonces.
        if len(secret) != PRIVATE_KEY_BYTES:
            raise ValueError("a private key has 32 bytes")
        digest = bytearray(blake512(secret))
        digest[0] &= 0xF8
        digest[31] = digest[31] & 0x7F | 0x40
        self._scalar = int.from_bytes(digest[:32], "little")
        self._seed = bytes(digest[32:])
        self.public = multiply_base(self._scalar >> 3)

    def sign(self, message: int) -> Signature:
        """Sign a field element. ValueError if it is none. Deterministic."""
        if not 0 <= message < MODULUS:
            raise ValueError("not an element of the field")
        digest = blake512(self._seed + message.to_bytes(32, "little"))
        nonce = int.from_bytes(digest, "little") % SUBGROUP_ORDER
        r = multiply_base(nonce)
        challenge = poseidon(*r, *self.public, message)
        return Signature(r, (nonce + challenge * self._scalar) % SUBGROUP_ORDER)


def public_key(private_key: bytes) -> Point:
    """The public key of 32 secret bytes. ValueError if there are not 32."""
    return PrivateKey(private_key).public


def sign(private_key: bytes, message: int) -> Signature:
    """Sign a field element. ValueError if it is none, or for a wrong key. Deterministic."""
    return PrivateKey(private_key).sign(message)


def is_signed(key: Point, message: int, signature: Signature) -> bool:
    """Whether the owner of `key` signed `message`; False for whatever is out of range, off the curve, of low order."""
    r, s = signature
    if not (0 <= message < MODULUS and 0 <= s < SUBGROUP_ORDER and is_on_curve(key) and is_on_curve(r)):
        return False
    if has_low_order(key):
        return False
    challenge = poseidon(*r, *key, message)
    return multiply_base(s) == add(r, multiply(key, 8 * challenge))
