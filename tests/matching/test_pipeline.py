"""A command's whole way: gateway, queue, matcher, journal, reply."""

import psutil
import pytest

from matching import journal
from matching.engine import commands
from tests.matching.harness import MatcherProcess, execute, fund

pytestmark = pytest.mark.process


def test_an_order_is_answered_with_the_events_that_the_journal_keeps(matcher: MatcherProcess) -> None:
    fund(account=7, USDT="100000")
    fund(account=8, BTC="2")
    (maker,) = execute(
        commands.place(account=8, market=1, side=commands.SELL, price=600_000, size=1_000, client_id="a")
    )
    (taker,) = execute(commands.place(account=7, market=1, side=commands.BUY, price=600_000, size=400, client_id="b"))
    assert [event[0] for event in maker.events] == ["new", "rest"]
    assert [event[0] for event in taker.events] == ["new", "trade", "done"]
    assert taker.sequence == maker.sequence + 1 == journal.head()
    assert journal.events_at(taker.sequence) == taker.events
    assert journal.events_at(maker.sequence) == maker.events


def test_sigterm_ends_supervisor_and_matcher_and_the_next_goes_on(matcher: MatcherProcess) -> None:
    fund(account=7, USDT="100")
    head, pids = journal.head(), matcher.child_pids()
    assert matcher.terminate() == 0
    assert not any(psutil.pid_exists(pid) for pid in pids)
    matcher.start().wait_leading()
    fund(account=7, USDT="100")
    assert journal.head() == head + 1
