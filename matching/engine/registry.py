"""What the chain tells: accounts' keys, and exits that their owners force (docs/protocol.md, section 11)."""

from collections.abc import Sequence
from typing import Any

from matching.engine.commands import CUSTODIAL, SELF_CUSTODY
from matching.engine.ending import cancel_everything
from matching.engine.events import Event
from matching.engine.funds import why_not_next
from matching.engine.signing import MAX_L2, NONCES_OF_ENTRY, is_point
from matching.engine.state import Account, Key, State


def key(state: State, command: Any) -> list[Event]:
    """Handle `key`: an account has a key, or another one, or takes it into its own custody."""
    _, deadline, source, index, account_id, l2, custody, x, y = command
    code = why_not_next(state, source, index, deadline) or _why_not_key(state, command)
    if code:
        return [("rejected", code)]
    account = state.account(account_id)
    was_custodial = account.key is not None and account.key.custody == CUSTODIAL
    if account.key is None:
        account.key = Key(l2, custody, x, y, 0)
        state.l2_accounts[l2] = account
    account.key.custody, account.key.x, account.key.y = custody, x, y
    account.key.nonce = index * NONCES_OF_ENTRY
    state.registry = source
    state.sources[source] = index
    if account.signs:
        for market in state.markets.values():
            market.plain_seats.pop(account_id, None)
    events: list[Event] = [("key", source, index, account_id, l2, custody, x, y), *cancel_everything(state, account)]
    if was_custodial and account.signs:
        # The user signed none of the withdrawals that the exchange was about to make.
        events += _release(state, account, list(state.assets))
    return events


def _why_not_key(state: State, command: Any) -> str | None:
    _, _, _, index, account_id, l2, custody, x, y = command
    if account_id < 0:
        return "invalid_account"
    account = state.accounts_by_id.get(account_id)
    known = account.key if account is not None else None
    if (
        index >= NONCES_OF_ENTRY
        or not 0 <= l2 <= MAX_L2
        or custody not in (SELF_CUSTODY, CUSTODIAL)
        or not is_point(x, y)
        or (known is None and l2 in state.l2_accounts)
        or (known is not None and (known.l2 != l2 or custody > known.custody))
    ):
        return "invalid_parameter"
    if state.registry is None and any(asset.total for asset in state.assets.values()):
        return "balances_exist"
    return None


def exit_all(state: State, command: Any) -> list[Event]:
    """Handle `exit`: the account's orders end, its withdrawals of the asset come back, then all of it leaves."""
    _, deadline, source, index, account_id, asset_id = command
    account = state.accounts_by_id.get(account_id)
    code = why_not_next(state, source, index, deadline)
    if code is None and account_id < 0:
        code = "invalid_account"
    elif code is None and (account is None or account.key is None):
        code = "account_not_registered"
    elif code is None and asset_id not in state.assets:
        code = "unknown_asset"
    if code or account is None:
        return [("rejected", code)]
    state.sources[source] = index
    events = cancel_everything(state, account)
    events += _release(state, account, [asset_id])
    balance = account.balance(asset_id)
    amount, balance.available = balance.available, 0
    state.assets[asset_id].total -= amount
    events.append(("exit", source, index, account_id, asset_id, amount))
    return events


def _release(state: State, account: Account, assets: Sequence[int]) -> list[Event]:
    """Give the account's withdrawals of these assets back, those that are held."""
    events: list[Event] = []
    for id, held in sorted(state.withdrawals.items()):
        account_id, asset_id, amount, _ = held
        if account_id == account.id and asset_id in assets:
            del state.withdrawals[id]
            state.released.add(id)
            account.balance(asset_id).available += amount
            events.append(("release", id, *held))
    return events
