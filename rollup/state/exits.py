"""An escape: what proves, after the contract was frozen, that an account had so much of a token."""

from typing import Any

from rollup.state.blocks import siblings
from rollup.state.ledger import Ledger


def exit_inputs(ledger: Ledger, account: int, token: int) -> dict[str, Any]:
    """The inputs of the exit circuit; root, account, token and amount (atoms, may be 0) are the public ones.

    IndexError for an account or token outside the trees.
    """
    owner = ledger.account(account)
    return {
        "root": ledger.root, "account": account, "token": token, "amount": owner.balances.get(token),
        "key": list(owner.key), "nonce": owner.nonce, "orderRoot": owner.orders.root,
        "accountPath": siblings(account, ledger.tree.path(account)),
        "tokenPath": siblings(token, owner.balances.path(token)),
    }  # fmt: skip
