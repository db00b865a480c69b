"""Projections: journal → rows of orders and wallets, on servers of their own, fsync on.

`python -m benchmarks projections`. A tape of orders lies in the journal; real `manage.py project` processes follow it.
CPU is that of the projector and of its PostgreSQL backend together, so that one core's share can be read off.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.pipeline import ROOT, python, servers

Row = tuple[str, str, str]  # what, figure, target

BACKLOG = 150_000
BATCH = 50
RATE = 5_000  # orders a second
SUSTAINED_S = 20
BURST = 50_000
NAMES = ("orders", "wallets")


def run() -> list[Row]:
    """The figures, as (what, measured, target)."""
    rows: list[Row] = []
    with servers() as environment:
        python(environment, "-m", "benchmarks.projections", "backlog")
        for name in NAMES:
            report = json.loads(python(environment, "-m", "benchmarks.projections", "catch-up", name))
            rate = report["orders"] / report["seconds"]
            per_core = report["orders"] / report["cpu_s"]
            rows.append((f"{name}: orders/s when behind", f"{rate:,.0f}", f">= {RATE:,}"))
            rows.append((f"{name}: orders per second of CPU", f"{per_core:,.0f}", f">= {RATE:,}"))
            began = time.monotonic()
            python(environment, "manage.py", "rebuild", name)
            took = time.monotonic() - began
            rows.append((f"{name}: rebuild from {BACKLOG:,} commands beside its readers", f"{took:.1f} s", ""))
    with servers() as environment, projectors(environment):
        report = json.loads(python(environment, "-m", "benchmarks.projections", "sustained"))
    rows += [
        (
            f"both, {report['rate']:,.0f} orders/s for {SUSTAINED_S} s: behind at most",
            f"{report['behind_s']:.2f} s",
            "",
        ),
        (f"both, a burst of {BURST:,} commands: caught up after", f"{report['burst_s']:.1f} s", ""),
    ]
    return rows


@contextmanager
def projectors(environment: dict[str, str]) -> Iterator[None]:
    """Both projector processes."""
    processes = [
        subprocess.Popen([sys.executable, "manage.py", "project", name], cwd=ROOT, env=environment) for name in NAMES
    ]
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(20)


# The parts that run in a process of their own, with Django set up.


def rows_of_tape(commands: int) -> tuple[list[Any], list[int]]:
    """Journal rows of a mixed tape at RATE commands a second, and the new orders in each."""
    from benchmarks import tapes
    from matching.engine import Engine
    from matching.rows import GENESIS_HASH, encode_json, make_row

    tape = tapes.make("mixed", commands)
    engine, rows, orders, last_hash = Engine(), [], [], GENESIS_HASH
    everything = [*tape.opening, *tape.commands]
    for at in range(0, len(everything), BATCH):
        batch = everything[at : at + BATCH]
        time_us = tapes.START_US + at * 1_000_000 // RATE
        events = [engine.apply(command, time_us) for command in batch]
        row = make_row(
            first=at + 1, last=at + len(batch), session="", number=0, time_us=time_us, epoch=1,
            commands_json=encode_json(batch), events_json=encode_json(events), previous_hash=last_hash,
        )  # fmt: skip
        last_hash = row.hash
        rows.append(row)
        orders.append(sum(event[0] == "new" for found in events for event in found))
    return rows, orders


def store(rows: list[Any]) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO matching_journal (first, last, session, number, time_us, epoch, body, hash)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [list(row) for row in rows],
        )


def backlog() -> None:
    """Write the tape, nobody follows."""
    rows, _ = rows_of_tape(BACKLOG)
    for at in range(0, len(rows), 200):
        store(rows[at : at + 200])


def catch_up(name: str) -> None:
    """Project the whole journal, here."""
    import psutil
    from django.db import connection

    from exchange.projections import PROJECTIONS
    from matching import journal
    from matching.projection import advance, grouped
    from orders.models import Order

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = psutil.Process(cursor.fetchone()[0])
    mine = psutil.Process()
    projection = PROJECTIONS[name]()
    projection.load()
    head, began, cpu_began = journal.head(), time.monotonic(), cpu_s(mine) + cpu_s(backend)
    while projection.sequence < head:
        for group in grouped(journal.read(after=projection.sequence, limit=64)):
            assert advance(projection, group)
    took, cpu = time.monotonic() - began, cpu_s(mine) + cpu_s(backend) - cpu_began
    orders = Order.objects.count()
    print(json.dumps({"seconds": took, "cpu_s": cpu, "orders": orders, "commands": head}))


def cpu_s(process: Any) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def sustained() -> None:
    """Journal RATE orders a second for a while, then a burst; how far the projectors are behind."""
    from matching.projection import offset

    rows, orders = rows_of_tape(int(RATE * SUSTAINED_S * 1.8) + BURST)
    written, behind, count, began = 0, 0.0, 0, time.monotonic()
    # When each row was written, to know how old what is missing is.
    written_at: list[float] = []
    while (now := time.monotonic() - began) < SUSTAINED_S:
        due = written
        while due < len(rows) and count < now * RATE:
            count += orders[due]
            due += 1
        store(rows[written:due])
        written_at += [time.monotonic()] * (due - written)
        written = due
        reached = min(offset(name) for name in NAMES) // BATCH
        if reached < written:
            behind = max(behind, time.monotonic() - written_at[reached])
        time.sleep(0.01)
    burst = rows[written : written + BURST // BATCH]
    store(burst)
    burst_began = time.monotonic()
    while min(offset(name) for name in NAMES) < burst[-1].last:
        time.sleep(0.02)
    report = {"rate": count / SUSTAINED_S, "behind_s": behind, "burst_s": time.monotonic() - burst_began}
    print(json.dumps(report))


if __name__ == "__main__":
    import django

    django.setup()
    parts = {"backlog": backlog, "catch-up": catch_up, "sustained": sustained}
    parts[sys.argv[1]](*sys.argv[2:])
