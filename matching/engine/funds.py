"""Commands that move money in, out and across: deposits, withdrawals, transfers."""

from collections.abc import Sequence
from typing import Any

from matching.engine.commands import SIGNATURE_FIELDS
from matching.engine.events import Event
from matching.engine.signing import MAX_RECIPIENT, as_plain, is_signature, why_not_signer
from matching.engine.state import Balance, Key, State
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


def is_stranger(state: State, account_id: int) -> bool:
    """Whether there are registered accounts, and this is none of them: value could not follow it to the chain."""
    account = state.accounts_by_id.get(account_id)
    return state.registry is not None and (account is None or account.key is None)


def why_not_next(state: State, source: int, index: int, deadline: int) -> str | None:
    """The code if an entry is not the next one of a source that counts, or None."""
    last = state.sources.get(source, 0)
    if index <= last:
        return "already_applied"
    if 0 < deadline < state.time_us:
        return "deadline_passed"
    if state.registry not in (None, source):
        return "unknown_source"
    return "index_gap" if index > last + 1 else None


def deposit(state: State, command: Any) -> list[Event]:
    """Handle `deposit`: credit an account; the index within a source makes it happen once."""
    _, deadline, source, index, account_id, asset_id, amount = command
    code = why_not_next(state, source, index, deadline)
    if code is None and account_id < 1:
        code = "invalid_account"
    elif code is None and is_stranger(state, account_id):
        code = "account_not_registered"
    elif code is None:
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
    return _hold(state, command, ())


def signed_withdraw(state: State, command: Any) -> list[Event]:
    """Handle `signed_withdraw`: a user's own withdrawal is held and leaves at once."""
    signature, plain = as_plain(command, "hold", len(SIGNATURE_FIELDS))
    events = _hold(state, plain, signature)
    if events[0][0] != "rejected":
        events += end_withdrawal(state, ["complete", 0, plain[2]])
    return events


def _hold(state: State, command: Any, signature: Sequence[int]) -> list[Event]:
    _, deadline, withdrawal, account_id, asset_id, amount, recipient = command
    balance = None
    code: str | None
    if withdrawal in state.withdrawals or withdrawal in state.released or withdrawal in state.completed:
        code = "already_applied"
    elif 0 < deadline < state.time_us:
        code = "deadline_passed"
    elif withdrawal < 1 or not bool(signature) <= recipient <= MAX_RECIPIENT or not _can_be_signature(signature):
        code = "invalid_parameter"
    elif account_id < 1:
        code = "invalid_account"
    else:
        code = _why_not_spend(state, account_id, asset_id, amount, signature)
        if code is None:
            balance = _spendable(state, account_id, asset_id, amount)
            code = "insufficient_balance"
    if balance is None:
        return [("rejected", code)]
    balance.available -= amount
    state.withdrawals[withdrawal] = (account_id, asset_id, amount, recipient)
    return [
        *_use_nonce(state, account_id, signature), ("hold", withdrawal, account_id, asset_id, amount, recipient),
    ]  # fmt: skip


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
    account_id, asset_id, amount, recipient = held
    del state.withdrawals[withdrawal]
    ended.add(withdrawal)
    if kind == "release":
        state.accounts_by_id[account_id].balances[asset_id].available += amount
    else:
        state.assets[asset_id].total -= amount
    return [(kind, withdrawal, account_id, asset_id, amount, recipient)]


def transfer(state: State, command: Any) -> list[Event]:
    """Handle `transfer`: move an amount between accounts, or pay collected fees out of account 0."""
    return _transfer(state, command, ())


def signed_transfer(state: State, command: Any) -> list[Event]:
    """Handle `signed_transfer`."""
    signature, plain = as_plain(command, "transfer", len(SIGNATURE_FIELDS))
    return _transfer(state, plain, signature)


def _transfer(state: State, command: Any, signature: Sequence[int]) -> list[Event]:
    _, deadline, id, source, to, asset_id, amount = command
    balance = None
    code: str | None
    if id in state.transfers:
        code = "already_applied"
    elif 0 < deadline < state.time_us:
        code = "deadline_passed"
    elif id < 1 or source == to or not _can_be_signature(signature):
        code = "invalid_parameter"
    elif source < 0 or to < 1:
        code = "invalid_account"
    else:
        code = _why_not_spend(state, source, asset_id, amount, signature, to=to)
        if code is None:
            balance = _spendable(state, source, asset_id, amount)
            code = "insufficient_balance"
    if balance is None:
        return [("rejected", code)]
    balance.available -= amount
    state.account(to).balance(asset_id).available += amount
    state.transfers.add(id)
    return [*_use_nonce(state, source, signature), ("transfer", id, source, to, asset_id, amount)]


def _can_be_signature(signature: Sequence[int]) -> bool:
    return not signature or is_signature(*signature[2:])


def _why_not_spend(
    state: State, account_id: int, asset_id: int, amount: int, signature: Sequence[int], to: int | None = None
) -> str | None:
    """Whether custody, asset, amount, receiver and nonce forbid it; a plain command has no signature."""
    code = why_not_signer(state, account_id, signature) or _bad_amount(state, asset_id, amount)
    if code is None and to is not None and is_stranger(state, to):
        code = "account_not_registered"
    if code is None and signature and signature[2] != _key_of(state, account_id).nonce:
        code = "invalid_nonce"
    return code


def _key_of(state: State, account_id: int) -> Key:
    key = state.accounts_by_id[account_id].key
    assert key is not None
    return key


def _use_nonce(state: State, account_id: int, signature: Sequence[int]) -> list[Event]:
    """The event that goes before what was signed, if it was; the nonce is used up."""
    if not signature:
        return []
    _key_of(state, account_id).nonce += 1
    return [("signature", *signature[2:])]
