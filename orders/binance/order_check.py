"""What the matcher would refuse of an order, as far as read models can tell: `order/test` places nothing.

They may be a moment behind. What only the matcher knows is not judged: the book, ids, how many orders stand open.
"""

from typing import Any, Final

import orjson

from accounts.problems import Problem
from matching.engine import commands
from matching.engine.commands import BUY, LIMIT, Command
from matching.engine.state import PPM
from matching.money import MAX_AMOUNT
from orders import selectors
from orders.listing import Listed
from orders.marketdata import cache
from orders.models import Market
from wallets import selectors as wallets

_CLOSED: Final = {"halted": "market_halted", "cancel_only": "market_cancel_only"}


def check(*, account_id: int, market: Listed, command: Command) -> None:
    """Judge a `place`. Raises Problem with the code that the matcher would give."""
    rules = selectors.get_market(symbol=market.symbol)
    order = dict(zip(commands.PLACE_FIELDS, command[2:], strict=True))
    code = _CLOSED.get(rules.state) or _by_rules(rules, order, _last(market, rules))
    if rules.state == "post_only" and not order["post_only"]:
        code = "market_post_only"
    if code is None and _need(rules, order) > _available(account_id, rules, order["side"]):
        code = "insufficient_balance"
    if code is not None:
        raise Problem(code)


def _by_rules(rules: Market, order: dict[str, Any], last: int) -> str | None:
    price, stop, size, display = order["price"], order["stop"], order["size"], order["display"]
    if size > rules.max_lots:
        return "size_too_large"
    if 0 < size < rules.min_lots or 0 < display < rules.min_lots:
        return "size_too_small"
    if display and size > commands.MAX_PARTS * display:
        return "too_many_parts"
    notional = order["quote"] or (price or stop or last) * size * rules.unit
    if notional > MAX_AMOUNT:
        return "notional_too_large"
    if notional < rules.min_notional:
        return "notional_too_small"
    around = stop or last
    if order["type"] == LIMIT and abs(price - around) * PPM > around * rules.band_ppm:
        return "price_band"
    if stop:
        rises = (order["side"] == BUY) == (order["trigger"] == commands.STOP)
        if last >= stop if rises else last <= stop:
            return "stop_would_trigger"
    return None


def _need(rules: Market, order: dict[str, Any]) -> int:
    """The least that must be available; of an order without a price of its own for what it buys, nothing is known."""
    if order["side"] != BUY:
        return int(order["size"] * rules.lot_atoms)
    return int(order["quote"] or order["price"] * order["size"] * rules.unit)


def _available(account_id: int, rules: Market, side: int) -> int:
    asset = rules.quote_id if side == BUY else rules.base_id
    return next((row.available for row in wallets.balances(account_id) if row.asset_id == asset), 0)


def _last(market: Listed, rules: Market) -> int:
    """The last price, in ticks; the one the market was listed with before its first trade."""
    stored = cache.read_ticker(market.symbol)
    last = orjson.loads(stored)["last"] if stored is not None else None
    return market.scale.price_to_ticks(last) if last and last.strip("0.") else rules.reference_price
