"""The journal folded into balances and the double-entry ledger. See matching.projection for how."""

from matching.projection import Projection
from wallets.projection.assets import Assets
from wallets.projection.balances import Balances
from wallets.projection.ledger import Ledger
from wallets.projection.movements import Movements
from wallets.projection.signers import Signers

NAME = "wallets"


def make_projection() -> Projection:
    """The projection `wallets`."""
    assets = Assets()
    return Projection(NAME, [assets, Balances(assets), Ledger(assets), Movements(), Signers()])
