"""What happened in a block, netted into slots: how many there are, in which order, and that no balance differs."""

from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollup.state.slots import BUY, CREDIT, FEE, NET, SELL, SETTLE, TRANSFER, WITHDRAW
from tests.rollup.journals import CUSTODY_ADDRESS, totals_of
from tests.rollup.tape import FUNDS, Tape

WIDE = 64


def ops(tape: Tape) -> list[int]:
    return [slot.op for slot in tape.close()]


def test_a_thousand_fills_of_one_maker_order_take_one_slot():
    tape = Tape(own=(1, 2))
    sale, purchase = tape.order(1, SELL, 1_000, 5), tape.order(2, BUY, 1_000, 5)
    for _ in range(1_000):
        tape.trade(1, 2, 1, 5, orders=(sale, purchase))
    slots = tape.close()
    assert [(slot.op, slot.account, slot.amounts) for slot in slots] == [
        (SETTLE, 2, (5_000, 1_000)), (SETTLE, 1, (1_000, 5_000)),
    ]  # fmt: skip
    assert tape.blocks[0].trades == 1_000


def test_a_thousand_trades_of_custodial_accounts_take_a_slot_each_for_two_tokens():
    tape = Tape(custodial=(1, 2))
    for _ in range(1_000):
        tape.trade(1, 2, 1, 5, fees=(1, 0))
        tape.trade(2, 1, 1, 6, fees=(0, 0))
    slots = tape.close()
    assert [slot.op for slot in slots] == [NET, NET, FEE]
    assert (tape.balance(1, 2), tape.balance(2, 2), tape.balance(0, 2)) == (FUNDS - 2_000, FUNDS + 1_000, 1_000)
    assert tape.blocks[0].trades == 2_000


def test_three_tokens_take_two_slots_and_what_came_to_nothing_takes_none():
    tape = Tape(custodial=(1, 2), slots=8)
    tape.trade(1, 2, 10, 5)
    tape.trade(1, 2, 10, 5, market=2)
    assert Counter(ops(tape)) == {NET: 4}
    tape.trade(1, 2, 10, 5)
    tape.trade(2, 1, 10, 5)
    tape.transfer(1, 2, 3, 1)
    assert ops(tape) == [TRANSFER, CREDIT]


def test_a_trade_with_oneself_costs_the_fees_only():
    tape = Tape(custodial=(1,))
    tape.trade(1, 1, 10, 5, fees=(3, 2))
    (net, fee) = tape.close()
    assert (net.op, net.amounts, net.fees) == (NET, (0, 0), (2, 3))
    assert (fee.op, dict(zip(fee.tokens, fee.amounts, strict=True))) == (FEE, {1: 2, 2: 3})
    assert (tape.balance(1, 1), tape.balance(1, 2)) == (FUNDS - 2, FUNDS - 3)


def test_what_is_open_of_an_account_comes_before_what_stands_in_its_own_place():
    tape = Tape(custodial=(1, 2), slots=12)
    tape.trade(1, 2, FUNDS, 1)
    # It gives what it has only by the trade.
    tape.transfer(1, 2, 2, 2 * FUNDS)
    tape.withdraw(2, 1, 2 * FUNDS)
    slots = tape.close()
    assert [(slot.op, slot.account) for slot in slots] == [
        (NET, 1), (NET, 2), (TRANSFER, 1), (CREDIT, 2), (WITHDRAW, 2),
    ]  # fmt: skip
    assert (tape.balance(1, 2), tape.balance(2, 1)) == (0, 0)


def test_fees_are_there_before_they_are_paid_out():
    tape = Tape(custodial=(1, 2), slots=8)
    tape.trade(1, 2, 100, 5, fees=(9, 0))
    tape.transfer(0, 1, 2, 9)
    assert [slot.op for slot in tape.close()] == [FEE, NET, TRANSFER, CREDIT, NET]
    assert tape.balance(0, 2) == 0


def test_a_withdrawal_by_hand_goes_to_the_exchanges_own_address():
    tape = Tape(custodial=(1,))
    tape.withdraw(1, 1, 5, recipient=0)
    tape.withdraw(1, 1, 5, recipient=9)
    assert [slot.recipient for slot in tape.close()] == [CUSTODY_ADDRESS, 9]


def test_orders_settle_in_the_order_in_which_they_were_accepted():
    """The second gives what the first brought in, but its fills come first, while the first goes on."""
    tape = Tape(own=(1,), custodial=(2,), slots=16)
    tape.deposit(2, 3, FUNDS)
    sells_all = tape.order(1, SELL, FUNDS, 1)
    tape.trade(1, 2, FUNDS // 2, 1, orders=(sells_all, 0))
    buys = tape.order(1, BUY, FUNDS + FUNDS // 2, 1, market=2)
    tape.trade(2, 1, FUNDS, 1, market=2, orders=(0, buys))
    tape.trade(1, 2, FUNDS // 2, 1, orders=(sells_all, 0))
    tape.trade(2, 1, FUNDS // 2, 1, market=2, orders=(0, buys))
    settles = [slot.order.id for slot in tape.close() if slot.op == SETTLE]
    assert settles == [sells_all, buys]
    assert (tape.balance(1, 1), tape.balance(1, 2), tape.balance(1, 3)) == (0, FUNDS // 2, 2 * FUNDS + FUNDS // 2)


def test_the_order_of_acceptance_counts_and_not_that_of_the_fills():
    tape = Tape(own=(1,), custodial=(2,), slots=8)
    first, second = tape.order(1, SELL, 5, 5), tape.order(1, SELL, 5, 5)
    for order in (second, first):
        tape.trade(1, 2, 5, 5, orders=(order, 0))
    assert [slot.order.id for slot in tape.close() if slot.op == SETTLE] == [first, second]


def test_an_order_that_is_amended_is_settled_by_the_terms_of_each_fill():
    """It falls in price after a fill: the fill before keeps to the better price, and to its signature."""
    tape = Tape(own=(1,), custodial=(2,), slots=8)
    order = tape.order(1, SELL, 100, 10)
    tape.trade(1, 2, 40, 10, orders=(order, 0))
    tape.order(1, SELL, 100, 3, order=order, id=order)
    tape.trade(1, 2, 60, 3, orders=(order, 0))
    settles = [(slot.order.buy_total, slot.amounts) for slot in tape.close() if slot.op == SETTLE]
    assert settles == [(1_000, (40, 400)), (300, (60, 180))]


def test_an_amend_that_needs_what_a_later_order_brought_in_does_not_deadlock():
    """Two orders feed each other: whichever settled all at once first would overdraw."""
    tape = Tape(own=(1,), custodial=(2,), slots=16)
    sale = tape.order(1, SELL, FUNDS, 1)
    tape.trade(1, 2, FUNDS, 1, orders=(sale, 0), remaining=1)
    purchase = tape.order(1, BUY, 2 * FUNDS, 1)
    tape.trade(2, 1, FUNDS, 1, orders=(0, purchase))
    tape.order(1, SELL, 2 * FUNDS, 1, order=sale, id=sale)
    tape.trade(1, 2, FUNDS, 1, orders=(sale, 0))
    tape.trade(2, 1, FUNDS, 1, orders=(0, purchase))
    settles = [(slot.order.id, slot.amounts[0]) for slot in tape.close() if slot.op == SETTLE]
    assert settles == [(sale, FUNDS), (purchase, FUNDS), (purchase, FUNDS), (sale, FUNDS)]


@pytest.mark.parametrize("accounts", [3, 7, 20])
def test_more_accounts_than_fit_close_blocks_between_the_fills_of_one_command(accounts):
    tape = Tape(custodial=tuple(range(1, accounts + 2)))
    taker = accounts + 1
    for number, seller in enumerate(range(1, accounts + 1)):
        tape.trade(seller, taker, 10, 5, fees=(1, 1), same_command=number > 0)
    tape.close()
    assert len(tape.blocks) > accounts // 3
    assert {len(block.slots) for block in tape.blocks[:-1]} <= {3, 4}
    assert sum(block.trades for block in tape.blocks) == accounts
    assert {block.last[0] for block in tape.blocks} == {tape.events[-1][1][0]}
    assert tape.balance(taker, 1) == FUNDS + accounts * 9


def test_turnover_beyond_the_range_of_a_slot_closes_the_block():
    tape = Tape(custodial=(1, 2), slots=WIDE)
    tape.deposit(1, 1, 2**96 - 1 - 2 * FUNDS)
    for _ in range(3):
        tape.trade(1, 2, 2**95, 0)
        tape.transfer(2, 1, 1, 2**95)
        tape.trade(2, 1, 1, 0)
        tape.trade(1, 2, 1, 0)
    tape.close()
    assert tape.balance(1, 1) == 2**96 - 1 - FUNDS


def test_what_comes_back_again_and_again_never_stands_beyond_the_range_of_a_balance():
    """Its purchase, the earlier order, settles before the sales that fed it: all of its proceeds at once do not fit."""
    much = 2**95 - 2 * FUNDS
    tape = Tape(own=(1,), custodial=(2,), slots=16)
    tape.deposit(1, 1, much - FUNDS)
    purchase = tape.order(1, BUY, 2 * much, 0)
    for _ in range(2):
        sale = tape.order(1, SELL, much, 0)
        tape.trade(1, 2, much, 0, orders=(sale, 0))
        tape.trade(2, 1, much, 0, orders=(0, purchase))
    settles = [(slot.order.id, slot.amounts) for slot in tape.close() if slot.op == SETTLE]
    assert sum(gross for id, (_, gross) in settles if id == purchase) == 2 * much
    assert len(tape.blocks) == 1
    assert (tape.balance(1, 1), tape.balance(2, 1)) == (much, FUNDS)


class Naive:
    """Every event applied at once to plain balances: what netting must come to."""

    def __init__(self, tape: Tape) -> None:
        self.balances = defaultdict(int, totals_of(tape.manager.ledger))

    def trade(self, seller: int, buyer: int, size: int, price: int, base: int, fees: tuple[int, int]) -> None:
        for account, token, amount in (
            (seller, base, -size), (buyer, base, size - fees[1]), (buyer, 2, -size * price),
            (seller, 2, size * price - fees[0]), (0, base, fees[1]), (0, 2, fees[0]),
        ):  # fmt: skip
            self.balances[account, token] += amount

    def move(self, giver: int | None, receiver: int | None, token: int, amount: int) -> None:
        if giver is not None:
            self.balances[giver, token] -= amount
        if receiver is not None:
            self.balances[receiver, token] += amount

    def can_trade(self, seller: int, buyer: int, size: int, price: int, base: int) -> bool:
        return self.balances[seller, base] >= size and self.balances[buyer, 2] >= size * price


accounts = st.integers(1, 4)
trades = st.tuples(st.just("trade"), accounts, accounts, st.integers(1, 10**6), st.integers(1, 3), st.integers(1, 2))
moves = st.tuples(st.sampled_from(("transfer", "withdraw", "deposit", "exit")), accounts, accounts,
                  st.integers(1, 3), st.integers(1, 10**6))  # fmt: skip
histories = st.lists(trades | trades | moves | st.just(("close",)), max_size=40)


@settings(max_examples=40, deadline=None)
@given(histories, st.sampled_from((4, 5, 16)), st.integers(0, 3))
def test_netting_changes_nobodys_final_balance(history, slots, fee):
    tape = Tape(custodial=(1, 2, 3, 4), slots=slots)
    naive = Naive(tape)
    for kind, *values in history:
        if kind == "trade":
            seller, buyer, size, price, market = values
            base = 1 if market == 1 else 3
            fees = (min(fee, size * price), min(fee, size))
            if naive.can_trade(seller, buyer, size, price, base):
                naive.trade(seller, buyer, size, price, base, fees)
                tape.trade(seller, buyer, size, price, market=market, fees=fees)
        elif kind == "close":
            tape.close()
        else:
            account, other, token, amount = values
            amount = amount if kind == "deposit" else min(amount, naive.balances[account, token])
            if kind == "exit":
                naive.move(account, None, token, naive.balances[account, token])
                tape.exit(account, token)
            elif kind == "deposit":
                naive.move(None, account, token, amount)
                tape.deposit(account, token, amount)
            elif amount and kind == "withdraw":
                naive.move(account, None, token, amount)
                tape.withdraw(account, token, amount)
            elif amount and account != other:
                naive.move(account, other, token, amount)
                tape.transfer(account, other, token, amount)
    tape.close()
    assert totals_of(tape.manager.ledger) == {key: amount for key, amount in naive.balances.items() if amount}
    assert all(len(block.slots) <= slots for block in tape.blocks)
