"""The accounts that the circuit's tests speak of, and short names for what they do."""

from rollup.state.ledger import Ledger
from rollup.state.parameters import TINY
from rollup.state.slots import (  # fmt: skip
    CREDIT,
    DEPOSIT,
    FEE,
    FORCED_EXIT,
    NET,
    SELL,
    SETTLE,
    TRANSFER,
    WITHDRAW,
    SignedOrder,
    Slot,
    domain_of,
)
from tests.rollup.people import open_accounts, signer

CHAIN, CONTRACT = 31337, 0x5FBDB2315678AFECB367F032D93F642F64180AA3
DOMAIN = domain_of(CHAIN, CONTRACT)
ALICE, BOB, TWIN, NOBODY = 1, 2, 3, 9
# TWIN has Alice's key: what she signed must not be hers.
KEYS = {ALICE: bytes([1]) * 32, BOB: bytes([2]) * 32, TWIN: bytes([1]) * 32}
GOLD, SILVER = 1, 2
NOW = 1_000
WEALTH = 10_000
NONCE = 1 << 32
SALE = SignedOrder(id=7, side=SELL, sell_total=200, buy_total=1_000, valid_until=2_000, max_fee_bps=20)
PURCHASE = SALE._replace(side=1)


def new_ledger() -> Ledger:
    """Alice, Bob and the twin, each with a key and 10,000 of gold and silver."""
    return open_accounts(Ledger(TINY, DOMAIN), KEYS, amount=WEALTH, time_s=NOW, tokens=(GOLD, SILVER), nonce=NONCE)


signed = signer(KEYS, DOMAIN)


def settle(
    order: SignedOrder = SALE, debit: int = 100, gross: int = 500, fee: int = 0, *, account: int = ALICE,
    tokens: tuple[int, int] = (GOLD, SILVER), by: int | None = None, domain: int = DOMAIN,
) -> Slot:  # fmt: skip
    return signed(Slot(SETTLE, account, tokens, (debit, gross), fees=(0, fee), order=order), by=by, domain=domain)


def net(
    gold: int, silver: int, fees: tuple[int, int] = (0, 0), *, account: int = BOB, nonce: int = NONCE,
    tokens: tuple[int, int] = (GOLD, SILVER), by: int | None = None, domain: int = DOMAIN,
) -> Slot:  # fmt: skip
    return signed(
        Slot(NET, account, tokens, (abs(gold), abs(silver)), (int(gold > 0), int(silver > 0)), fees, nonce=nonce),
        by=by, domain=domain,
    )  # fmt: skip


def transfer(
    amount: int = 5, *, to: int = BOB, token: int = GOLD, account: int = ALICE, nonce: int = NONCE,
    by: int | None = None, domain: int = DOMAIN,
) -> Slot:  # fmt: skip
    return signed(Slot(TRANSFER, account, (token, 0), (amount, 0), to=to, nonce=nonce), by=by, domain=domain)


def withdraw(
    amount: int = 5, *, recipient: int = 0xCAFE, token: int = GOLD, account: int = ALICE, nonce: int = NONCE,
    by: int | None = None, domain: int = DOMAIN,
) -> Slot:  # fmt: skip
    return signed(
        Slot(WITHDRAW, account, (token, 0), (amount, 0), recipient=recipient, nonce=nonce), by=by, domain=domain
    )


def credit(amount: int = 5, *, account: int = BOB, token: int = GOLD) -> Slot:
    return Slot(CREDIT, account, (token, 0), (amount, 0))


def deposit(amount: int = 5, *, account: int = ALICE, token: int = GOLD) -> Slot:
    return Slot(DEPOSIT, account, (token, 0), (amount, 0))


def forced_exit(amount: int = WEALTH, *, account: int = ALICE, token: int = GOLD) -> Slot:
    return Slot(FORCED_EXIT, account, (token, 0), (amount, 0))


def fee(gold: int, silver: int, *, account: int = 0) -> Slot:
    return Slot(FEE, account, (GOLD, SILVER), (gold, silver))
