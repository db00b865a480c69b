"""Commands that move money in, out and across: deposits, withdrawals, transfers."""

from typing import Any

from matching.engine.events import Event
from matching.engine.state import Balance, State
from matching.money import MAX_AMOUNT


def _bad_amount(state: State, asset_id: int, amount: int) -> str | None:
    if asset_id not in state.assets:
        return "unknown_asset"
    return None if 1 <= amount <= MAX_AMOUNT else "invalid_amount"


def _spendable(state: State, account_id: int, asset_id: int, amount: int) -> Balance | None:
    """The account's balance of the asset if `amount` of it is available."""
    account = state.accounts_by_id.get(account_id)
    balance = account.balances.get(asset_id) if account else None
    return balance if balance is not None and balance.available >= amount else None


def deposit(state: State, command: Any) -> list[Event]:
    """Handle `deposit`: credit an account; the index within a source makes it happen once."""
    _, deadline, source, index, account_id, asset_id, amount = command
    last = state.sources.get(source, 0)
    code: str | None
    if index <= last:
        code = "already_applied"
    elif 0 < deadline < state.time_us:
        code = "deadline_passed"
    elif index > last + 1:
        code = "index_gap"
    elif account_id < 1:
        code = "invalid_account"
    else:
        code = _bad_amount(state, asset_id, amount)
        if code is None and state.assets[asset_id].total + amount > MAX_AMOUNT:
            code = "balance_overflow"
    if code:
        return [("rejected", code)]
    state.sources[source] = index
    state.assets[asset_id].total += amount
    state.account(account_id).balance(asset_id).available += amount
    return [("deposit", source, index, account_id, asset_id, amount)]


def hold(state: State, command: Any) -> list[Event]:
    """Handle `hold`: set an amount aside for a withdrawal."""
    _, deadline, withdrawal, account_id, asset_id, amount = command
    balance = None
    code: str | None
    if withdrawal in state.withdrawals or withdrawal in state.released or withdrawal in state.completed:
        code = "already_applied"
    elif 0 < deadline < state.time_us:
        code = "deadline_passed"
    elif withdrawal < 1:
        code = "invalid_parameter"
    elif account_id < 1:
        code = "invalid_account"
    else:
        code = _bad_amount(state, asset_id, amount)
        if code is None:
            balance = _spendable(state, account_id, asset_id, amount)
            code = "insufficient_balance"
    if balance is None:
        return [("rejected", code)]
    balance.available -= amount
    balance.held += amount
    state.withdrawals[withdrawal] = (account_id, asset_id, amount)
    return [("hold", withdrawal, account_id, asset_id, amount)]


def end_withdrawal(state: State, command: Any) -> list[Event]:
    """Handle `release` (give the amount back) and `complete` (it has left the exchange)."""
    kind, deadline, withdrawal = command
    if 0 < deadline < state.time_us:
        return [("rejected", "deadline_passed")]
    ended = state.released if kind == "release" else state.completed
    held = state.withdrawals.get(withdrawal)
    if held is None:
        code = "already_applied" if withdrawal in ended else "unknown_withdrawal"
        return [("rejected", code)]
    account_id, asset_id, amount = held
    del state.withdrawals[withdrawal]
    ended.add(withdrawal)
    balance = state.accounts_by_id[account_id].balances[asset_id]
    balance.held -= amount
    if kind == "release":
        balance.available += amount
    else:
        state.assets[asset_id].total -= amount
    return [(kind, withdrawal, account_id, asset_id, amount)]


def transfer(state: State, command: Any) -> list[Event]:
    """Handle `transfer`: move an amount between accounts, or pay collected fees out of account 0."""
    _, deadline, id, source, to, asset_id, amount = command
    balance = None
    code: str | None
    if id in state.transfers:
        code = "already_applied"
    elif 0 < deadline < state.time_us:
        code = "deadline_passed"
    elif id < 1 or source == to:
        code = "invalid_parameter"
    elif source < 0 or to < 1:
        code = "invalid_account"
    else:
        code = _bad_amount(state, asset_id, amount)
        if code is None:
            balance = _spendable(state, source, asset_id, amount)
            code = "insufficient_balance"
    if balance is None:
        return [("rejected", code)]
    balance.available -= amount
    state.account(to).balance(asset_id).available += amount
    state.transfers.add(id)
    return [("transfer", id, source, to, asset_id, amount)]
