"""One exchange with its chain for all tests here; each leaves it with every block final."""

from collections.abc import Iterator

import pytest

from tests.chain_stack import ChainStack
from tests.stack import running_stack


class Trading:
    """Two traders who trade with each other when a test wants a block."""

    def __init__(self, stack: ChainStack) -> None:
        self.stack = stack
        self.maker = stack.trader("maker", BTC="5", USDT="1000000")
        self.taker = stack.trader("taker", BTC="5", USDT="1000000")

    def trade(self, size: str = "0.01") -> None:
        """One trade of BTC-USDT."""
        for who, side in ((self.maker, "sell"), (self.taker, "buy")):
            order = {"market": "BTC-USDT", "side": side, "type": "limit", "price": "50000", "size": size}
            who.request("POST", "/api/v1/orders", order)


@pytest.fixture(scope="module")
def chain_stack() -> Iterator[ChainStack]:
    yield from running_stack(ChainStack)


@pytest.fixture(scope="module")
def trading(chain_stack: ChainStack) -> Trading:
    return Trading(chain_stack)
