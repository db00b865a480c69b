"""The sockets process is killed under ccxt.pro's feet: what a program sees afterwards is right, and nothing is lost."""

import asyncio
import time

import ccxt

from tests.clients import venue
from tests.clients.conftest import ASK, BID, SYMBOL
from tests.patience import PATIENCE_S


class Program:
    """What a program does: it tries again after a network error. Counts how often it had to."""

    def __init__(self):
        self.errors = 0

    async def call(self, method, *arguments):
        while True:
            try:
                return await method(*arguments)
            except ccxt.NetworkError:
                self.errors += 1
                await asyncio.sleep(0.2)


def test_the_book_is_right_after_a_disconnect(stack, accounts, trader, maker):
    program = Program()

    async def run(client):
        async with venue.watching(lambda: program.call(client.watch_order_book, SYMBOL)) as watch:
            await watch.until(lambda book: book["bids"] == [[BID, 1]] and book["asks"] == [[ASK, 1]], "the quotes")
            stack.end("sockets")
            # Meanwhile the book changes on both sides: what was learnt before is wrong.
            await asyncio.to_thread(trader.create_order, SYMBOL, "limit", "buy", 0.5, 59_950)
            await asyncio.to_thread(trader.create_order, SYMBOL, "market", "buy", 0.25)
            stack.launch("sockets")
            await watch.until(lambda book: book["bids"][:1] == [[59_950, 0.5]], "the new bid")
            await watch.until(lambda book: book["asks"] == [[ASK, 0.75]], "what is left of the ask")
            # And it goes on.
            await asyncio.to_thread(trader.cancel_all_orders, SYMBOL)
            book = await watch.until(lambda book: book["bids"] == [[BID, 1]], "the bid gone")
            told = await asyncio.to_thread(trader.fetch_order_book, SYMBOL)
            assert (told["bids"], told["asks"]) == (book["bids"], book["asks"]) == ([[BID, 1]], [[ASK, 0.75]])

    venue.with_pro(stack, accounts["trader"], run)
    assert program.errors > 0


async def is_told(watch, order):
    """Whether there is news of the order soon."""
    for _ in range(20):
        if watch.seen is not None and watch.seen[-1]["id"] == order["id"]:
            return True
        await asyncio.sleep(0.1)
    return False


def test_orders_and_their_news_go_on_after_a_disconnect(stack, accounts, trader, maker):
    program = Program()

    async def run(client):
        before = await client.create_order_ws(SYMBOL, "limit", "buy", 0.5, 59_000)
        await client.authenticate()
        async with venue.watching(lambda: program.call(client.watch_orders, SYMBOL)) as watch:
            await client.cancel_order_ws(before["id"], SYMBOL)
            await watch.until(lambda found: found[-1]["status"] == "canceled", "the first cancel")
            stack.end("sockets")
            stack.launch("sockets")
            end = time.monotonic() + PATIENCE_S
            while True:
                after = await program.call(client.create_order_ws, SYMBOL, "limit", "buy", 0.5, 59_001)
                if await is_told(watch, after):
                    break
                # It may have come before the program's watch was subscribed again.
                assert time.monotonic() < end, "no order is told any more"
                await client.cancel_order_ws(after["id"], SYMBOL)
            assert [order["id"] for order in await client.fetch_open_orders_ws(SYMBOL)] == [after["id"]]

    venue.with_pro(stack, accounts["trader"], run)
    assert program.errors > 0
