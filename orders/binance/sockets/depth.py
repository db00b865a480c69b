"""Streams of the book: deltas, the best levels, the best prices. All of a market share one mirror."""

from orders.binance.sockets.mirror import NOWHERE, Level, Mirror
from orders.binance.sockets.stream import Stream, now_ms, text_of
from orders.sockets.hub import Hub


class BookStream(Stream):
    """A stream that follows a mirror; whoever makes it connects the mirror to the hub."""

    def __init__(self, name: str, period_ms: int, symbol: str, mirror: Mirror) -> None:
        super().__init__(name, period_ms)
        self._symbol = symbol
        self.mirror = mirror

    def open(self, hub: Hub) -> None:
        """Begin."""
        self.mirror.add(self)

    def begin(self, position: int) -> None:
        """The book is known now."""
        self.touch()

    def change(self, last: int, bids: list[Level], asks: list[Level]) -> None:
        """The book changed."""
        self.touch()


class Deltas(BookStream):
    """`@depth`: what changed. Update ids are sequences; `U` is the `u` before plus one, so nobody misses a hole."""

    def __init__(self, name: str, period_ms: int, symbol: str, mirror: Mirror) -> None:
        super().__init__(name, period_ms, symbol, mirror)
        self._position = self._last_id = NOWHERE
        self._bids: dict[str, str] = {}
        self._asks: dict[str, str] = {}

    def begin(self, position: int) -> None:
        """Deltas count from here."""
        self._position = self._last_id = position

    def change(self, last: int, bids: list[Level], asks: list[Level]) -> None:
        """Collect: of a level that changed twice the later size counts."""
        self._bids.update((text_of(price), text_of(size)) for price, size in bids)
        self._asks.update((text_of(price), text_of(size)) for price, size in asks)
        self._last_id = last
        self.touch()

    def emit(self) -> None:
        """One delta for all changes since the last one."""
        self.send(
            {
                "e": "depthUpdate",
                "E": now_ms(),
                "s": self._symbol,
                "U": self._position + 1,
                "u": self._last_id,
                "b": list(self._bids.items()),
                "a": list(self._asks.items()),
            }
        )
        self._position = self._last_id
        self._bids.clear()
        self._asks.clear()


class BestLevels(BookStream):
    """`@depth5`, `@depth10`, `@depth20`: the best levels, whole."""

    is_whole = True

    def __init__(self, name: str, period_ms: int, symbol: str, mirror: Mirror, levels: int) -> None:
        super().__init__(name, period_ms, symbol, mirror)
        self._levels = levels
        self._shown: tuple[list[Level], list[Level]] | None = None

    def emit(self) -> None:
        """The levels, if they differ from what was shown last."""
        best = self.mirror.top(0, self._levels), self.mirror.top(1, self._levels)
        if best != self._shown:
            self._shown = best
            bids, asks = ([[text_of(price), text_of(size)] for price, size in side] for side in best)
            self.send({"lastUpdateId": self.mirror.position, "bids": bids, "asks": asks})


class BestPrices(BookStream):
    """`@bookTicker`: best bid and ask with their sizes; an empty side has the price and size 0."""

    is_whole = True
    _shown: tuple[list[Level], list[Level]] | None = None

    def emit(self) -> None:
        """The prices, if they differ from what was shown last."""
        best = self.mirror.top(0, 1), self.mirror.top(1, 1)
        if best == self._shown:
            return
        self._shown = best
        (bid, bid_size), (ask, ask_size) = ((side or [["0", "0"]])[0] for side in best)
        self.send(
            {
                "u": self.mirror.position,
                "s": self._symbol,
                "b": text_of(bid),
                "B": text_of(bid_size),
                "a": text_of(ask),
                "A": text_of(ask_size),
            }
        )
