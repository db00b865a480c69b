"""Slots of accounts whose keys a test knows: signed, opened, funded."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from rollup.state import eddsa
from rollup.state.ledger import Ledger
from rollup.state.slots import DEPOSIT, SET_KEY, Slot, message

Sign = Callable[..., Slot]


def signer(keys: Mapping[int, bytes], domain: int) -> Sign:
    """What signs a slot for its account, or with the key of another one (`by`), or for another domain."""

    def signed(slot: Slot, *, by: int | None = None, domain: int = domain) -> Slot:
        return replace(slot, signature=eddsa.sign(keys[by or slot.account], message(domain, slot)))

    return signed


def set_key(keys: Mapping[int, bytes], account: int, *, nonce: int = 0) -> Slot:
    """The account's key comes by the queue, and gives the nonce."""
    return Slot(SET_KEY, account, new_key=eddsa.public_key(keys[account]), nonce=nonce)


def deposit(account: int, token: int, amount: int) -> Slot:
    """So much of a token comes by the queue."""
    return Slot(DEPOSIT, account, (token, 0), (amount, 0))


def open_accounts(
    ledger: Ledger, keys: Mapping[int, bytes], *, amount: int, time_s: int, tokens: Iterable[int] = (1, 2),
    nonce: int = 0,
) -> Ledger:  # fmt: skip
    """Every account gets its key and so much of each token."""
    for account in keys:
        ledger.apply(set_key(keys, account, nonce=nonce), time_s)
        for token in tokens:
            ledger.apply(deposit(account, token, amount), time_s)
    return ledger
