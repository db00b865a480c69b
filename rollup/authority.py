"""What the state manager may do in the exchange's name: the contract's domain, keys of custodial accounts."""

from functools import lru_cache
from typing import Final

from rollup.accounts import custodial_seed
from rollup.state.binding import domain_of
from rollup.state.eddsa import PrivateKey
from wallets.chain import deployment, keys

CACHED_MAX: Final = 4_096


class ChainAuthority:
    """Of the deployment that counts. Everything raises NotDeployed while there is none."""

    def domain(self) -> int:
        """The domain of the contract on its chain."""
        now = deployment.current()
        return domain_of(now.chain_id, int(now.address, 16))

    def key(self, number: int) -> PrivateKey:
        """The key of an account by its number. LookupError if the exchange has none."""
        return _private_key(custodial_seed(number))

    def by_hand(self) -> int:
        """The exchange's custody address as a number."""
        return int(keys.key("custody").address, 16)


@lru_cache(maxsize=CACHED_MAX)
def _private_key(seed: bytes) -> PrivateKey:
    # By the seed and not by the number, which another database may give to another account.
    return PrivateKey(seed)
