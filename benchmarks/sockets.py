"""Sockets: order entry, from order to book update, many listeners, market data's own speed.

`python -m benchmarks sockets`. Real processes throughout, fsync on.
"""

import json
import os
import socket as sockets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from benchmarks.pipeline import ROOT, Row, matcher, python, servers
from benchmarks.sockets_client import MARKET, RawSocket, signed_in

SECONDS = 5.0
ROUNDS = 3
SOCKETS = 4
OUTSTANDING = 400
LONE = 300
LISTENERS = 200
FANOUT_S = 4.0
UPDATE_S_MAX = 10.0


@contextmanager
def exchange() -> Iterator[tuple[dict[str, str], str]]:
    """Matcher, projector, market data and sockets, seeded; the environment and the sockets' address."""
    with servers() as environment:
        with sockets.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            environment["SOCKET_PORT"] = str(probe.getsockname()[1])
        # All of them come from this one address.
        environment["SOCKETS_PER_ADDRESS"] = str(2 * LISTENERS)
        with matcher(environment):
            others = [
                subprocess.Popen([sys.executable, "manage.py", *command], cwd=ROOT, env=environment)
                for command in (("project", "orders"), ("project", "wallets"), ("marketdata",), ("sockets",))
            ]
            try:
                python(environment, "manage.py", "seed")
                url = f"ws://127.0.0.1:{environment['SOCKET_PORT']}/ws/v1"
                wait_for(url)
                yield environment, url
            finally:
                for process in others:
                    process.terminate()
                for process in others:
                    process.wait(20)


def wait_for(url: str) -> None:
    """Until the sockets know the market."""
    for _ in range(600):
        try:
            raw = RawSocket(url)
            raw.ask(op="subscribe", channel="book", market=MARKET)
            return
        except (OSError, AssertionError):
            time.sleep(0.1)
    raise RuntimeError("the sockets do not answer")


def accounts(environment: dict[str, str], count: int) -> list[dict[str, Any]]:
    """Rich accounts without a narrow rate limit."""
    balances = ("--balance", "BTC=100000", "--balance", "USDT=1000000000")
    return [
        json.loads(
            python(environment, "manage.py", "demo_account", f"b{i}", *balances, "--rate-tier", "maker", "--json")
        )
        for i in range(count)
    ]


def entry(environment: dict[str, str], url: str, who: list[dict[str, Any]], batch: int) -> dict[str, Any]:
    """One round of orders."""
    command = [sys.executable, "-m", "benchmarks.sockets_client"]
    done = subprocess.run(
        [*command, url, str(SECONDS), str(OUTSTANDING if batch == 1 else 4 * batch * SOCKETS), str(batch)],
        cwd=ROOT, env=environment, input=json.dumps(who), stdout=subprocess.PIPE, check=True, text=True,
    )  # fmt: skip
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def lone(url: str, account: dict[str, Any]) -> tuple[float, float]:
    """Median milliseconds from sending an order to its reply, and to its book update, one at a time."""
    trader, listener = signed_in(url, account), RawSocket(url)
    trader.ask(op="order.cancel_all", params={})
    listener.ask(op="subscribe", channel="book", market=MARKET)
    seen = threading.Event()
    at = [0.0]

    def listen() -> None:
        try:
            while True:
                for payload in listener.receive():
                    if b'"update"' in payload:
                        at[0] = time.monotonic()
                        seen.set()
        except (OSError, ConnectionError):
            return

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    time.sleep(0.5)
    replies, updates = [], []
    for number in range(LONE):
        seen.clear()
        began = time.monotonic()
        price = str(55_000 + number)
        trader.ask(op="order.place", params={"market": MARKET, "side": "buy", "price": price, "size": "0.01"})
        replies.append(time.monotonic() - began)
        if not seen.wait(UPDATE_S_MAX):
            raise RuntimeError(f"the book did not tell of an order within {UPDATE_S_MAX} s")
        updates.append(at[0] - began)
        time.sleep(0.002)
    trader.ask(op="order.cancel_all", params={})
    listener.socket.shutdown(sockets.SHUT_RDWR)
    return median(replies) * 1e3, median(updates) * 1e3


def fanout(environment: dict[str, str], url: str, who: list[dict[str, Any]]) -> tuple[float, float]:
    """Book messages a second that reach all listeners together, and those of one of them, under a steady load."""
    listeners = [RawSocket(url) for _ in range(LISTENERS)]
    for listener in listeners:
        listener.ask(op="subscribe", channel="book", market=MARKET)
    import selectors

    choose = selectors.DefaultSelector()
    for listener in listeners:
        listener.socket.setblocking(False)
        choose.register(listener.socket, selectors.EVENT_READ, listener)
    # An odd number at a time: orders that rest and orders that fill them by pairs would leave every book as it was.
    load = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.sockets_client", url, str(FANOUT_S + 1), "7", "1"],
        cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert load.stdin is not None
    load.stdin.write(json.dumps(who[:1]))
    load.stdin.close()
    time.sleep(0.7)
    heard, first = 0, 0
    began = time.monotonic()
    while time.monotonic() < began + FANOUT_S:
        for key, _ in choose.select(0.1):
            count = len(key.data.receive())
            heard += count
            first += count if key.data is listeners[0] else 0
    lasted = time.monotonic() - began
    load.wait(20)
    for listener in listeners:
        listener.socket.close()
    return heard / lasted, first / lasted


def run() -> list[Row]:
    """The figures, as (what, measured, target)."""
    with exchange() as (environment, url):
        who = accounts(environment, SOCKETS)
        reply_ms, update_ms = lone(url, who[0])
        single = [entry(environment, url, who, 1) for _ in range(ROUNDS)]
        batch = [entry(environment, url, who, 50) for _ in range(ROUNDS)]
        all_heard, one_heard = fanout(environment, url, who)
        fold = python(environment, "-m", "benchmarks.sockets", "fold").strip()
        tickers, raw = python(environment, "-m", "benchmarks.sockets", "tickers").split()

    def per_second(reports: list[dict[str, Any]]) -> str:
        return f"{median(report['orders'] / report['seconds'] for report in reports):,.0f}"

    return [
        (f"socket order entry, orders/s, {SOCKETS} sockets", per_second(single), ">= 5,000"),
        ("latency under that load, p50", f"{median(r['p50_ms'] for r in single):.1f} ms", ""),
        ("latency under that load, p99", f"{median(r['p99_ms'] for r in single):.1f} ms", ""),
        ("refused under that load", str(sum(report["refused"] for report in single)), "0"),
        ("socket batches of 50, orders/s", per_second(batch), ">= 10,000"),
        ("lone order, reply, p50", f"{reply_ms:.2f} ms", "< 10 ms"),
        ("lone order, book update, p50", f"{update_ms:.2f} ms", ""),
        (f"book messages/s to {LISTENERS} listeners together", f"{all_heard:,.0f}", ""),
        ("book messages/s of one of them", f"{one_heard:,.0f}", ""),
        ("market data fold, commands/s (journal read included)", fold, ">= 5,000"),
        ("tickers/s through Channels, one group_send each", tickers, ""),
        ("the same by raw PUBLISH, 50 a round trip", raw, ""),
    ]


# The parts that run in a process of their own, with Django set up.


def fold() -> None:
    """Fold this exchange's journal from its beginning, as a start without a saved fold does."""
    from matching import journal
    from orders.marketdata.fold import Fold

    folded, began = Fold(), time.monotonic()
    while batches := journal.read(after=folded.sequence, limit=64):
        for batch in batches:
            folded.apply(first=batch.first, time_us=batch.time_us, events=batch.events, watched=())
    print(f"{folded.sequence / (time.monotonic() - began):,.0f}")


def tickers() -> None:
    """What a message costs its sender: through the Channels layer, and raw."""
    import asyncio

    import redis
    from channels.layers import get_channel_layer
    from django.conf import settings

    body, count = b"x" * 400, 4_000

    async def push() -> float:
        layer, began = get_channel_layer(), time.monotonic()
        for _ in range(count):
            await layer.group_send("bench", {"type": "tickers", "tickers": [["BTC-USDT", body]]})
        return count / (time.monotonic() - began)

    through_channels = asyncio.run(push())
    client, began = redis.Redis.from_url(settings.REDIS_URL), time.monotonic()
    for _ in range(count // 50):
        with client.pipeline(transaction=True) as pipeline:
            for _ in range(50):
                pipeline.execute_command("PUBLISH", "bench", body)
            pipeline.execute()
    print(f"{through_channels:,.0f} {count / (time.monotonic() - began):,.0f}")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "exchange.settings")
    import django

    django.setup()
    {"fold": fold, "tickers": tickers}[sys.argv[1]]()
