"""A real gateway under load, as a process: `python -m tests.matching.load SOURCE OUTPUT`, until its input ends.

Deposits by index and orders by client id, from several threads. What is not answered is asked again, as a client would;
what is answered is written down, one JSON line each: what was sent, the sequence, the events, and when.
`python -m tests.matching.load fill` makes markets and funds first.
"""

import json
import os
import sys
import threading
import time
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "exchange.settings")
django.setup()

from matching import gateway  # noqa: E402
from matching.engine import commands  # noqa: E402
from matching.fingerprint import fingerprint  # noqa: E402
from tests.patience import PATIENCE_S  # noqa: E402

TRADERS = 4


class Load:
    """Runs until `over`, then settles what is open."""

    def __init__(self, source: int, path: str) -> None:
        self.source = source
        self.over = threading.Event()
        self.ended_at = 0.0
        self._file = open(path, "w")  # noqa: PTH123, SIM115  open as long as the process
        self._guard = threading.Lock()
        self.busy = self.timeouts = 0

    def run(self) -> None:
        workers = [threading.Thread(target=self.deposits)]
        workers += [threading.Thread(target=self.orders, args=(number,)) for number in range(TRADERS)]
        for worker in workers:
            worker.start()
        sys.stdin.read()
        self.ended_at = time.monotonic()
        self.over.set()
        for worker in workers:
            worker.join()
        self._file.close()
        print(json.dumps({"busy": self.busy, "timeouts": self.timeouts}))

    def settle(self, batch: list[Any]) -> bool:
        """Send until answered; False if it never was."""
        while not self.over.is_set() or time.monotonic() < self.ended_at + PATIENCE_S:
            try:
                results = gateway.submit(batch, timeout_s=2.0)
            except gateway.GatewayBusy:
                self.busy += 1
                time.sleep(0.2 if self.over.is_set() else 0.02)
                continue
            except gateway.GatewayTimeout:
                self.timeouts += 1
                continue
            now = time.time()
            with self._guard:
                for command, result in zip(batch, results, strict=True):
                    line = {"at": now, "command": command, "sequence": result.sequence, "events": result.events}
                    self._file.write(json.dumps(line) + "\n")
                self._file.flush()
            return True
        return False

    def deposits(self) -> None:
        index = 0
        while not self.over.is_set():
            index += 1
            deposit = commands.deposit(source=self.source, index=index, account=self.source, asset=2, amount=1_000_000)
            if not self.settle([deposit]):
                return

    def orders(self, trader: int) -> None:
        account = self.source * 100 + trader
        number = 0
        while not self.over.is_set():
            batch = []
            for _ in range(5):
                number += 1
                order = {"account": account, "market": 1, "side": number % 2, "price": 600_000, "size": 10}
                batch.append(
                    commands.place(
                        **order, client_id=f"{trader}-{number}", fingerprint=fingerprint(list(order.values()))
                    )
                )  # fmt: skip
            if not self.settle(batch):
                return


if __name__ == "__main__":
    if sys.argv[1] == "fill":
        from tests.matching import harness, under_load

        harness.seed_markets()
        under_load.fund_traders()
        sys.exit()
    Load(int(sys.argv[1]), sys.argv[2]).run()
