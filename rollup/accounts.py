"""Keys that the exchange holds for its users' accounts: random, and encrypted wherever they rest."""

import secrets
from functools import lru_cache
from typing import Final

from accounts import vault
from rollup.state.eddsa import PRIVATE_KEY_BYTES, public_key
from wallets import selectors as wallets
from wallets.chain.registration import NewKey

CACHED_MAX: Final = 4_096


def make_key() -> NewKey:
    """A new random key."""
    seed = secrets.token_bytes(PRIVATE_KEY_BYTES)
    point = public_key(seed)
    return NewKey(point.x, point.y, vault.encrypt(seed.hex()))


def custodial_seed(number: int) -> bytes:
    """The 32 secret bytes of an account by its number in the rollup, also after its user took it over.

    Raises LookupError when the exchange never had one.
    """
    encrypted = wallets.encrypted_seed(number=number)
    if encrypted is None:
        raise LookupError(f"the exchange has no key of account {number}")
    return _open(encrypted)


# By what is in the row and not by the number, which another database may give to another account.
@lru_cache(maxsize=CACHED_MAX)
def _open(encrypted: bytes) -> bytes:
    return bytes.fromhex(vault.decrypt(encrypted))
