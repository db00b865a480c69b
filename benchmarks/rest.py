"""REST: authenticated orders one by one, in both dialects, and in batches, a lone order, public reads.

`python -m benchmarks rest`. Real processes throughout, fsync on; the web processes run as the Procfile runs them.
"""

import json
import shlex
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.pipeline import ROOT, Row, matcher, python, servers

ROUNDS = 3
ACCOUNTS = 8
CONNECTIONS = 64
BURST = 640
SINGLES = 5_000
BATCHES = 200
BATCH = 500
READS = 20_000
LONE = 300


def web_command(environment: dict[str, str]) -> list[str]:
    """The Procfile's line for the web processes, with this run's environment filled in."""
    line = next(line for line in (ROOT / "Procfile").read_text().splitlines() if line.startswith("web:"))
    shell = f"exec {line.partition(':')[2]}"
    return ["sh", "-c", shell.replace("granian ", f"{shlex.quote(sys.executable)} -m granian ", 1)]


@contextmanager
def exchange() -> Iterator[tuple[dict[str, str], str, psutil.Process]]:
    """Matcher, projectors, market data and web, seeded; the environment, the web's address, and its process."""
    with servers() as environment, ExitStack() as stack:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment |= {"HOST": "127.0.0.1", "PORT": str(port)}
        stack.enter_context(matcher(environment))
        (Path(environment["VAR_DIR"]) / "metrics").mkdir(parents=True, exist_ok=True)
        manage = [sys.executable, "manage.py"]
        commands = [
            [*manage, "project", "orders"], [*manage, "project", "wallets"], [*manage, "marketdata"],
            web_command(environment),
        ]  # fmt: skip
        processes = [subprocess.Popen(command, cwd=ROOT, env=environment) for command in commands]
        stack.callback(end, processes)
        python(environment, "manage.py", "seed")
        wait_for(f"http://127.0.0.1:{port}/api/v1/markets/BTC-USDT/depth")
        yield environment, f"127.0.0.1:{port}", psutil.Process(processes[-1].pid)


def end(processes: list[subprocess.Popen[bytes]]) -> None:
    """Stop them and wait."""
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(20)


def wait_for(url: str) -> None:
    """Until it answers 200."""
    for _ in range(600):
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{url} does not answer")


def accounts(environment: dict[str, str]) -> list[dict[str, Any]]:
    """Rich accounts without a narrow rate limit."""
    balances = ("--balance", "BTC=100000", "--balance", "USDT=1000000000")
    return [
        json.loads(
            python(environment, "manage.py", "demo_account", f"b{i}", *balances, "--rate-tier", "maker", "--json")
        )
        for i in range(ACCOUNTS)
    ]


def load(
    environment: dict[str, str], host: str, web: psutil.Process, kind: str, count: int, who: list[dict[str, Any]],
    connections: int = CONNECTIONS,
) -> dict[str, Any]:  # fmt: skip
    """One round; besides what the client saw, the web processes' processor time for a request."""
    before = cpu_s(web)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.rest_client", host, kind, str(connections), str(count)],
        cwd=ROOT, env=environment, input=json.dumps(who), stdout=subprocess.PIPE, check=True, text=True, timeout=300,
    )  # fmt: skip
    report: dict[str, Any] = json.loads(done.stdout)
    report["cpu_us"] = (cpu_s(web) - before) / count * 1e6
    report["per_second"] = report["requests"] / report["seconds"]
    if report["errors"]:
        print(report["first_error"], file=sys.stderr)
    return report


def cpu_s(process: psutil.Process) -> float:
    """Processor time of a process and its children."""
    return sum(sum(each.cpu_times()[:2]) for each in [process, *process.children(recursive=True)])


def run() -> list[Row]:
    """The figures, as (what, measured, target)."""
    with exchange() as (environment, host, web):
        who = accounts(environment)
        # Before anything else: web processes that have answered nobody yet.
        burst = load(environment, host, web, "single", BURST, who)
        lone = load(environment, host, web, "single", LONE, who, 1)
        # By turns, so that both see the same machine.
        both = [
            {kind: load(environment, host, web, kind, SINGLES, who) for kind in ("single", "binance")}
            for _ in range(ROUNDS)
        ]
        single, dialect = ([report[kind] for report in both] for kind in ("single", "binance"))
        batch = [load(environment, host, web, f"batch-{BATCH}", BATCHES, who, 4) for _ in range(ROUNDS)]
        reads = {kind: [load(environment, host, web, kind, READS, who) for _ in range(ROUNDS)] for kind in READ_KINDS}
    rows = [
        (f"{CONNECTIONS} clients at once on cold web processes: refused", str(burst["errors"]), "0"),
        ("lone order, p50", f"{lone['p50_ms']:.2f} ms", "< 10 ms"),
        ("lone order, p99", f"{lone['p99_ms']:.2f} ms", ""),
        *described("authenticated single orders/s", single, ">= 1,000"),
        *described("the same orders in the Binance dialect/s", dialect, ""),
        ("Binance dialect: single order vs /api/v1", compared(single, dialect), "<= 115 %"),
        (
            f"orders/s in batches of {BATCH}",
            f"{median(report['per_second'] for report in batch) * BATCH:,.0f}",
            ">= 10,000",
        ),
        ("web processor time for an order in a batch", f"{median(r['cpu_us'] for r in batch) / BATCH:.0f} µs", ""),
    ]
    for kind, reports in reads.items():
        rows += described(f"public reads/s, {kind}", reports, ">= 5,000")
    return rows


READ_KINDS = ("depth", "ticker")


def compared(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> str:
    """What the other costs of the one: time of a request under load, and processor time of the web processes."""
    seconds, cpu = (
        median(report[name] / report["requests"] if name == "seconds" else report[name] for report in other)
        / median(report[name] / report["requests"] if name == "seconds" else report[name] for report in one)
        for name in ("seconds", "cpu_us")
    )
    return f"{seconds:.0%} of the time, {cpu:.0%} of the processor time"


def described(what: str, reports: list[dict[str, Any]], target: str) -> list[Row]:
    """Rate, latency, cost and errors of a load."""
    return [
        (what, f"{median(report['per_second'] for report in reports):,.0f}", target),
        (f"… p50 and p99 under that load, {CONNECTIONS} connections",
         f"{median(r['p50_ms'] for r in reports):.1f} and {median(r['p99_ms'] for r in reports):.1f} ms", ""),
        ("… web processor time for a request", f"{median(report['cpu_us'] for report in reports):.0f} µs", ""),
        ("… errors", str(sum(report["errors"] for report in reports)), "0"),
    ]  # fmt: skip


if __name__ == "__main__":
    for row in run():
        print(*row, sep="  |  ")
