"""Reads of the state: accounts and their proofs, and which block covers a trade.

`sealed` is the state after the newest block, `final` the state whose root the contract has and keeps.
"""

import threading
from dataclasses import dataclass
from functools import cache
from typing import Literal

from django.conf import settings

from rollup import blocks
from rollup.models import Block
from rollup.state.babyjubjub import Point
from rollup.state.ledger import Ledger
from rollup.state.parameters import PARAMETERS, Parameters
from rollup.state.published import apply_block
from rollup.state.tree import Path

At = Literal["sealed", "final"]


class UnknownAccount(LookupError):
    """No account of that number can be, or token, in trees of these sizes."""


@dataclass(frozen=True)
class AccountState:
    """An account after a block (0: before the first); balances in atoms by token, without those that are 0."""

    block: int
    root: int
    number: int
    key: Point
    nonce: int
    balances: dict[int, int]
    # The order leaves that are not empty, by their place: (id, filled).
    orders: dict[int, tuple[int, int]]


@dataclass(frozen=True)
class BalanceProof:
    """That an account has a balance in the state with a root.

    The balance hashes by `balance_path` to the root of the account's balances; Poseidon(key x, key y, nonce, that
    root, `order_root`) is the account's leaf; this hashes by `account_path` to `root`. A path has, from the leaf up,
    the four children of each node on the way; index of the leaf: the token, the account's number.
    """

    block: int
    root: int
    account: int
    key: Point
    nonce: int
    order_root: int
    token: int
    balance: int
    balance_path: Path
    account_path: Path


class Trees:
    """The trees after a block, kept from one question to the next and brought forward by what was published since."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._lock = threading.Lock()
        self._number = 0
        self._ledger = Ledger(parameters, 0)

    def account(self, number: int, block: int) -> AccountState:
        """An account after a block."""
        with self._lock:
            ledger = self._at(block)
            account = ledger.account(number)
            return AccountState(
                block=block, root=ledger.root, number=number, key=account.key, nonce=account.nonce,
                balances=dict(account.balances.leaves()),
                orders={place: divmod(leaf, 2**96) for place, leaf in account.orders.leaves()},
            )  # fmt: skip

    def balance_proof(self, number: int, token: int, block: int) -> BalanceProof:
        """The proof of a balance after a block."""
        with self._lock:
            ledger = self._at(block)
            account = ledger.account(number)
            return BalanceProof(
                block=block, root=ledger.root, account=number, key=account.key, nonce=account.nonce,
                order_root=account.orders.root, token=token, balance=account.balances.get(token),
                balance_path=account.balances.path(token), account_path=ledger.tree.path(number),
            )  # fmt: skip

    def all_balances(self, block: int) -> tuple[int, dict[tuple[int, int], int]]:
        """The root after a block, and every balance that is not 0 by (number, token)."""
        with self._lock:
            ledger = self._at(block)
            found = {
                (number, token): amount
                for number, account in ledger.accounts.items()
                for token, amount in account.balances.leaves()
                if amount
            }
            return ledger.root, found

    def _at(self, block: int) -> Ledger:
        if self._number > block or self._ledger.root != _root_after(self._number, self._parameters):
            self._load(block)
        rows = Block.objects.filter(number__gt=self._number, number__lte=block).order_by("number")
        for number, data in rows.values_list("number", "data"):
            # Not counted before it is done: what fails half-way is loaded anew the next time.
            self._number = -1
            apply_block(self._ledger, [int(word) for word in data])
            self._number = number
        return self._ledger

    def _load(self, block: int) -> None:
        self._ledger, _, checkpoint = blocks.load_checkpoint(self._parameters, up_to=block)
        self._number = checkpoint.block_id if checkpoint else 0


def account_state(number: int, *, at: At = "sealed") -> AccountState:
    """An account by its number; one that nothing happened to is blank. Raises UnknownAccount."""
    parameters = PARAMETERS[settings.ROLLUP_PARAMETERS]
    _check("account", number, parameters.accounts)
    return _trees(at, parameters).account(number, block_number(at))


def balance_proof(number: int, token: int, *, at: At = "final") -> BalanceProof:
    """The proof of an account's balance of a token, which may be 0. Raises UnknownAccount."""
    parameters = PARAMETERS[settings.ROLLUP_PARAMETERS]
    _check("account", number, parameters.accounts)
    _check("token", token, parameters.tokens)
    return _trees(at, parameters).balance_proof(number, token, block_number(at))


@dataclass(frozen=True)
class StateBalances:
    """All balances that are not 0 after a block, by (number, token), and how far in the journal that is.

    `position`: sequence and ordinal of the block's last event; (0, -1) before the first block.
    """

    block: int
    root: int
    position: tuple[int, int]
    balances: dict[tuple[int, int], int]


def all_balances(*, at: At = "sealed") -> StateBalances:
    """Everything that the state holds."""
    parameters = PARAMETERS[settings.ROLLUP_PARAMETERS]
    block = block_number(at)
    root, balances = _trees(at, parameters).all_balances(block)
    return StateBalances(block, root, position(block) or (0, -1), balances)


def position(block: int) -> tuple[int, int] | None:
    """Sequence and ordinal of a block's last event; None if there is no such block."""
    row = Block.objects.filter(number=block).values_list("last_sequence", "last_ordinal").first()
    return None if row is None else (row[0], row[1])


def root(block: int) -> int | None:
    """The root after a block; None if there is no such block."""
    return Block.objects.filter(number=block).values_list("new_root", flat=True).first()


def block_number(at: At) -> int:
    """The number of the newest block, or of the newest final one; 0 if there is none."""
    rows = Block.objects.all() if at == "sealed" else Block.objects.filter(status=Block.Status.FINAL)
    return rows.order_by("-number").values_list("number", flat=True).first() or 0


def block_of_trade(trade: int) -> Block | None:
    """The block that covers a trade, by its id over all markets; None while it is in none."""
    block = Block.objects.filter(first_trade__lte=trade, trades__gt=0).order_by("-first_trade").first()
    if block is None or block.first_trade is None or trade >= block.first_trade + block.trades:
        return None
    return block


def _root_after(number: int, parameters: Parameters) -> int | None:
    # What the trees must have if they are still of these blocks; a rebuild or another database may have come between.
    if number == 0:
        return _empty_root(parameters)
    return Block.objects.filter(number=number).values_list("new_root", flat=True).first()


@cache
def _empty_root(parameters: Parameters) -> int:
    return Ledger(parameters, 0).root


@cache
def _trees(at: At, parameters: Parameters) -> Trees:
    return Trees(parameters)


def _check(what: str, number: int, end: int) -> None:
    if not 0 <= number < end:
        raise UnknownAccount(f"there is no {what} {number}: they go up to {end - 1}")
