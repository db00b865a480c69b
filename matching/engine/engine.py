"""The engine: commands in, events out. Pure: no input or output, no clock, no chance, no threads."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from matching.engine import amend, ending, funds, limits, lists, markets, place, registry, snapshot
from matching.engine.events import Event
from matching.engine.holds import holds_of
from matching.engine.invariants import check_state
from matching.engine.state import State

Handler = Callable[[State, Any], list[Event]]

# Stands in for a command of a batch that has done too much already; nobody can send it.
TOO_LATE: Final = ("overloaded", 0)

HANDLERS: Final[dict[str, Handler]] = {
    "place": place.place,
    "cancel": ending.cancel,
    "amend": amend.amend,
    "replace": place.replace,
    "list": lists.place_list,
    "cancel_all": ending.cancel_all,
    "deadman": markets.deadman,
    "tick": markets.tick,
    "key": registry.key,
    "exit": registry.exit_all,
    "signed_place": place.signed_place,
    "signed_amend": amend.signed_amend,
    "signed_transfer": funds.signed_transfer,
    "signed_withdraw": funds.signed_withdraw,
    "deposit": funds.deposit,
    "hold": funds.hold,
    "release": funds.end_withdrawal,
    "complete": funds.end_withdrawal,
    "transfer": funds.transfer,
    "asset": markets.asset,
    "market": markets.market,
    "state": markets.market_state,
    "tier": markets.tier,
    "engine": markets.engine_version,
    "overloaded": markets.overloaded,
}


class Engine(State):
    """All markets, orders and balances, and the one way to change them.

    `sequence` counts the commands applied, `time_us` is the time of the last one, `next_due` when something will
    happen by itself (NEVER: nothing), `markets` the markets by id.
    """

    __slots__ = ()

    def apply(self, command: Sequence[Any], time_us: int) -> list[Event]:
        """Apply one command of the right shape (commands.check_shape) and give its events.

        `time_us`: microseconds since the epoch, never less than before, else ValueError. KeyError for a command of
        unknown kind. Neither changes anything; any other exception means that the engine is broken and must go.
        """
        handler = HANDLERS[command[0]]
        if time_us < self.time_us:
            raise ValueError(f"time falls from {self.time_us} to {time_us}")
        self.time_us = time_us
        self.sequence += 1
        if time_us >= self.next_due:
            return markets.run_due(self) + handler(self, command)
        return handler(self, command)

    def apply_all(self, commands: Sequence[Sequence[Any]], time_us: int) -> list[list[Event]]:
        """Apply the commands of a batch and give the events of each.

        When they have made limits.BATCH_EVENTS or more, the commands that are left are rejected, `overloaded`, so that
        a batch can never take long: what is due happens, their own contents are not looked at. Raises as `apply`.
        """
        apply, limit = self.apply, limits.BATCH_EVENTS
        events, count = [], 0
        for command in commands:
            done = apply(command if count < limit else TOO_LATE, time_us)
            count += len(done)
            events.append(done)
        return events

    def balance(self, account: int, asset: int) -> tuple[int, int]:
        """(available, held) in atoms; zeros for what the engine never saw."""
        return self.balances(account).get(asset, (0, 0))

    def balances(self, account: int) -> dict[int, tuple[int, int]]:
        """(available, held) in atoms by asset, of the assets of which the account owns any."""
        there = self.accounts_by_id.get(account)
        if there is None:
            return {}
        held = holds_of(self, [there])
        balances = {
            asset: (balance.available, held[account, asset]) for asset, balance in sorted(there.balances.items())
        }
        return {asset: balance for asset, balance in balances.items() if any(balance)}

    def accounts(self) -> Iterable[int]:
        """The accounts that the engine knows, rising."""
        return sorted(self.accounts_by_id)

    def open_orders(self, account: int) -> list[int]:
        """Ids of the account's resting and waiting orders, rising."""
        there = self.accounts_by_id.get(account)
        return sorted(there.orders) if there else []

    def depth(self, market: int, limit: int | None = None) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """(bids, asks) of a market as (price in ticks, lots), best first, at most `limit` levels each."""
        there = self.markets[market]
        return there.bids.depth(limit), there.asks.depth(limit)

    def validate(self) -> None:
        """Raise InvalidState if the memory contradicts itself."""
        check_state(self)

    def dump(self) -> dict[str, Any]:
        """Everything as integers, text and lists; equal states give equal dumps."""
        return snapshot.dump(self)

    @classmethod
    def load(cls, dump: dict[str, Any]) -> "Engine":
        """The engine that `dump` was taken of."""
        engine = cls()
        snapshot.load(engine, dump)
        return engine

    def state_hash(self) -> str:
        """SHA-256, in hex, of the dump."""
        return snapshot.state_hash(self)
