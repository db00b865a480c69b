"""manage.py bots: the demo traders."""

import os
import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.db import connection

from matching import gateway
from orders.demo import crew
from orders.demo.command import DemoCommand

KEYS = "bots.json"


class Command(DemoCommand):
    """Four processes that trade like anybody's program: two makers, a crowd of takers, somebody who cannot decide."""

    help = "Trade on all markets with demo accounts, until stopped. BOTS=0 turns it off."

    def add_arguments(self, parser: ArgumentParser) -> None:
        host = os.environ.get("HOST", "127.0.0.1")
        host = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104  to call it, not to listen
        parser.add_argument("--base-url", default=f"http://{host}:{settings.PORT}", help="where REST is")
        parser.add_argument("--socket-url", default=f"ws://{host}:{settings.SOCKET_PORT}/ws/v1", help="the socket")
        parser.add_argument("--seed", type=int, default=1, help="of prices and choices (1)")

    def handle(self, *, base_url: str, socket_url: str, seed: int, **options: Any) -> None:
        if os.environ.get("BOTS") == "0":
            self.stdout.write("BOTS=0: no demo traders")
            return
        stopping = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.append(True))
        traders = crew.prepare(base_url=base_url, socket_url=socket_url, seed=seed, keys=settings.VAR_DIR / KEYS)
        # From here on this process only watches its children.
        gateway.close()
        connection.close()
        crew.run(traders, stop=lambda: bool(stopping))
