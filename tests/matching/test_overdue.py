"""What a real matcher does by itself: much that is due at once, and a batch that hangs."""

import os
import signal
import time
from typing import Any

import psycopg
import pytest

from matching import gateway, journal
from matching.engine import commands, limits
from tests.matching.harness import MatcherProcess, eventually, execute, fund, leader_pid
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.process
BATCH = 500
ACCOUNTS = (7, 8, 9)


def orders(account: int, expires_us: int) -> list[Any]:
    one = commands.place(
        account=account, market=1, side=0, tif=commands.GTD, price=600_000, size=10, expires_us=expires_us
    )
    return [one] * BATCH


def test_more_is_due_than_one_command_does(matcher: MatcherProcess) -> None:
    """Ticks follow each other until nothing is due, without anybody's command."""
    for account in ACCOUNTS:
        fund(account=account, USDT="100000")
    # All must stand before the first expires; how long that takes is the machine's affair.
    for window_s in (5, 20, 80, 250):
        soon = time.time_ns() // 1000 + window_s * 1_000_000
        placed = [result for account in ACCOUNTS for result in execute(*orders(account, soon))]
        if all(result.events[-1][0] == "rest" and result.time_us < soon for result in placed):
            break
        execute(*(commands.cancel_all(account=account) for account in ACCOUNTS))
    assert {result.events[-1][0] for result in placed} == {"rest"}
    last = placed[-1].sequence

    def ended() -> list[journal.Batch]:
        ticks = list(journal.read(after=last))
        return ticks if sum(len(tick.events[0]) for tick in ticks) == BATCH * len(ACCOUNTS) else []

    ticks = eventually(ended, what="all orders expire")
    assert [tick.commands for tick in ticks] == [[["tick", 0]]] * 2
    assert [len(tick.events[0]) for tick in ticks] == [limits.DUE, BATCH * len(ACCOUNTS) - limits.DUE]
    events = [event for tick in ticks for event in tick.events[0]]
    assert {(event[0], event[-1]) for event in events} == {("done", "expired")}
    assert len({event[1] for event in events}) == len(events)
    assert ticks[0].time_us >= soon
    (nothing,) = execute(commands.cancel_all(account=ACCOUNTS[0]))
    assert nothing.sequence == ticks[-1].last + 1, "no tick more than was needed"
    assert nothing.events == [["cancel_all", ACCOUNTS[0], 0, -1, 0]]


def test_a_matcher_whose_batch_hangs_ends_itself_and_the_batch_is_executed_once(
    matcher: MatcherProcess, database_url: str
) -> None:
    """Its database connection stands still: no error, no answer, and nobody outside would notice."""
    hung = leader_pid(database_url)
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s",
            (f"provex-matcher-{hung}",),
        ).fetchone()
    assert row is not None
    before = journal.head()
    outcomes: list[gateway.Outcome] = []
    os.kill(row[0], signal.SIGSTOP)
    try:
        gateway.submit_nowait(
            [commands.deposit(source=50, index=1, account=7, asset=2, amount=5)], outcomes.append, timeout_s=PATIENCE_S
        )
        eventually(lambda: "a batch takes longer than" in matcher.output(), what="the matcher gives up")
        eventually(lambda: hung not in matcher.child_pids(), what="it ends")
        assert outcomes == []
    finally:
        os.kill(row[0], signal.SIGCONT)
    (outcome,) = eventually(lambda: outcomes, what="the next matcher answers")
    assert not isinstance(outcome, gateway.GatewayError)
    assert outcome[0].events == [["deposit", 50, 1, 7, 2, 5]]
    assert leader_pid(database_url) not in {0, hung}
    deposits = [batch for batch in journal.read(after=before) if batch.session]
    assert [batch.events for batch in deposits] == [[[["deposit", 50, 1, 7, 2, 5]]]]
