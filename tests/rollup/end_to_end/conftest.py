"""One exchange with its chain for all tests here; each finds all of it running, and leaves every block final."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rollup.client import Exchange
from tests.chain_stack import ChainStack
from tests.stack import running_stack


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these are on one stack, so in one worker."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.process)
            item.add_marker(pytest.mark.xdist_group("chain"))


class Trading:
    """Two traders who trade with each other when a test wants a block."""

    def __init__(self, stack: ChainStack) -> None:
        self.stack = stack
        self.maker = stack.trader("maker", BTC="5", USDT="1000000")
        self.taker = stack.trader("taker", BTC="5", USDT="1000000")

    def place(self, who: Exchange, side: str, price: str, size: str, **more: Any) -> dict[str, Any]:
        """A limit order of BTC-USDT."""
        order = {"market": "BTC-USDT", "side": side, "type": "limit", "price": price, "size": size}
        return who.request("POST", "/api/v1/orders", order | more)

    def trade(self, size: str = "0.01") -> None:
        """One trade of BTC-USDT."""
        self.place(self.maker, "sell", "50000", size)
        self.place(self.taker, "buy", "50000", size)


@pytest.fixture(scope="package")
def chain_stack() -> Iterator[ChainStack]:
    yield from running_stack(ChainStack)


@pytest.fixture(scope="package")
def trading(chain_stack: ChainStack) -> Trading:
    return Trading(chain_stack)


@pytest.fixture(autouse=True)
def _restored(trading: Trading) -> None:
    """Whatever the test before ended or left in the book, and failed before it put it right."""
    trading.stack.restore()
    for trader in (trading.maker, trading.taker):
        trader.request("DELETE", "/api/v1/orders")
