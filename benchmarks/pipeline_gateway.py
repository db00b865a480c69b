"""One gateway process of the pipeline's benchmark: `python -m benchmarks.pipeline_gateway NUMBER SECONDS OUTSTANDING`.

It keeps OUTSTANDING single commands under way, as so many clients would who each wait for their answer. Prints JSON.
"""

import json
import os
import random
import sys
import threading
import time
from collections import deque
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "exchange.settings")
django.setup()

from matching import gateway  # noqa: E402
from matching.engine import commands  # noqa: E402

WARM_UP_S = 1.0
SAMPLE_EVERY = 16


class Client:
    """Places around a middle, takes, and cancels: 60 % new orders, 15 % IOC, 25 % cancels."""

    def __init__(self, account: int, seed: int) -> None:
        self.account = account
        self.random = random.Random(seed)
        self.orders: list[int] = []
        self.number = 0

    def next_command(self) -> list[Any]:
        draw = self.random.random()
        if draw < 0.25 and self.orders:
            return commands.cancel(account=self.account, order=self.orders.pop(self.random.randrange(len(self.orders))))
        side = self.random.getrandbits(1)
        away = self.random.randrange(-2, 60)
        price = 600_000 - away if side == commands.BUY else 600_000 + away
        tif = commands.IOC if draw > 0.85 else commands.GTC
        self.number += 1
        return commands.place(
            account=self.account, market=1, side=side, tif=tif, price=price, size=self.random.randrange(10, 500),
            client_id=f"c{self.number}", fingerprint=self.number,
        )  # fmt: skip

    def learn(self, events: list[list[Any]]) -> None:
        if events[-1][0] == "rest":
            self.orders.append(events[-1][1])


def main(number: int, seconds: float, outstanding: int) -> None:
    clients = [Client(1_000 * number + i, seed=1_000 * number + i) for i in range(outstanding)]
    over = threading.Event()
    under_way = [outstanding]
    refused: deque[Client] = deque()
    done: list[float] = []
    latencies: list[float] = []
    errors = [0]
    ends = [0.0]

    def after(client: Client, now: float) -> None:
        if now < ends[0]:
            go(client)
        else:
            under_way[0] -= 1
            if under_way[0] == 0:
                over.set()

    def go(client: Client) -> None:
        sent = time.monotonic()

        def answered(outcome: Any) -> None:
            now = time.monotonic()
            if isinstance(outcome, gateway.GatewayError):
                errors[0] += 1
                refused.append(client)
                return
            done.append(now)
            if len(done) % SAMPLE_EVERY == 0:
                latencies.append(now - sent)
            client.learn(outcome[0].events)
            after(client, now)

        gateway.submit_nowait([client.next_command()], answered, timeout_s=30)

    began, cpu_began = time.monotonic(), time.process_time()
    ends[0] = began + WARM_UP_S + seconds
    for client in clients:
        go(client)
    while not over.wait(0.02):
        # As a client does that was told 503.
        for _ in range(len(refused)):
            after(refused.popleft(), time.monotonic())
        if time.monotonic() > ends[0] + 60:
            raise SystemExit("the load did not end")
    counted = [at for at in done if began + WARM_UP_S <= at <= ends[0]]
    latencies.sort()
    print(
        json.dumps(
            {
                "commands": len(counted),
                "seconds": seconds,
                "errors": errors[0],
                "cpu_us": (time.process_time() - cpu_began) * 1e6 / len(done),
                "p50_ms": latencies[len(latencies) // 2] * 1e3,
                "p99_ms": latencies[len(latencies) * 99 // 100] * 1e3,
            }
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
