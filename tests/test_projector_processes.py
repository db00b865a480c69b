"""The real way: a matcher, projector processes that are killed at any moment, and rows that are right nevertheless."""

import random
from collections.abc import Iterator

import pytest

from exchange.reconcile import Reconciler
from matching import journal
from matching.engine import commands
from orders import selectors as orders
from tests.matching.harness import execute, fund
from tests.patience import PATIENCE_S
from tests.processes import Command
from wallets import selectors as wallets

pytestmark = pytest.mark.process

WAIT_MS = round(PATIENCE_S * 1_000)


@pytest.fixture
def projectors(matcher, database_url) -> Iterator[list[Command]]:
    running = [Command("project", name, database_url=database_url) for name in ("orders", "wallets")]
    for projector in running:
        projector.start()
    try:
        yield running
    finally:
        for projector in running:
            projector.kill()


def some_orders(chance: random.Random, count: int) -> list:
    return [
        commands.place(
            account=chance.randint(1, 5), market=1, side=chance.randint(0, 1),
            price=600_000 + chance.randint(-20, 20), size=chance.randint(100, 400), tif=chance.choice((0, 0, 1)),
        )
        for _ in range(count)
    ]  # fmt: skip


def wait_for(sequence: int) -> None:
    assert orders.wait_for_sequence(sequence, timeout_ms=WAIT_MS) >= sequence
    assert wallets.wait_for_sequence(sequence, timeout_ms=WAIT_MS) >= sequence


def test_rows_follow_the_matcher_though_projectors_are_killed(projectors, tmp_path):
    chance = random.Random(1)
    for account in range(1, 6):
        fund(account=account, BTC="1000", USDT="100000000")
    for round_ in range(6):
        for _ in range(10):
            execute(*some_orders(chance, 40))
        if round_ % 2:
            victim = chance.choice(projectors)
            victim.kill()
            execute(*some_orders(chance, 40))
            victim.start()
    wait_for(journal.head())
    report = Reconciler(snapshots=tmp_path / "none").compare(thorough=True)
    assert report.differences == []
    assert report.sequence == journal.head()
    assert report.compared["open orders"] > 10
    assert orders.trades(market_id=1)


def test_an_order_can_be_read_by_the_sequence_of_its_reply(projectors):
    fund(account=7, USDT="100000")
    (placed,) = execute(
        commands.place(account=7, market=1, side=commands.BUY, price=600_000, size=100, client_id="mine")
    )
    assert orders.wait_for_sequence(placed.sequence, timeout_ms=WAIT_MS) >= placed.sequence
    order = orders.get_order(account_id=7, client_id="mine")
    assert (order.id, order.status_name, order.remaining) == (placed.events[0][1], "open", 100)
    # What has not happened is not waited for: this test would run into its time limit.
    behind = orders.wait_for_sequence(placed.sequence + 1, timeout_ms=600_000)
    assert behind == placed.sequence


def test_sigterm_ends_a_projector_cleanly(projectors):
    fund(account=7, USDT="1")
    wait_for(journal.head())
    for projector in projectors:
        assert projector.terminate() == 0
