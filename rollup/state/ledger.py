"""The state of the rollup, and what the circuit says of one slot, in plain integers: the circuit's oracle."""

from dataclasses import dataclass, field
from typing import Any

from rollup.state.babyjubjub import Point
from rollup.state.book import StateWrong
from rollup.state.eddsa import is_signed
from rollup.state.field import MODULUS, poseidon
from rollup.state.parameters import Parameters
from rollup.state.slots import (  # fmt: skip
    AMOUNT_BITS,
    BUY,
    CREDIT,
    DEPOSIT,
    FEE,
    FEE_ACCOUNT,
    FORCED_EXIT,
    ID_BITS,
    MAX_BPS,
    NET,
    NO_KEY,
    NOOP,
    OPERATIONS,
    SET_KEY,
    SETTLE,
    SIGNED,
    TIME_BITS,
    TRADING,
    WITH_NONCE,
    SignedOrder,
    Slot,
    message,
)
from rollup.state.tree import Path, Tree

MAX_BALANCE = 2**AMOUNT_BITS - 1


class SlotRefused(Exception):
    """A slot that breaks a rule; `code` says which. Nothing was changed."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class L2Account:
    """An account: its key, its nonce, its balances in atoms by token, its orders' leaves by id mod their number."""

    balances: Tree
    orders: Tree
    key: Point = NO_KEY
    nonce: int = 0

    def leaf(self) -> int:
        """The account's hash in the tree of accounts."""
        return poseidon(self.key.x, self.key.y, self.nonce, self.balances.root, self.orders.root)


@dataclass
class Step:
    """What a slot met: the inputs that the circuit needs besides the slot itself."""

    key: Point
    nonce: int
    balances: tuple[int, int]
    order: tuple[int, int]  # id and filled of the leaf as it was
    account_path: Path
    token_paths: tuple[Path, Path]
    order_path: Path


@dataclass
class Ledger:
    """All accounts, and the tree over them whose root stands in the contract."""

    parameters: Parameters
    domain: int
    accounts: dict[int, L2Account] = field(default_factory=dict)
    tree: Tree = field(init=False)
    # Accounts that were loaded beside their leaves, and not compared with them yet.
    loaded: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.tree = Tree(self.parameters.account_depth, self.blank().leaf())

    @property
    def root(self) -> int:
        """The root of everything."""
        return self.tree.root

    def account(self, index: int) -> L2Account:
        """An account as it is; one that was never touched is blank.

        StateWrong for one that was loaded with a leaf that is not its own.
        """
        account = self.accounts.get(index) or self.blank()
        if index in self.loaded:
            if account.leaf() != self.tree.get(index):
                raise StateWrong("checkpoint_differs", f"account {index} is not what its leaf says")
            self.loaded.remove(index)
        return account

    def apply(self, slot: Slot, now: int, *, is_verified: bool = False) -> Step:
        """Change one account. `now`: the block's time in seconds. SlotRefused, with nothing changed, if it must not.

        `is_verified`: the signature is known to be good, as one is that was made a moment ago with the account's key.
        """
        check_fields(self.parameters, slot)
        account = self.account(slot.account)
        first, second = slot.tokens
        step_balance = account.balances.get(first)
        after_first = step_balance + _change(slot, 0)
        # Of one token in both legs the second sees what the first left.
        second_before = after_first if second == first else account.balances.get(second)
        after_second = second_before + _change(slot, 1)
        if slot.op == FORCED_EXIT and slot.amounts[0] != step_balance:
            raise SlotRefused("exit_of_a_part")
        for balance in (after_first, after_second):
            if not 0 <= balance <= MAX_BALANCE:
                raise SlotRefused("balance")
        place = slot.id % self.parameters.orders
        old_id, old_filled = divmod(account.orders.get(place), 2**AMOUNT_BITS)
        filled = 0
        if slot.op == SETTLE and slot.order:
            filled = _check_order(slot, slot.order, old_id, old_filled, now)
        if slot.op in WITH_NONCE and slot.nonce != account.nonce:
            raise SlotRefused("nonce")
        must_verify = slot.op in SIGNED and not is_verified
        if must_verify and not is_signed(account.key, message(self.domain, slot), slot.signature):
            raise SlotRefused("signature")

        step_path = account.balances.path(first)
        account_path = self.tree.path(slot.account)
        account.balances.put(first, after_first)
        second_path = account.balances.path(second)
        account.balances.put(second, after_second)
        step = Step(
            account.key, account.nonce, (step_balance, second_before), (old_id, old_filled), account_path,
            (step_path, second_path), account.orders.path(place),
        )  # fmt: skip
        if slot.op == SETTLE:
            account.orders.put(place, slot.id * 2**AMOUNT_BITS + filled)
        if slot.op == SET_KEY:
            account.key, account.nonce = slot.new_key, slot.nonce
        if slot.op in WITH_NONCE:
            account.nonce += 1
        self.accounts[slot.account] = account
        self.tree.put(slot.account, account.leaf())
        return step

    def blank(self) -> L2Account:
        """An account as it is before anything happens to it."""
        return L2Account(Tree(self.parameters.token_depth), Tree(self.parameters.order_depth))


def check_fields(parameters: Parameters, slot: Slot) -> None:
    """Refuse fields out of range, and fields that the operation does not have."""
    in_range: list[tuple[Any, int]] = [
        (slot.op, len(OPERATIONS)), (slot.account, parameters.accounts), (slot.id, 2**ID_BITS),
        *[(token, parameters.tokens) for token in slot.tokens],
        *[(amount, 2**AMOUNT_BITS) for amount in (*slot.amounts, *slot.fees, slot.fee_or_sell_total)],
        *[(credit, 2) for credit in slot.credits], (slot.side, 2), *[(part, MODULUS) for part in slot.new_key],
        (slot.recipient, MODULUS), (slot.to, MODULUS),
    ]  # fmt: skip
    if slot.order:
        in_range += [
            (slot.order.buy_total, 2**AMOUNT_BITS), (slot.order.valid_until, 2**TIME_BITS),
            (slot.order.max_fee_bps, MAX_BPS + 1),
        ]  # fmt: skip
    op = slot.op
    if not all(0 <= value < end for value, end in in_range):
        raise SlotRefused("range")
    if (
        (slot.order is not None) != (op == SETTLE)
        or (slot.amounts[0] and op in (NOOP, SET_KEY))
        or (slot.amounts[1] and op not in (SETTLE, NET, FEE))
        or (slot.fees[0] and op != NET)
        or (slot.fees[1] and op not in TRADING)
        or (any(slot.credits) and op != NET)
    ):
        raise SlotRefused("field_of_another_operation")
    if op == FEE and slot.account != FEE_ACCOUNT:
        raise SlotRefused("fee_to_another_account")


def traded(slot: Slot, leg: int) -> int:
    """The signed amount that a settle or net moves in a leg, before fees; 0 for others."""
    return _moved(slot, leg) if slot.op in TRADING else 0


def declared_fee(slot: Slot, leg: int) -> int:
    """The fee that a slot declares in a leg; negative where the fee account is credited with it."""
    if slot.op == FEE:
        return -slot.amounts[leg]
    return slot.fees[leg]


def _moved(slot: Slot, leg: int) -> int:
    amount = slot.amounts[leg]
    if slot.op == NET:
        return amount if slot.credits[leg] else -amount
    if leg == 1:
        return amount
    return amount if slot.op in (FEE, CREDIT, DEPOSIT) else -amount


def _change(slot: Slot, leg: int) -> int:
    return _moved(slot, leg) - slot.fees[leg]


def _check_order(slot: Slot, order: SignedOrder, old_id: int, old_filled: int, now: int) -> int:
    # Returns what is filled of the order after this slot, in the token whose total is fixed.
    debit, gross = slot.amounts
    fee = slot.fees[1]
    if order.id == 0 or order.id < old_id:
        raise SlotRefused("order_id")
    counted, total = (gross, order.buy_total) if order.side == BUY else (debit, order.sell_total)
    filled = counted + (old_filled if order.id == old_id else 0)
    if filled > total:
        raise SlotRefused("overfilled")
    if gross * order.sell_total < debit * order.buy_total:
        raise SlotRefused("price")
    if fee * MAX_BPS > gross * order.max_fee_bps:
        raise SlotRefused("fee")
    if now >= order.valid_until:
        raise SlotRefused("expired")
    return filled
