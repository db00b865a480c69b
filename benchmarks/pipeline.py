"""The pipeline: gateway → queue → matcher → durable journal → reply, on servers of its own, fsync on.

`python -m benchmarks pipeline`. Real processes throughout: PostgreSQL, Redis, `manage.py matcher`, two gateways.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from exchange.embedded import Postgres, Redis, private_tmp

ROOT = Path(__file__).resolve().parent.parent
GATEWAYS = 2
OUTSTANDING = 400
SECONDS = 5.0
ROUNDS = 3
LONE = 400
JOURNALED = 1_000_000
ACCOUNTS = 1_000
Row = tuple[str, str, str]  # what, figure, target


@contextmanager
def servers() -> Iterator[dict[str, str]]:
    """A fresh PostgreSQL (fsync on) and Redis, migrated; the environment that names them."""
    root = Path(tempfile.mkdtemp(prefix="bench", dir=private_tmp()))
    root.chmod(0o711)
    postgres, redis = Postgres(root / "pg"), Redis(root / "redis")
    try:
        postgres.start()
        redis.start()
        url = postgres.ensure_database("bench")
        environment = {
            **os.environ, "DATABASE_URL": url, "MATCHER_DATABASE_URL": url, "REDIS_URL": redis.url,
            "CELERY_BROKER_URL": redis.broker_url, "VAR_DIR": str(root / "var"), "LOG_LEVEL": "WARNING",
            "DJANGO_SETTINGS_MODULE": "exchange.settings",
        }  # fmt: skip
        python(environment, "manage.py", "migrate", "--verbosity", "0")
        yield environment
    finally:
        redis.stop()
        postgres.stop()
        shutil.rmtree(root, ignore_errors=True)


def python(environment: dict[str, str], *arguments: str, timeout_s: float = 300) -> str:
    """Run Python in the project; its output."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True,
        timeout=timeout_s,
    ).stdout  # fmt: skip


@contextmanager
def matcher(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A leading matcher."""
    process = subprocess.Popen([sys.executable, "manage.py", "matcher"], cwd=ROOT, env=environment)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def throughput(environment: dict[str, str]) -> dict[str, Any]:
    """One round of load by all gateways at once."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.pipeline_gateway", str(number), str(SECONDS), str(OUTSTANDING)],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE,
        )
        for number in range(1, GATEWAYS + 1)
    ]  # fmt: skip
    reports = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    return {
        "per_second": sum(report["commands"] / report["seconds"] for report in reports),
        "p50_ms": max(report["p50_ms"] for report in reports),
        "p99_ms": max(report["p99_ms"] for report in reports),
        "cpu_us": max(report["cpu_us"] for report in reports),
        "errors": sum(report["errors"] for report in reports),
    }


def run() -> list[Row]:
    """The figures, as (what, measured, target)."""
    with servers() as environment:
        with matcher(environment):
            python(environment, "-m", "benchmarks.pipeline", "fill")
            rounds = [throughput(environment) for _ in range(ROUNDS)]
            batch = python(environment, "-m", "benchmarks.pipeline", "batch-size").strip()
            lone = json.loads(python(environment, "-m", "benchmarks.pipeline", "lone"))
        rows = [
            ("pipeline, commands/s, 2 gateways", f"{median(r['per_second'] for r in rounds):,.0f}", ">= 20,000"),
            ("batch size that formed by itself, mean", batch, ""),
            ("latency under that load, p50", f"{median(r['p50_ms'] for r in rounds):.1f} ms", ""),
            ("latency under that load, p99", f"{median(r['p99_ms'] for r in rounds):.1f} ms", ""),
            ("errors under that load", str(sum(r["errors"] for r in rounds)), "0"),
            ("lone command, p50", f"{lone['p50_ms']:.2f} ms", "a few ms"),
            ("lone command, p99", f"{lone['p99_ms']:.2f} ms", ""),
        ]
    with servers() as environment:
        python(environment, "-m", "benchmarks.pipeline", "journal")
        rows.append(("restart, 1,000,000 journaled commands, no snapshot", f"{restart(environment):.1f} s", "< 15 s"))
        python(environment, "manage.py", "snapshot")
        rows.append(("restart, 1,000,000 journaled commands, snapshot", f"{restart(environment):.1f} s", "< 15 s"))
    return rows


def restart(environment: dict[str, str]) -> float:
    """Seconds from starting the process to the answer to a first command."""
    began = time.monotonic()
    with matcher(environment):
        python(environment, "-m", "benchmarks.pipeline", "first-answer")
        return time.monotonic() - began


# The parts that run in a process of their own, with Django set up.


def fill() -> None:
    """Markets with wide bands, and rich accounts."""
    from matching import gateway

    for batch in opening([1_000 * number + i for number in range(1, GATEWAYS + 1) for i in range(OUTSTANDING)]):
        gateway.submit(batch, timeout_s=30)


def opening(accounts: list[int]) -> Iterator[list[Any]]:
    """Commands that make a market and fund accounts, in batches."""
    from dataclasses import replace

    from matching import defaults
    from matching.engine import commands

    market = replace(defaults.BTC_USDT, breaker_ppm=0, band_ppm=900_000, max_orders=1_000_000)
    yield [*map(defaults.asset_command, defaults.ASSETS), defaults.market_command(market)]
    for start in range(0, len(accounts), 250):
        yield [
            commands.deposit(
                source=100 + asset.id, index=start + i + 1, account=account, asset=asset.id,
                amount=10**6 * 10**asset.scale,
            )
            for asset in (defaults.BTC, defaults.USDT)
            for i, account in enumerate(accounts[start : start + 250])
        ]  # fmt: skip


def batch_size() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT avg(last - first + 1) FROM matching_journal WHERE session <> '' AND number > 20")
        print(f"{cursor.fetchone()[0]:.0f}")


def lone() -> None:
    """One client that waits for each answer."""
    from benchmarks.pipeline_gateway import Client
    from matching import gateway

    client = Client(1_000, seed=7)
    took = []
    for _ in range(LONE):
        began = time.monotonic()
        (result,) = gateway.submit([client.next_command()])
        took.append(time.monotonic() - began)
        client.learn(result.events)
        time.sleep(0.002)
    took.sort()
    print(json.dumps({"p50_ms": took[LONE // 2] * 1e3, "p99_ms": took[LONE * 99 // 100] * 1e3}))


def journal() -> None:
    """Write a million commands as a leader would, without the queue."""
    from django.conf import settings

    from benchmarks.pipeline_gateway import Client
    from matching.consumer import Consumer
    from matching.gateway import new_session
    from matching.leadership import Leadership
    from matching.replica import Replica
    from matching.rows import decode_json, encode_json

    leadership, replica = Leadership(settings.MATCHER_DATABASE_URL), Replica()
    assert leadership.try_lock()
    leadership.promote(replica)
    leadership.connection.execute("SET synchronous_commit = off")
    replies: list[bytes] = []
    consumer = Consumer(
        replica=replica, leadership=leadership, reply=lambda _, message: replies.append(message), wake=lambda _: None
    )
    consumer.take_over()
    session, number = new_session(), 0

    def take(batch: list[Any]) -> list[Any]:
        nonlocal number
        number += 1
        consumer.take(session=session, number=number, attempt=0, commands_json=encode_json(batch))
        return decode_json(replies.pop())["events"]

    clients = [Client(account, seed=account) for account in range(1, ACCOUNTS + 1)]
    for batch in opening([client.account for client in clients]):
        take(batch)
    chance = random.Random(1)
    while replica.sequence < JOURNALED:
        chosen = chance.choices(clients, k=min(200, JOURNALED - replica.sequence))
        for client, events in zip(chosen, take([client.next_command() for client in chosen]), strict=True):
            client.learn(events)
    leadership.close()


def first_answer() -> None:
    """Ask until a matcher answers."""
    from matching import gateway
    from matching.engine import commands

    gateway.submit([commands.tick()], timeout_s=240)


if __name__ == "__main__":
    import django

    django.setup()
    {
        "fill": fill, "batch-size": batch_size, "lone": lone, "journal": journal, "first-answer": first_answer,
    }[sys.argv[1]]()  # fmt: skip
