"""How large the trees and a block are. A circuit, its keys and a deployed contract belong to one set of them."""

from typing import Final, NamedTuple

from rollup.state.tree import ARITY


class Parameters(NamedTuple):
    """Depths of the quaternary trees of accounts, of an account's tokens and of its orders; slots of a block."""

    name: str
    account_depth: int
    token_depth: int
    order_depth: int
    slots: int

    @property
    def accounts(self) -> int:
        """How many accounts there can be."""
        return int(ARITY**self.account_depth)

    @property
    def tokens(self) -> int:
        """How many tokens there can be."""
        return int(ARITY**self.token_depth)

    @property
    def orders(self) -> int:
        """How many leaves an account has for orders."""
        return int(ARITY**self.order_depth)


TINY: Final = Parameters("tiny", 3, 1, 1, 4)  # for tests
DEV: Final = Parameters("dev", 6, 2, 2, 16)  # what `make run` uses
FULL: Final = Parameters("full", 8, 2, 4, 8)  # to compare with others
PROD: Final = Parameters("prod", 12, 4, 6, 8)
PARAMETERS: Final = {parameters.name: parameters for parameters in (TINY, DEV, FULL, PROD)}
