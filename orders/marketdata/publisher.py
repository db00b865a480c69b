"""Puts market data into Redis: what happened on pub/sub, what is now into keys, both in one transaction.

Whoever reads a key after subscribing therefore misses nothing: the key holds everything published before.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import orjson
import redis

from orders.marketdata import frames, names
from orders.marketdata.fold import Changes, Fold
from orders.marketdata.market import RECENT_TRADES, Market

# A book is stored whole at most this often, and at most a tenth of the time goes into storing it;
# what changed in between lies in its tail.
STORE_BOOK_S: Final = 0.05
STORE_BOOK_SHARE: Final = 10
# Tickers and candles are absolute, so those in between can be left out.
SUMMARY_S: Final = 0.25
REQUESTS_MAX: Final = 256


class Lost(Exception):
    """Redis does not hold what we wrote last: it was emptied, or somebody else writes too."""


class Publisher:
    """Collects the messages of batches; `flush` sends them. Not thread-safe.

    `push_tickers` takes [(symbol, ticker as JSON)] and hands them to Channels.
    """

    def __init__(
        self, client: redis.Redis, push_tickers: Callable[[list[tuple[str, bytes]]], None],
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._redis = client
        self._push_tickers = push_tickers
        self._clock = clock
        self._commands: list[tuple[Any, ...]] = []
        self._tickers: list[tuple[str, bytes]] = []
        # What md:sequence must be; None until the first reset.
        self._published: int | None = None
        self._symbols: set[str] = set()
        self._dirty_books: set[int] = set()
        self._store_at: dict[int, float] = {}
        self._summaries_at = 0.0

    def published(self) -> int | None:
        """The last sequence whose messages went out, as Redis has it."""
        value: Any = self._redis.get(names.SEQUENCE)
        return int(value) if value is not None else None

    def resume(self, published: int) -> None:
        """Go on after `published` as if there had been no break."""
        self._published = published

    def add(self, changes: Changes, fold: Fold) -> None:
        """Take the messages of one batch that `fold` has just folded."""
        put = self._commands.append
        time_ms = fold.time_us // 1000
        for change in changes.books:
            if not change.market.is_shown:
                continue
            symbol = change.market.symbol
            envelope = frames.seal(change.prev, change.last, frames.book_update(change, time_ms))
            put(("PUBLISH", names.book_topic(symbol), envelope))
            put(("RPUSH", names.book_tail(symbol), envelope))
            self._dirty_books.add(change.market.market)
        for (market, trades), runs in zip(changes.trades, changes.runs, strict=True):
            encoded = [orjson.dumps(trade) for trade in trades]
            message = frames.trades_message(market.symbol, "update", encoded)
            shown_runs = frames.runs_body(market, runs)
            envelope = frames.seal(trades[0]["id"] - 1, trades[-1]["id"], message, shown_runs)
            put(("PUBLISH", names.trades_topic(market.symbol), envelope))
            put(("LPUSH", names.trades(market.symbol), *encoded))
            put(("LTRIM", names.trades(market.symbol), 0, RECENT_TRADES - 1))
        for account_change in changes.accounts:
            topic = names.account_topic(account_change.account)
            put(("PUBLISH", topic, frames.account_update(fold, account_change)))

    def flush(self, fold: Fold) -> list[int]:
        """Send what was taken, store what is due; returns the accounts whose snapshot somebody asks for.

        Raises Lost, redis.RedisError, OSError: then nobody knows what arrived, and `reset` makes it good.
        """
        self._announce_markets(fold)
        self._store_summaries(fold)
        self._store_books(fold)
        commands, self._commands = self._commands, []
        commands.append(("GETSET", names.SEQUENCE, fold.sequence))
        commands.append(("SPOP", names.REQUESTS, REQUESTS_MAX))
        *_, before, requests = self._execute(commands)
        expected, self._published = self._published, fold.sequence
        if expected is None or before is None or int(before) != expected:
            raise Lost(f"{names.SEQUENCE} is {before}, not {expected}")
        self._send_tickers()
        return list(map(int, requests or ()))

    def send_snapshots(self, fold: Fold, accounts: Iterable[int]) -> None:
        """Answer requests: the accounts' snapshots as of now, on their channels, in order with the updates."""
        commands = [
            ("PUBLISH", names.account_topic(account), frames.account_snapshot(fold, account)) for account in accounts
        ]
        if commands:
            self._execute(commands)

    def reset(self, fold: Fold) -> None:
        """Store everything anew and tell all sockets to fetch it: for an empty Redis and after a break."""
        self._commands.clear()
        self._tickers.clear()
        self._symbols = {market.symbol for market in fold.shown_markets()}
        commands: list[tuple[Any, ...]] = [("DEL", names.MARKETS)]
        if self._symbols:
            commands.append(("SADD", names.MARKETS, *self._symbols))
        for market in fold.shown_markets():
            commands += self._book_commands(market, fold)
            commands.append(("DEL", names.trades(market.symbol)))
            if market.trades:
                commands.append(("LPUSH", names.trades(market.symbol), *map(orjson.dumps, market.trades)))
            commands += self._candle_commands(market, fold, market.candles.current.items())
            commands.append(self._ticker_command(market, fold))
        commands += [("SET", names.SEQUENCE, fold.sequence), ("PUBLISH", names.RESET, fold.sequence)]
        self._execute(commands)
        self._published = fold.sequence
        self._dirty_books.clear()
        self._send_tickers()

    def _announce_markets(self, fold: Fold) -> None:
        """A market that is new has a book, if an empty one."""
        for market in fold.shown_markets():
            if market.symbol not in self._symbols:
                self._symbols.add(market.symbol)
                self._commands.append(("SADD", names.MARKETS, market.symbol))
                self._dirty_books.add(market.market)

    def _store_books(self, fold: Fold) -> None:
        now = self._clock()
        for market_id in sorted(self._dirty_books):
            if self._store_at.get(market_id, 0.0) <= now:
                self._dirty_books.discard(market_id)
                self._commands += self._book_commands(fold.markets[market_id], fold)
                took = self._clock() - now
                self._store_at[market_id] = now + max(STORE_BOOK_S, took * STORE_BOOK_SHARE)

    def _book_commands(self, market: Market, fold: Fold) -> list[tuple[Any, ...]]:
        time_ms = fold.time_us // 1000
        return [
            ("SET", names.book(market.symbol), frames.book_body(market, time_ms)),
            ("SET", names.book_top(market.symbol), frames.book_body(market, time_ms, frames.TOP_LEVELS)),
            ("DEL", names.book_tail(market.symbol)),
        ]

    def _store_summaries(self, fold: Fold) -> None:
        now = self._clock()
        if now < self._summaries_at:
            return
        self._summaries_at = now + SUMMARY_S
        for market in fold.shown_markets():
            by_interval: dict[str, list[Any]] = {}
            for interval, candle in market.candles.take_changed():
                by_interval.setdefault(interval, []).append(candle)
            for interval, candles in by_interval.items():
                bodies = [frames.candle_body(market, interval, candle) for candle in candles]
                message = frames.candles_message(market.symbol, interval, "update", bodies)
                envelope = frames.seal(frames.NO_CHAIN, fold.sequence, message)
                self._commands.append(("PUBLISH", names.candles_topic(market.symbol, interval), envelope))
            if by_interval:
                self._commands += self._candle_commands(market, fold, market.candles.current.items())
            if market.ticker_changed or market.ticker.expire(int(now * 1000)):
                market.ticker_changed = False
                self._commands.append(self._ticker_command(market, fold))

    def _candle_commands(self, market: Market, fold: Fold, candles: Iterable[tuple[str, Any]]) -> list[tuple[Any, ...]]:
        commands: list[tuple[Any, ...]] = []
        for interval, candle in candles:
            body = frames.candle_body(market, interval, candle)
            message = frames.candles_message(market.symbol, interval, "snapshot", [body])
            envelope = frames.seal(frames.NO_CHAIN, fold.sequence, message)
            commands.append(("SET", names.candle(market.symbol, interval), envelope))
        return commands

    def _ticker_command(self, market: Market, fold: Fold) -> tuple[Any, ...]:
        now_ms = max(int(self._clock() * 1000), fold.time_us // 1000)
        body = orjson.dumps(market.ticker_json(now_ms, fold.sequence))
        self._tickers.append((market.symbol, body))
        return ("SET", names.ticker(market.symbol), body)

    def _send_tickers(self) -> None:
        if self._tickers:
            tickers, self._tickers = self._tickers, []
            self._push_tickers(tickers)

    def _execute(self, commands: Iterable[tuple[Any, ...]]) -> list[Any]:
        with self._redis.pipeline(transaction=True) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            return pipeline.execute()
