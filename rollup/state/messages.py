"""What users sign, as field elements: orders, transfers, withdrawals, and that an account is theirs. Pure.

Each goes through the packing of slots (docs/rollup.md). What does not fit its place in it is refused with ValueError:
two requests must never have the same message.
"""

from typing import Final

from rollup.state.field import poseidon
from rollup.state.slots import (
    AMOUNT_BITS,
    ID_BITS,
    MAX_BPS,
    SETTLE,
    TIME_BITS,
    TRANSFER,
    WITHDRAW,
    SignedOrder,
    Slot,
    message,
)

# No operation of a slot: what is signed to link an account can never be a slot's message.
LINK: Final = 15
NUMBER_BITS: Final = 24
TOKEN_BITS: Final = 8
ADDRESS_BITS: Final = 160
ACCOUNT_BITS: Final = 63


def order_message(domain: int, *, number: int, sell_token: int, buy_token: int, order: SignedOrder) -> int:
    """An order of the rollup's account `number`."""
    _check(number, NUMBER_BITS)
    _check(sell_token, TOKEN_BITS)
    _check(buy_token, TOKEN_BITS)
    _check(order.id, ID_BITS)
    _check(order.side, 1)
    _check(order.sell_total, AMOUNT_BITS)
    _check(order.buy_total, AMOUNT_BITS)
    _check(order.valid_until, TIME_BITS)
    if not 0 <= order.max_fee_bps <= MAX_BPS:
        raise ValueError(f"{order.max_fee_bps} is no fee cap")
    return message(domain, Slot(SETTLE, number, (sell_token, buy_token), order=order))


def transfer_message(domain: int, *, number: int, token: int, amount: int, nonce: int, to: int) -> int:
    """A transfer of `amount` atoms to the account `to`, both numbers of the rollup."""
    _check_movement(number, token, amount, nonce)
    _check(to, NUMBER_BITS)
    return message(domain, Slot(TRANSFER, number, (token, 0), (amount, 0), nonce=nonce, to=to))


def withdrawal_message(domain: int, *, number: int, token: int, amount: int, nonce: int, recipient: int) -> int:
    """A withdrawal of `amount` atoms to an address, as a number."""
    _check_movement(number, token, amount, nonce)
    _check(recipient, ADDRESS_BITS)
    return message(domain, Slot(WITHDRAW, number, (token, 0), (amount, 0), nonce=nonce, recipient=recipient))


def link_message(domain: int, *, account: int, owner: int) -> int:
    """That the signer's key, with this owner on the chain, is to be the key of an account of the exchange."""
    _check(account, ACCOUNT_BITS)
    _check(owner, ADDRESS_BITS)
    return poseidon(domain, LINK + (account << 4), owner, 0)


def _check_movement(number: int, token: int, amount: int, nonce: int) -> None:
    _check(number, NUMBER_BITS)
    _check(token, TOKEN_BITS)
    _check(amount, AMOUNT_BITS)
    _check(nonce, ID_BITS)


def _check(value: int, bits: int) -> None:
    if not 0 <= value < 1 << bits:
        raise ValueError(f"{value} does not fit {bits} bits")
