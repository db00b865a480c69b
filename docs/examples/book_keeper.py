"""Keep a book over the WebSocket API: snapshot, updates, checksum, gaps, reconnecting.

    pip install websockets
    python book_keeper.py ws://localhost:8001/ws/v1 BTC-USDT

docs/sockets.md has the rules; the exchange's own tests run this file.
"""

import asyncio
import json
import sys
import zlib
from collections.abc import Callable
from decimal import Decimal

import websockets


class Gap(Exception):
    """An update is missing, or the checksum differs: start again from a snapshot."""


class Book:
    """Bids and asks as {price: size}, texts as they were sent; `position` is the last update that is in it."""

    def __init__(self) -> None:
        self.bids: dict[str, str] = {}
        self.asks: dict[str, str] = {}
        self.position = -1  # before the first snapshot

    def apply(self, message: dict) -> bool:
        """Take a message of the `book` channel; True if the book changed. Raises Gap."""
        if message["type"] == "snapshot":
            # May come at any time, and always replaces everything.
            self.bids, self.asks = dict(message["bids"]), dict(message["asks"])
            self.position = message["sequence"]
        elif self.position < 0 or message["last"] <= self.position:
            return False  # the snapshot has it already
        elif message["prev"] != self.position:
            raise Gap(f"after {self.position} came an update on {message['prev']}")
        else:
            for side, levels in ((self.bids, message["bids"]), (self.asks, message["asks"])):
                for price, size in levels:
                    if size == "0":
                        side.pop(price, None)
                    else:
                        side[price] = size
            self.position = message["last"]
        if self.checksum() != message["checksum"]:
            raise Gap(f"the checksum differs at {self.position}")
        return True

    def best(self, count: int | None = None) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """The best levels of both sides, best first."""
        bids = sorted(self.bids.items(), key=lambda level: -Decimal(level[0]))
        asks = sorted(self.asks.items(), key=lambda level: Decimal(level[0]))
        return bids[:count], asks[:count]

    def checksum(self) -> int:
        """CRC32 of the ten best levels a side."""
        bids, asks = self.best(10)
        text = "|".join(",".join(f"{price}:{size}" for price, size in side) for side in (bids, asks))
        return zlib.crc32(text.encode())


async def keep(url: str, market: str, on_change: Callable[[Book], None]) -> None:
    """Keep the market's book for ever; `on_change` sees it after every message."""
    wait_s = 0.1
    while True:
        try:
            async with websockets.connect(url, max_size=None) as socket:
                book = Book()
                await socket.send(json.dumps({"op": "subscribe", "channel": "book", "market": market}))
                async for text in socket:
                    message = json.loads(text)
                    if message.get("status") == "error":
                        raise SystemExit(f"refused: {message['error']}")
                    if message.get("channel") == "book" and book.apply(message):
                        wait_s = 0.1
                        on_change(book)
        except (OSError, Gap, websockets.WebSocketException) as error:
            print(f"starting again: {error}", file=sys.stderr)
        await asyncio.sleep(wait_s)
        wait_s = min(wait_s * 2, 5.0)


def show(book: Book) -> None:
    """Print the best bid and ask."""
    bids, asks = book.best(1)
    print(book.position, *(f"{price} ({size})" for price, size in bids + asks))


if __name__ == "__main__":
    asyncio.run(keep(sys.argv[1], sys.argv[2], show))
