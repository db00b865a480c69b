"""What the engine's book is: the stack's journal, replayed."""

import psycopg
import redis

from matching import defaults
from matching.engine import Engine
from matching.rows import decode_json, select_rows
from orders.marketdata import names
from orders.scales import MarketScale
from tests.stack import Stack, wait_until


def wait_published(stack: Stack) -> None:
    """Until market data has published all of the journal: a snapshot that is asked for now has all of it.

    An account's snapshot is made when market data comes to the request, which may be before it reads what was
    journaled just before.
    """
    with psycopg.connect(stack.env["DATABASE_URL"]) as connection:
        (head,) = connection.execute("SELECT head FROM matching_leader").fetchone() or (0,)
    with redis.Redis.from_url(stack.env["REDIS_URL"]) as store:
        wait_until(lambda: int(store.get(names.SEQUENCE) or 0) >= head, "market data is at the head")


class _Numbers:
    def __init__(self, rules: defaults.MarketRules) -> None:
        scales = {asset.id: asset.scale for asset in defaults.ASSETS}
        self.lot_atoms, self.unit = rules.lot_atoms, rules.unit
        self.base_scale, self.quote_scale = scales[rules.base], scales[rules.quote]


def replay(stack: Stack) -> Engine:
    """An engine that has applied every command of the journal."""
    engine = Engine()
    with psycopg.connect(stack.env["DATABASE_URL"]) as connection:
        while rows := select_rows(connection, after=engine.sequence, limit=500):
            for row in rows:
                for command in decode_json(row.commands_json):
                    engine.apply(command, row.time_us)
    return engine


def book_of(engine: Engine, symbol: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The engine's book as a client shows it."""
    rules = next(rules for rules in defaults.MARKETS if rules.symbol == symbol)
    scale = MarketScale(_Numbers(rules))
    bids, asks = engine.depth(rules.id)
    return tuple(  # type: ignore[return-value]
        [(scale.ticks_to_price(price), scale.lots_to_size(lots)) for price, lots in side] for side in (bids, asks)
    )
