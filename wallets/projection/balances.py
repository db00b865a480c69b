"""Balances: each event says what it moves (docs/protocol.md section 3), so rows are never read, only added to."""

from collections.abc import Sequence
from typing import Any, Final

from matching.bulk import array
from matching.projection import Handler
from wallets.models import FEES_ACCOUNT
from wallets.projection.assets import Assets

Key = tuple[int, int]

INSERT: Final = """
INSERT INTO wallets_balance (account_id, asset_id, available, held, sequence)
SELECT account_id, asset_id, 0, 0, 0 FROM unnest(%s::bigint[], %s::bigint[]) AS c (account_id, asset_id)
ON CONFLICT DO NOTHING
"""
UPDATE: Final = """
UPDATE wallets_balance AS b
SET available = b.available + c.available, held = b.held + c.held, sequence = c.sequence
FROM unnest(%s::bigint[], %s::bigint[], %s::numeric[], %s::numeric[], %s::bigint[])
  AS c (account_id, asset_id, available, held, sequence)
WHERE b.account_id = c.account_id AND b.asset_id = c.asset_id
"""
# Rows known to exist are remembered to spare the INSERT; beyond this many the memory is not worth it.
KNOWN_ROWS_MAX: Final = 500_000


class Balances:
    """Read model Balance."""

    tables = ("wallets_balance",)

    def __init__(self, assets: Assets) -> None:
        self._markets = assets.markets
        # available, held, sequence: what is to be added, and when it last changed.
        self._changes: dict[Key, list[int]] = {}
        self._known: set[Key] = set()

    def handlers(self) -> dict[str, Handler]:
        return {
            "trade": self._trade, "rest": self._rest, "wait": self._rest, "trigger": self._trigger,
            "reduce": self._reduce, "done": self._reduce, "amend": self._amend, "deposit": self._deposit,
            "hold": self._hold, "release": self._release, "complete": self._complete, "transfer": self._transfer,
            "exit": self._exit,
        }  # fmt: skip

    def load(self) -> None:
        self._changes = {}
        self._known = set()

    def _move(self, account: int, asset: int, available: int, held: int, sequence: int) -> None:
        change = self._changes.get((account, asset))
        if change is None:
            self._changes[account, asset] = [available, held, sequence]
        else:
            change[0] += available
            change[1] += held
            change[2] = sequence

    def _trade(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        (_, _, market, _, _, base_atoms, quote_atoms, taker_side, _, taker, _, maker, taker_fee, maker_fee,
         _) = event  # fmt: skip
        money, move = self._markets[market], self._move
        gives, gets = (money.base, money.quote) if taker_side else (money.quote, money.base)
        given, got = (base_atoms, quote_atoms) if taker_side else (quote_atoms, base_atoms)
        move(taker, gives, -given, 0, sequence)
        move(taker, gets, got - taker_fee, 0, sequence)
        # The maker gives what the taker gets, out of its hold.
        move(maker, gets, 0, -got, sequence)
        move(maker, gives, given - maker_fee, 0, sequence)
        if taker_fee:
            move(FEES_ACCOUNT, gets, taker_fee, 0, sequence)
        if maker_fee:
            move(FEES_ACCOUNT, gives, maker_fee, 0, sequence)

    def _rest(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        held = event[-1]
        self._set_aside(event[2], event[3], event[4], held, sequence)

    def _trigger(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        self._set_aside(event[2], event[3], event[4], -event[5], sequence)

    def _reduce(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        released = event[8] if event[0] == "reduce" else event[7]
        if released:
            self._set_aside(event[2], event[3], event[4], -released, sequence)

    def _amend(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        _, _, account, market, side, old_price, old_remaining, _, _, _, held, _ = event
        asset, was = self._markets[market].hold(side, old_price, old_remaining)
        self._move(account, asset, was - held, held - was, sequence)

    def _set_aside(self, account: int, market: int, side: int, held: int, sequence: int) -> None:
        money = self._markets[market]
        self._move(account, money.base if side else money.quote, -held, held, sequence)

    def _deposit(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        _, _, _, account, asset, amount = event
        self._move(account, asset, amount, 0, sequence)

    def _exit(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        _, _, _, account, asset, amount = event
        if amount:
            self._move(account, asset, -amount, 0, sequence)

    # What is held names its recipient last, but for what was journaled before version 3 of the engine.

    def _hold(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        _, _, account, asset, amount, *_ = event
        self._move(account, asset, -amount, amount, sequence)

    def _release(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        _, _, account, asset, amount, *_ = event
        self._move(account, asset, amount, -amount, sequence)

    def _complete(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        _, _, account, asset, amount, *_ = event
        self._move(account, asset, 0, -amount, sequence)

    def _transfer(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        _, _, giver, receiver, asset, amount = event
        self._move(giver, asset, -amount, 0, sequence)
        self._move(receiver, asset, amount, 0, sequence)

    def write(self, cursor: Any, now_us: int) -> None:
        if not self._changes:
            return
        # In the order of the key, so that the pages are visited in order.
        changes, self._changes = sorted(self._changes.items()), {}
        unknown = [key for key, _ in changes if key not in self._known]
        if unknown:
            cursor.execute(INSERT, [array(column) for column in zip(*unknown, strict=True)])
            self._remember(unknown)
        columns = zip(*((*key, *change) for key, change in changes), strict=True)
        cursor.execute(UPDATE, [array(column) for column in columns])

    def _remember(self, keys: list[Key]) -> None:
        if len(self._known) > KNOWN_ROWS_MAX:
            self._known.clear()
        self._known.update(keys)

    def age(self, cursor: Any, now_us: int) -> None:
        """Balances change by events only."""
