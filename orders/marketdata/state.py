"""The fold on disk, so that a start folds seconds of the journal and not all of it.

A file is a cache: a missing, damaged or foreign one costs a rebuild from the journal and nothing else.
First line: SHA-256 of the rest. Second: which journal batch it ends with. Third: the fold.
"""

import logging
import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import orjson

from orders.marketdata.candles import Candle
from orders.marketdata.fold import Fold
from orders.marketdata.market import Market
from orders.marketdata.ticker import Ticker
from orders.marketdata.working import WorkingList, WorkingOrder

log = logging.getLogger(__name__)

FORMAT: Final = 3


@dataclass(frozen=True, slots=True)
class Mark:
    """The journal batch that a saved fold ends with; another journal has another batch there."""

    first: int
    last: int
    session: str
    number: int
    time_us: int


def save(path: Path, fold: Fold, mark: Mark) -> None:
    """Write the fold whole or not at all: a temporary name, fsync, rename."""
    head = [FORMAT, mark.first, mark.last, mark.session, mark.number, mark.time_us]
    body = orjson.dumps(head) + b"\n" + orjson.dumps(dump(fold))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        file.write(sha256(body).hexdigest().encode() + b"\n" + body)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def load(path: Path) -> tuple[Fold, Mark] | None:
    """What `save` wrote; None, with a line in the log, when there is nothing whole to read."""
    try:
        digest, _, body = path.read_bytes().partition(b"\n")
    except FileNotFoundError:
        return None
    if sha256(body).hexdigest().encode() != digest:
        log.warning("%s is damaged; folding the journal anew", path)
        return None
    head, _, text = body.partition(b"\n")
    version, *mark = orjson.loads(head)
    if version != FORMAT:
        log.warning("%s is of another version; folding the journal anew", path)
        return None
    return undump(orjson.loads(text)), Mark(*mark)


def dump(fold: Fold) -> dict[str, Any]:
    """The fold as JSON-able values; amounts that may go beyond 64 bits as text."""
    return {
        "sequence": fold.sequence,
        "time_us": fold.time_us,
        "assets": [[asset, code, scale] for asset, (code, scale) in fold.assets.items()],
        "markets": [_dump_market(market) for market in fold.markets.values()],
        "balances": [
            [account, asset, str(available), str(held)]
            for account, assets in fold.balances.accounts.items()
            for asset, (available, held) in assets.items()
        ],
        "orders": [order.dump() for order in fold.orders.orders.values()],
        "lists": [one.dump() for one in {one.id: one for one in fold.orders.lists.values()}.values()],
        "account_last": list(fold.account_last.items()),
    }


def undump(values: dict[str, Any]) -> Fold:
    """What `dump` gave."""
    fold = Fold()
    fold.sequence, fold.time_us = values["sequence"], values["time_us"]
    fold.assets = {asset: (code, scale) for asset, code, scale in values["assets"]}
    for dumped in values["markets"]:
        market = _undump_market(dumped, fold.assets)
        fold.markets[market.market] = market
    for account, asset, available, held in values["balances"]:
        fold.balances.accounts.setdefault(account, {})[asset] = [int(available), int(held)]
    for dumped in values["orders"]:
        fold.orders.insert(WorkingOrder.load(dumped))
    for dumped in values["lists"]:
        fold.orders.insert_list(WorkingList.load(dumped))
    fold.account_last = dict(values["account_last"])
    return fold


def _dump_market(market: Market) -> dict[str, Any]:
    return {
        "fields": [str(field) if isinstance(field, int) else field for field in market.fields],
        "state": market.state,
        "until_us": market.until_us,
        "last": market.book.last,
        "last_trade": market.last_trade,
        "bids": [[-key, str(lots)] for key, lots in market.book.sides[0].items()],
        "asks": [[key, str(lots)] for key, lots in market.book.sides[1].items()],
        "candles": [[interval, candle.dump()] for interval, candle in market.candles.current.items()],
        "ticker": market.ticker.dump(),
        "trades": list(market.trades),
    }


def _undump_market(values: dict[str, Any], assets: dict[int, tuple[str, int]]) -> Market:
    symbol_at = 1
    fields = [field if at == symbol_at else int(field) for at, field in enumerate(values["fields"])]
    market = Market(fields, assets[fields[2]], assets[fields[3]])
    market.state, market.until_us = values["state"], values["until_us"]
    for side, name in enumerate(("bids", "asks")):
        for price, lots in values[name]:
            market.book.add(side, price, int(lots))
    market.book.take_changes()
    market.book.last, market.last_trade = values["last"], values["last_trade"]
    market.candles.current = {interval: Candle.load(candle) for interval, candle in values["candles"]}
    market.ticker = Ticker.load(values["ticker"])
    market.trades.extend(values["trades"])
    return market
