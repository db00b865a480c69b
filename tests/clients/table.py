"""Writes docs/clients/ccxt.md: which of ccxt's methods pass. `make clients` runs all checks and then this.

What the page says of passing comes from running the checks; the rest of it, from the tables of checks themselves, so
test_table.py can tell whether the page is up to date without running anything.
"""

import inspect
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import ccxt
import pytest

from tests.clients import account_probes, order_probes, rest_probes, socket_probes, test_methods, venue
from tests.clients.probes import NOT_HERE, REST, SOCKETS, Probe

PAGE = Path(__file__).resolve().parents[2] / "docs/clients/ccxt.md"
FILLED_BY = (account_probes, order_probes, rest_probes, socket_probes)
PASSES = "passes"
HEAD = """# ccxt

Made by `make clients` with ccxt {version} from PyPI, which runs every method below against a running exchange.

[ccxt](https://github.com/ccxt/ccxt) and ccxt.pro (in the same package) trade here as they are: their class `binance`
speaks to the [dialect](../binance.md) after its addresses are changed, and told to stay on spot.
`{passed}` of the `{probed}` methods that ccxt has for spot pass; {others} more are for what is not traded here.

```python
{source}```

```python
exchange = ccxt.binance(settings("http://localhost:8000", "ws://localhost:8001", key, secret))
exchange.create_order("BTC/USDT", "limit", "buy", 0.01, 60_000)
```

A key comes from the page *API keys*, from `POST /api/v1/keys`, or for a try from
`make manage ARGS="demo_account me --balance BTC=1 --balance USDT=100000"`. Give it the permissions read and trade.
With a key made from a public key (Ed25519 or RSA) `secret` is the PEM of the private one: ccxt signs with it.

Good to know:

- `createOrderWs` sends its parameters on as they are: name an order with `newClientOrderId` there, and place a
  post-only order by the type `LIMIT_MAKER`; `clientOrderId` and `postOnly` are -1104 over the socket.
- `fetchBalanceWs` of ccxt {version} reads no coins out of a spot account's answer: they are in its `info`.
- A market order by size, with less money than it would cost, trades as far as the money goes and then expires.
- A conditional order rests with the status `open`; `info["isWorking"]` tells whether it was triggered.
- Order lists (OCO, OTO, OTOCO) go by ccxt's implicit methods: `private_post_orderlist_oco` and so on.
- A withdrawal to another account of this exchange goes to its address, `PVX` and the account's number.
"""


def write(results: Mapping[str, str]) -> str:
    """The page; `results` has what became of each check, by method: PASSES, or why it failed."""
    probes = {**REST, **SOCKETS}
    passed = sum(results[method] == PASSES for method in probes)
    head = HEAD.format(
        version=ccxt.__version__, passed=passed, probed=len(probes), source=inspect.getsource(venue.settings),
        others=sum(len(methods) for methods in NOT_HERE.values()),
    )  # fmt: skip
    parts = [
        head,
        "## Over REST\n",
        *_rows(REST, results),
        "\n## Over WebSockets (ccxt.pro)\n",
        *_rows(SOCKETS, results),
        "\n## Not for here\n",
        "| why | methods |\n|---|---|",
        *(f"| {why} | {', '.join(f'`{method}`' for method in methods)} |" for why, methods in NOT_HERE.items()),
    ]
    return "\n".join(parts) + "\n"


def _rows(probes: Mapping[str, Probe], results: Mapping[str, str]) -> list[str]:
    rows = [f"| `{method}` | `{probe.uses}` | {results[method]} |" for method, probe in sorted(probes.items())]
    return ["| method | speaks | here |\n|---|---|---|", *rows]


def read(page: str) -> dict[str, str]:
    """What a page says of each method."""
    return {row[1]: row[2] for row in re.finditer(r"^\| `(\w+)` \| `[^`]+` \| (.+) \|$", page, re.MULTILINE)}


class Recorder:
    """A pytest plugin that keeps what became of each check, by the method it is named by."""

    def __init__(self) -> None:
        self.failed: dict[str, str] = {}
        self.ran: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called by pytest for each phase of each test."""
        method = report.nodeid.partition("[")[2].rstrip("]")
        self.ran.add(method)
        if report.failed:
            said = str(report.longrepr.reprcrash.message) if hasattr(report.longrepr, "reprcrash") else "an error"
            self.failed[method] = "fails: " + said.splitlines()[0].replace("|", "/")

    def results(self) -> dict[str, str]:
        """By every method, also those that share a check."""
        named = {param.values[0]: param.id for table in (REST, SOCKETS) for param in test_methods.checks(table)}
        return {
            method: self.failed.get(named[probe.run], PASSES if named[probe.run] in self.ran else "not run")
            for method, probe in {**REST, **SOCKETS}.items()
        }


def main() -> int:
    """Run the checks, write the page, and say how many pass."""
    recorder = Recorder()
    pytest.main(["-q", str(Path(test_methods.__file__))], plugins=[recorder])
    results = recorder.results()
    PAGE.write_text(write(results))
    failed = {method: said for method, said in results.items() if said != PASSES}
    print(f"{PAGE.name}: {len(results) - len(failed)} of {len(results)} methods pass")
    for method, said in failed.items():
        print(f"  {method}: {said}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
