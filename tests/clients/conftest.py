"""Real clients of an exchange of their own: a maker who keeps two quotes, and a trader.

Every test begins with the same book: BTC/USDT 59,900 bid, 60,100 asked, one coin each.
"""

from pathlib import Path

import pytest

from tests.clients import venue
from tests.stack import running_stack

RICH = {"BTC": "1000", "USDT": "100000000", "ETH": "10000"}
SYMBOL = "BTC/USDT"
BID, ASK = 59_900, 60_100


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """All that need the exchange run in one worker, on one exchange."""
    for item in items:
        if Path(__file__).parent in item.path.parents and "stack" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.process)
            item.add_marker(pytest.mark.xdist_group("clients"))


@pytest.fixture(scope="package")
def stack():
    """An exchange of these tests' own: they expect an empty book."""
    yield from running_stack()


@pytest.fixture(scope="package")
def accounts(stack):
    """Credentials of the maker and of the trader."""
    return {name: stack.account(f"ccxt-{name}", **RICH) for name in ("maker", "trader")}


@pytest.fixture(scope="package")
def clients(stack, accounts):
    """Both as ccxt's blocking clients."""
    return {name: venue.rest(stack, account) for name, account in accounts.items()}


def cancel_all(client):
    if client.fetch_open_orders(SYMBOL):
        client.cancel_all_orders(SYMBOL)


def quotes(client):
    """Side, price and what is left of each open order."""
    return sorted((order["side"], order["price"], order["remaining"]) for order in client.fetch_open_orders(SYMBOL))


@pytest.fixture
def maker(clients):
    """Somebody who always quotes."""
    cancel_all(clients["trader"])
    client = clients["maker"]
    if quotes(client) != [("buy", BID, 1), ("sell", ASK, 1)]:
        cancel_all(client)
        client.create_order(SYMBOL, "limit", "buy", 1, BID)
        client.create_order(SYMBOL, "limit", "sell", 1, ASK)
    return client


@pytest.fixture
def trader(maker, clients):
    """Somebody who trades, with nothing open yet."""
    return clients["trader"]
