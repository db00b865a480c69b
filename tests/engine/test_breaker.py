"""The circuit breaker alone: sweeps of up to three prices at times around the edge of a window of a few microseconds.

A whole random exchange trades too seldom to try a window that cleverly forgets; this does nothing but trade.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from matching.engine import commands as c
from tests.engine.compare import Pair
from tests.engine.generate import START_US, market_rules
from tests.engine.settings import EXAMPLES, LONG, PATIENT

pytestmark = PATIENT
sweeps = st.tuples(
    st.integers(0, 4),
    st.lists(st.integers(90, 111), min_size=1, max_size=3, unique=True),
    st.booleans(),
    st.integers(0, 9),
)


@settings(EXAMPLES, max_examples=30_000 if LONG else 600)
@given(st.integers(1, 120_000), st.integers(1, 9), st.lists(sweeps, max_size=40))
def test_breaker_trips_when_the_reference_says(
    ppm: int, window_us: int, history: list[tuple[int, list[int], bool, int]]
) -> None:
    rules = {
        "breaker_ppm": ppm, "breaker_window_us": window_us, "halt_us": 0, "band_ppm": 900_000, "min_notional": 0,
        "reference_price": 100,
    }  # fmt: skip
    pair, now = Pair(), START_US
    pair.apply(c.asset(asset=1, code="A", scale=0), now)
    pair.apply(c.asset(asset=2, code="B", scale=0), now)
    pair.apply(market_rules(1, **rules), now)
    for account in (1, 2):
        for asset in (1, 2):
            deposit = c.deposit(source=account * 2 + asset, index=1, account=account, asset=asset, amount=10**12)
            pair.apply(deposit, now)
    for wait_us, prices, rises, chance in history:
        now += wait_us
        side = c.BUY if rises else c.SELL
        for price in prices:
            pair.apply(c.place(account=1, market=1, side=1 - side, price=price, size=1), now)
        limit = max(prices) if rises else min(prices)
        events = pair.apply(c.place(account=2, market=1, side=side, price=limit, size=len(prices)), now)
        assert [event[0] for event in events][: len(prices) + 1] == ["new"] + ["trade"] * len(prices)
        if pair.slow.markets[1].state == "halted":
            pair.apply(c.state(market=1, state="open"), now)
        elif chance == 0:
            pair.apply(market_rules(1, **rules), now)
    pair.fast.validate()
