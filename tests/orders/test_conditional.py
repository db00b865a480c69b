"""What the read models make of take-profits, trailing orders, icebergs and lists, scenario by scenario.

The scenarios of tests/engine run on the reference engine; whatever they do is folded by market data, read back as the
answer to a client, and projected into rows, and each must say what the reference says.
"""

from collections.abc import Sequence
from typing import Any

import pytest

from matching.engine.commands import FIELDS
from matching.rows import GENESIS_HASH, encode_json, make_row
from orders import placed, selectors
from orders.marketdata.fold import Fold
from orders.marketdata.working import WorkingOrder
from orders.models import Order
from tests.engine.dsl import Scenario
from tests.engine.dsl_engine import EngineDriver
from tests.engine.dsl_run import run
from tests.engine.reference import ReferenceEngine
from tests.engine.reference_state import BOOK, PENDING, QUEUED, WAITING
from tests.engine.reference_state import Order as ReferenceOrder
from tests.engine.test_scenarios import SCENARIOS
from tests.projections import project_all, store
from wallets import selectors as wallets

FILES = {"take_profit", "trailing", "iceberg", "oco", "oto", "otoco"}
WHERE = {BOOK: placed.OPEN, WAITING: placed.WAITING, QUEUED: placed.WAITING, PENDING: placed.PENDING}


class Witness(ReferenceEngine):
    """The reference, watched: after each command the fold and the answer to a client are compared with it."""

    def __init__(self) -> None:
        super().__init__()
        self.fold = Fold()
        self.rows: list[Any] = []
        self.hash = GENESIS_HASH
        self.lists = 0

    def apply(self, command: Sequence[Any], time_us: int) -> list[tuple[Any, ...]]:
        events = super().apply(command, time_us)
        row = make_row(
            first=self.sequence, last=self.sequence, session="", number=0, time_us=time_us, epoch=1,
            commands_json=encode_json([command]), events_json=encode_json([events]), previous_hash=self.hash,
        )  # fmt: skip
        self.rows.append(row)
        self.hash = row.hash
        watched = set(range(1, 10))
        changes = self.fold.apply(first=self.sequence, time_us=time_us, events=[events], watched=watched)
        self.compare_fold()
        if events and events[-1][0] not in ("rejected", "duplicate"):
            self.compare_answer(command, events, time_us)
        self.compare_changed_lists(changes)
        return events

    def compare_fold(self) -> None:
        for market in self.fold.markets.values():
            bids, asks = self.depth(market.market)
            assert market.book.depth() == ([tuple(level) for level in bids], [tuple(level) for level in asks])
        for (account, asset), balance in self.all_balances().items():
            assert tuple(self.fold.balances.accounts.get(account, {}).get(asset, (0, 0))) == balance
        assert {id: stands(order) for id, order in self.fold.orders.orders.items()} == {
            order.id: expected(order) for order in self.orders
        }
        assert {id: one.id for id, one in self.fold.orders.lists.items()} == self.live_lists()

    def live_lists(self) -> dict[int, int]:
        """Id of the list by order, of the legs of live lists that are open; a pair keeps the id of its OTOCO."""
        return {
            leg: self.fold.orders.orders[order.id].list_id
            for order in self.orders
            if order.of_list and order.of_list.live
            for leg in self.fold.orders.lists[order.id].legs
        }

    def compare_answer(self, command: Sequence[Any], events: list[tuple[Any, ...]], time_us: int) -> None:
        if command[0] in ("place", "replace"):
            self.compare_order(placed.read_placed(events, time_us=time_us, sequence=self.sequence).order)
        elif command[0] == "list":
            self.lists += 1
            made = placed.read_placed_list(events, time_us=time_us, sequence=self.sequence)
            names = FIELDS["list"]
            account, kind = (command[2 + names.index(name)] for name in ("account", "list_kind"))
            assert (made.account_id, made.kind, len(made.orders)) == (account, kind, 2 + (kind == 2))
            assert made.is_live == (made.id in self.live_lists())
            for leg in made.orders:
                assert leg.order.list_id == made.id
                self.compare_order(leg.order)
        elif command[0] == "cancel":
            canceled = placed.read_canceled(events, time_us=time_us, sequence=self.sequence)
            assert canceled.id == next(event[1] for event in events if event[0] == "done" and event[9] == "canceled")

    def compare_order(self, order: placed.OrderState) -> None:
        working = self.fold.orders.orders.get(order.id)
        if working is None:
            assert order.status_name in (placed.FILLED, placed.CANCELED, placed.EXPIRED)
        else:
            assert (order.status_name, order.remaining, order.filled_lots) == (
                working.status, working.size - working.filled_lots if working.size else 0, working.filled_lots,
            )  # fmt: skip
            assert (order.trigger, order.trail_ppm, order.display, order.list_id, order.stop) == (
                working.trigger, working.trail_ppm, working.display, working.list_id, working.stop,
            )  # fmt: skip

    def compare_changed_lists(self, changes: Any) -> None:
        for account in changes.accounts:
            for one in account.lists:
                assert one.account == account.account
                assert one.is_live == any(leg in self.live_lists() for leg in one.legs)


def stands(order: WorkingOrder) -> tuple[Any, ...]:
    remaining = order.size - order.filled_lots if order.size else 0
    return order.account, order.status, order.price, remaining, order.trigger, order.trail_ppm, order.display


def expected(order: ReferenceOrder) -> tuple[Any, ...]:
    return (
        order.account, WHERE[order.where], order.price, order.remaining, order.trigger, order.trail, order.display,
    )  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("scenario", [one for one in SCENARIOS if one.file in FILES], ids=str)
def test_every_model_says_what_the_reference_says(scenario: Scenario) -> None:
    witness = Witness()
    run(scenario, EngineDriver(witness))
    store(witness.rows)
    project_all()
    rows = {
        row.id: (
            row.account_id, row.status_name, row.price, row.remaining, row.trigger, row.trail_ppm, row.display,
            row.hidden if row.status == Order.Status.OPEN else 0, row.list_id,
        )
        for row in Order.objects.filter(selectors.OPEN)
    }  # fmt: skip
    assert rows == {
        order.id: (
            *expected(order), order.hidden if order.where == BOOK else 0, witness.fold.orders.orders[order.id].list_id,
        )
        for order in witness.orders
    }  # fmt: skip
    balances = {key: balance for key, balance in wallets.all_balances().items() if balance != (0, 0)}
    assert balances == {key: balance for key, balance in witness.all_balances().items() if balance != (0, 0)}
    live = {one.id for account in range(1, 6) for one in selectors.list_lists(account_id=account, is_open=True)}
    assert live == set(witness.live_lists().values())
    every = [one for account in range(1, 6) for one in selectors.list_lists(account_id=account)]
    assert len(every) == witness.lists
    assert {one.id for one in every if one.is_live} == live
    for one in every:
        assert [order.list_id for order in one.orders] == [one.id] * len(one.orders)
        closed = selectors.list_lists(account_id=one.account_id, is_open=False)
        assert (one.id in live) != (one.id in {other.id for other in closed})
