"""One demo trader as a process of its own: `python -m orders.demo.trader NAME`.

Its settings come as one line of JSON on standard input, which stays open: when it closes, the parent is gone and
the trader ends. No Django: it has an address and a key, like everybody's program.
"""

import asyncio
import json
import logging
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from orders.demo.canceller import Canceller
from orders.demo.client import Credentials, Rest, Stream
from orders.demo.desk import Desk
from orders.demo.maker import STYLES, Maker
from orders.demo.taker import Taker


class Trader(Protocol):
    """Somebody who trades until canceled."""

    async def run(self) -> None:
        """Trade."""


TRADERS: Final[dict[str, Callable[[Desk], Trader]]] = {
    **{name: partial(Maker, style=style) for name, style in STYLES.items()},
    "taker": Taker,
    "canceller": Canceller,
}
NAMES: Final = tuple(TRADERS)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a trader is told at its start; `seed` makes its choices repeatable."""

    base_url: str
    socket_url: str
    key: str
    secret: str
    seed: int


async def trade(name: str, settings: Settings) -> None:
    """Trade until SIGTERM, SIGINT, or the end of standard input."""
    credentials = Credentials(settings.key, settings.secret)
    rest = Rest(settings.base_url, credentials)
    stream = Stream(settings.socket_url, credentials)
    desk = Desk(rest=rest, stream=stream, seed=settings.seed, name=name)
    work = (stream.run(), _work(name, desk), _parent_gone())
    tasks = [asyncio.create_task(part) for part in work]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: [task.cancel() for task in tasks])
    try:
        # Whichever ends first ends the process, and its parent starts another.
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done() and not task.cancelled():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await rest.close()


async def _work(name: str, desk: Desk) -> None:
    await desk.prepare()
    await TRADERS[name](desk).run()


async def _parent_gone() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


def main() -> None:
    """Read the settings and trade."""
    name = sys.argv[1]
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s %(levelname)s {name} %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    asyncio.run(trade(name, Settings(**json.loads(sys.stdin.readline()))))


if __name__ == "__main__":
    main()
