"""The state manager: any journal of a real engine seals, and is found again; what contradicts itself stops it."""

import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matching.engine import commands as c
from rollup.state.book import StateWrong
from rollup.state.eddsa import PrivateKey
from rollup.state.ledger import Ledger
from rollup.state.manager import Manager, StoredBlock, check_state
from rollup.state.parameters import TINY
from rollup.state.published import apply_block
from rollup.state.records import read_state, write_state
from rollup.state.slots import BUY, SELL, SET_KEY, WITH_NONCE
from tests.engine.reference import ReferenceEngine
from tests.engine.strategies import DrawnChoice
from tests.rollup.busy import BusyMarket
from tests.rollup.journals import DOMAIN, Run, SigningGenerator, opening, own_key, random_steps, totals_of
from tests.rollup.tape import FUNDS, Tape

PATIENT = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


def check_run(run: Run) -> None:
    """Balances are the engine's; what was published, and a replay, lead to the same roots."""
    assert run.tree_totals() == run.engine_totals()
    check_state(run.manager.ledger, run.manager.book)
    published = Ledger(run.parameters, 0)
    for number, block in enumerate(run.blocks, 1):
        assert (block.number, block.old_root) == (number, published.root)
        apply_block(published, block.data)
        assert published.root == block.new_root
    again = replayed(run)
    assert again.ledger.root == published.root == run.manager.ledger.root
    assert write_state(again.ledger, again.book) == write_state(run.manager.ledger, run.manager.book)


def replayed(run: Run, blocks: list[StoredBlock] | None = None) -> Manager:
    manager = run.new_manager(lambda block: pytest.fail(f"block {block.number} is new"))
    manager.expect(run.stored() if blocks is None else blocks)
    for event, at, time_us in run.events:
        manager.fold(event, at, time_us)
    manager.end_replay()
    return manager


@pytest.mark.parametrize("seed", range(6))
def test_journals_of_the_engine_seal_and_are_found_again(seed):
    check_run(Run(seed=seed, close_percent=2 * seed).play(random_steps(seed, 300)))


@pytest.mark.parametrize("slots", [5, 16])
def test_the_same_events_in_blocks_of_other_sizes_lead_to_the_same_balances(slots):
    steps = random_steps("sizes", 300)
    tiny, other = Run().play(steps), Run(TINY._replace(slots=slots), close_percent=0).play(steps)
    check_run(other)
    assert other.tree_totals() == tiny.tree_totals()
    assert len(other.blocks) < len(tiny.blocks)


@pytest.mark.parametrize("slots", [4, 16, 64])
def test_accounts_that_live_on_their_last_trade_never_get_stuck(slots):
    """Orders feed each other, are amended and trade on: settled in a wrong order they would overdraw or overfill."""
    for seed in range(2):
        run = BusyMarket(seed, slots=slots).play(250)
        check_run(run)
        assert sum(block.trades for block in run.blocks) > 20


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[list[object], int]]:
    engine = ReferenceEngine()
    steps = opening()
    for command, time_us in steps:
        engine.apply(command, time_us)
    generator = SigningGenerator(DrawnChoice(draw), engine)
    for _ in range(draw(st.integers(1, 40))):
        steps.append(generator.step())
        engine.apply(*steps[-1])
    return steps


@PATIENT
@given(histories(), st.integers(0, 30))
def test_any_journal_seals(steps, close_percent):
    check_run(Run(close_percent=close_percent).play(tuple(steps)))


def changed(state: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """A checkpoint in which somebody has written."""
    document = json.loads(zlib.decompress(state))
    change(document)
    return zlib.compress(json.dumps(document).encode())


def test_a_loaded_account_that_is_not_its_leafs_is_noticed_when_it_is_used():
    run = Run(close_percent=10).play(random_steps("damage", 100))
    state = write_state(run.manager.ledger, run.manager.book)

    def give(document: dict[str, Any]) -> None:
        number, _, _, _, balances, *_ = document["accounts"][1]
        assert number
        balances[0][1] = str(int(balances[0][1]) + 1)

    ledger, _ = read_state(changed(state, give), TINY, DOMAIN)
    assert ledger.root == run.manager.ledger.root
    numbers = sorted(ledger.accounts)
    for number in (numbers[0], *numbers[2:]):
        assert ledger.account(number).leaf() == run.manager.ledger.account(number).leaf()
    for _ in range(2):
        with pytest.raises(StateWrong, match=f"checkpoint_differs: account {numbers[1]} is not what its leaf says"):
            ledger.account(numbers[1])


def test_a_leaf_that_is_not_the_accounts_gives_another_root():
    run = Run(close_percent=10).play(random_steps("damage", 100))
    state = write_state(run.manager.ledger, run.manager.book)
    other, _ = read_state(changed(state, lambda document: document["accounts"][1].__setitem__(6, "5")), TINY, DOMAIN)
    assert other.root != run.manager.ledger.root


def test_a_checkpoint_of_before_is_read_as_well():
    run = Run(close_percent=10).play(random_steps("format", 100))
    state = write_state(run.manager.ledger, run.manager.book)

    def as_before(document: dict[str, Any]) -> None:
        document["format"] = 1
        document["accounts"] = [fields[:6] for fields in document["accounts"]]

    ledger, book = read_state(changed(state, as_before), TINY, DOMAIN)
    assert ledger.root == run.manager.ledger.root
    assert write_state(ledger, book) == state
    with pytest.raises(ValueError, match="format 3"):
        read_state(changed(state, lambda document: document.__setitem__("format", 3)), TINY, DOMAIN)


def test_a_checkpoint_in_the_middle_goes_on_like_the_whole():
    steps = random_steps("checkpoint", 300)
    run = Run(close_percent=10).play(steps)
    half = run.blocks[len(run.blocks) // 2]
    first = run.new_manager(lambda block: None)
    first.expect([block for block in run.stored() if block.number <= half.number])
    for event, at, time_us in run.events:
        if at <= half.last:
            first.fold(event, at, time_us)
    first.end_replay()
    state = write_state(first.ledger, first.book)
    ledger, book = read_state(state, TINY, DOMAIN)
    assert (ledger.root, write_state(ledger, book)) == (first.ledger.root, state)
    assert book.totals == {key: amount for key, amount in first.book.totals.items() if amount}
    second = Manager(ledger, book, first._authority, number=half.number, sealed=lambda block: None)
    second.expect([block for block in run.stored() if block.number > half.number])
    for event, at, time_us in run.events:
        if at > half.last:
            second.fold(event, at, time_us)
    second.end_replay()
    assert second.ledger.root == run.manager.ledger.root


def test_all_kinds_of_slots_occur():
    seen = {slot.op for seed in range(6) for block in Run(seed=seed).play(random_steps(seed, 300)).blocks
            for slot in block.slots}  # fmt: skip
    assert seen == set(range(1, 10))


# ---- what stops it


def refused(tape: Tape, code: str, step) -> None:
    """The step is refused, and no block comes of it."""
    blocks, root = len(tape.blocks), tape.manager.ledger.root
    with pytest.raises(StateWrong) as wrong:
        step()
        tape.close()
    assert wrong.value.code == code
    assert str(wrong.value).startswith(code)
    assert len(tape.blocks) == blocks
    if code not in {"slot_refused", "balance_differs", "supply_differs"}:
        assert tape.manager.ledger.root == root


@pytest.fixture
def tape() -> Tape:
    return Tape(custodial=(1, 2), own=(3,))


def tell(*event: object):
    return lambda tape: tape.tell(*event)


# Entries so far: a key each of four accounts, three deposits each of three.
NEXT = 14
WRONG = {
    "a deposit of an account without a number": ("account_not_registered", tell("deposit", 2, NEXT, 9, 1, 5)),
    "a trade of one": ("account_not_registered", lambda tape: tape.trade(1, 9, 1, 1)),
    "a transfer to one": ("account_not_registered", lambda tape: tape.transfer(1, 9, 1, 1)),
    "an account beyond the tree": ("account_out_of_range", lambda tape: tape.tell(
        "key", 2, NEXT, 9, TINY.accounts, 1, *own_key(1).public)),
    "a token beyond the tree": ("token_out_of_range", tell("deposit", 2, NEXT, 1, TINY.tokens, 5)),
    "token 0": ("token_out_of_range", tell("deposit", 2, NEXT, 1, 0, 5)),
    "a deposit of another source": ("foreign_deposit", tell("deposit", 1, NEXT, 1, 1, 5)),
    "an entry left out": ("queue_gap", tell("deposit", 2, NEXT + 1, 1, 1, 5)),
    "an entry twice": ("queue_gap", tell("exit", 2, NEXT - 1, 1, 1, FUNDS)),
    "a market that nobody told of": ("unknown_market", lambda tape: tape.tell(
        "trade", 1, 7, 1, 1, 1, 1, 0, 0, 1, 0, 2, 0, 0, 1)),
    "a trade that its owner did not sign": ("unsigned_trade", lambda tape: tape.trade(3, 1, 5, 5)),
    "an order of other leaves": ("wrong_order_leaves", tell(
        "signed", 1, 3, 1, 0, TINY.orders * 4, 1, 5, 5, 2_000, 1, 1, 1, 1)),
    "a withdrawal that its owner did not sign": ("signature_missing", lambda tape: tape.withdraw(3, 1, 5)),
    "more than there is": ("slot_refused", lambda tape: tape.transfer(1, 2, 1, FUNDS + 1)),
    "an exit of a part": ("slot_refused", tell("exit", 2, NEXT, 1, 1, FUNDS - 1)),
    "a nonce that is not the next": ("slot_refused", lambda tape: tape.withdraw(3, 1, 5, nonce=77)),
    "a fill worse than its limit": ("slot_refused", lambda tape: tape.trade(
        3, 1, 5, 4, orders=(tape.order(3, SELL, 5, 5), 0))),
    "more than was ordered": ("slot_refused", lambda tape: tape.trade(
        3, 1, 6, 5, orders=(tape.order(3, SELL, 5, 5), 0))),
    "a fee above the cap": ("slot_refused", lambda tape: tape.trade(
        3, 1, 100, 100, orders=(tape.order(3, SELL, 100, 100, fee_bps=1), 0), fees=(2, 0))),
    "an id that went back": ("slot_refused", lambda tape: [tape.trade(
        1, 3, 5, 5, orders=(0, tape.order(3, BUY, 5, 5, id=id))) for id in (4, 4 + 4 * TINY.orders, 8)]),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_stops_the_manager(tape, name):
    code, step = WRONG[name]
    refused(tape, code, partial(step, tape))


def test_a_signature_of_somebody_else_stops_the_manager(tape):
    tape.tell("signature", tape.manager.ledger.account(3).nonce, 1, 2, 3)
    refused(tape, "slot_refused", lambda: tape.tell("complete", 1, 3, 1, 5, 7, same_command=True))


def test_a_signature_of_another_command_counts_for_nothing(tape):
    tape.tell("signature", tape.manager.ledger.account(3).nonce, 1, 2, 3)
    refused(tape, "signature_missing", lambda: tape.tell("complete", 1, 3, 1, 5, 7))


def test_a_withdrawal_that_its_owner_signed_is_taken(tape):
    tape.withdraw(3, 1, 5, nonce=tape.manager.ledger.account(3).nonce)
    tape.transfer(3, 1, 1, 6, nonce=tape.manager.ledger.account(3).nonce + 1)
    assert len(tape.close()) == 3
    assert (tape.balance(3, 1), tape.balance(1, 1)) == (FUNDS - 11, FUNDS + 6)


@pytest.mark.parametrize(("key", "code"), [(LookupError("none"), "key_missing"), (own_key(1), "key_differs")])
def test_a_key_that_is_missing_or_another_stops_the_manager(tape, monkeypatch, key, code):
    def kept(number: int) -> PrivateKey:
        if isinstance(key, LookupError):
            raise key
        return key

    monkeypatch.setattr(tape.authority, "key", kept)
    refused(tape, code, lambda: tape.withdraw(1, 1, 5))


def test_what_was_traded_before_an_account_got_another_key_is_signed_with_the_old_one(tape):
    tape.trade(1, 2, 5, 5)
    tape.key(1, custody=0)
    tape.trade(2, 1, 5, 5, orders=(0, tape.order(1, BUY, 5, 5)))
    tape.close()
    ops = [slot.op for block in tape.blocks for slot in block.slots if slot.account == 1]
    assert ops.index(SET_KEY) > 0
    assert [slot.op for block in tape.blocks for slot in block.slots if slot.op in WITH_NONCE and slot.account == 1]
    assert tape.manager.ledger.account(1).key == own_key(1).public
    assert tape.manager.ledger.account(1).nonce == NEXT * 2**32


def test_a_tree_that_lost_something_stops_the_manager(tape):
    account = tape.manager.ledger.account(2)
    account.balances.put(1, FUNDS - 1)
    refused(tape, "balance_differs", lambda: tape.trade(1, 2, 5, 5))


def test_a_token_that_came_from_nowhere_stops_the_manager(tape):
    # In the tree and in the book, but by no entry of the queue.
    tape.deposit(1, 1, 5)
    tape.manager.book.supply[1] -= 1
    refused(tape, "supply_differs", tape.close)


# ---- what was stored and does not fit


@pytest.fixture(scope="module")
def run() -> Run:
    return Run(close_percent=5).play(random_steps(3, 200))


def damaged(run: Run, at: int, **changes: object) -> list[StoredBlock]:
    blocks = run.stored()
    blocks[at] = replace(blocks[at], **changes)
    return blocks


def with_word(data: list[int], place: int, add: int) -> list[int]:
    return [word + add * (index == place) for index, word in enumerate(data)]


DAMAGE = {
    "another root": ("root_differs", lambda run, data: with_word(data, 2, 1)),
    "another root before": ("root_differs", lambda run, data: with_word(data, 1, 1)),
    "another amount": ("slots_differ", lambda run, data: with_word(data, 5, 1 << 44)),
    "another account": ("slots_differ", lambda run, data: with_word(data, 5, 1 << 4)),
    "another time": ("boundary_differs", lambda run, data: with_word(data, 3, 1)),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_stored_block_that_does_not_follow_from_the_journal_stops_the_manager(run, name):
    code, damage = DAMAGE[name]
    at = len(run.blocks) // 2
    with pytest.raises(StateWrong) as wrong:
        replayed(run, damaged(run, at, data=damage(run, run.blocks[at].data)))
    assert wrong.value.code == code


def test_a_block_that_is_missing_stops_the_manager(run):
    blocks = run.stored()
    with pytest.raises(StateWrong) as wrong:
        replayed(run, [*blocks[:4], *blocks[5:]])
    assert wrong.value.code in {"boundary_differs", "slots_differ"}


def test_a_block_that_ends_elsewhere_stops_the_manager(run):
    at = next(number for number, block in enumerate(run.blocks) if number and block.first != block.last)
    with pytest.raises(StateWrong) as wrong:
        replayed(run, damaged(run, at, last=run.blocks[at].first))
    assert wrong.value.code in {"boundary_differs", "slots_differ"}


def test_a_journal_that_ends_too_early_stops_the_manager(run):
    manager = run.new_manager(lambda block: None)
    manager.expect(run.stored())
    for event, at, time_us in run.events:
        if at <= run.blocks[-2].last:
            manager.fold(event, at, time_us)
    with pytest.raises(StateWrong, match="boundary_differs"):
        manager.end_replay()


def test_a_block_has_the_time_of_its_first_event_and_never_an_earlier_one_than_the_block_before():
    run = Run(close_percent=20).play(random_steps(4, 300))
    times = [block.time_s for block in run.blocks]
    assert times == sorted(times)
    at = {position: time_us for _, position, time_us in run.events}
    assert times == [at[block.first] // 10**6 for block in run.blocks]


def test_before_the_first_account_is_registered_the_journal_is_not_looked_at():
    run = Run(close_percent=100)
    run.apply(c.asset(asset=1, code="BTC", scale=8), 1)
    run.apply(c.deposit(source=1, index=1, account=5, asset=1, amount=7), 2)
    run.apply(c.hold(withdrawal=1, account=5, asset=1, amount=7), 3)
    run.apply(c.complete(withdrawal=1), 4)
    assert run.blocks == []
    assert totals_of(run.manager.ledger) == {}
