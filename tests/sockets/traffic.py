"""Orders without end, over a socket, for tests that break something meanwhile."""

import random
import threading
from typing import Any

from tests.sockets.client import Client
from tests.stack import Stack


class Traffic:
    """A seeded mix of orders, cancels and crossings of one account in one market, in a thread of its own."""

    def __init__(self, stack: Stack, account: dict[str, Any], market: str, *, middle: int, seed: int = 1) -> None:
        self._url = stack.socket_url
        self._client = Client(self._url)
        self._client.auth(account)
        self.account = account
        self._market, self._middle = market, middle
        self._random = random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traffic")
        self.sequence = 0
        self.placed = 0
        self.failure: BaseException | None = None

    def start(self) -> "Traffic":
        """Begin."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End, and raise what went wrong; may be called again."""
        self._stop.set()
        self._thread.join()
        self._client.socket.close()
        failure, self.failure = self.failure, None
        if failure is not None:
            raise failure

    def end(self) -> None:
        """Stop, and leave nothing in the book: others use this exchange afterwards."""
        self.stop()
        with Client(self._url) as client:
            client.auth(self.account)
            client.order("cancel_all", market=self._market)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self.step()
                self._stop.wait(0.005)
        except BaseException as error:  # raised again where the test sees it
            self.failure = error

    def step(self) -> None:
        """A batch of five orders around the middle, and now and then all of them are canceled."""
        orders = [self._order() for _ in range(5)]
        reply = self._client.order("batch", orders=orders)
        if reply["status"] == "ok":
            self.sequence = reply["result"]["sequence"]
            self.placed += sum("order" in one for one in reply["result"]["results"])
        if self._random.random() < 0.05:
            self._client.order("cancel_all", market=self._market)

    def _order(self) -> dict[str, Any]:
        side = self._random.choice(("buy", "sell"))
        away = self._random.randint(-3, 20)
        price = self._middle - away if side == "buy" else self._middle + away
        return {"market": self._market, "side": side, "price": str(price), "size": f"0.0{self._random.randint(1, 9)}"}
