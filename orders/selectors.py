"""Reads of markets, orders, fills, trades, candles and tickers.

Lists come newest first, `limit` at most, and go on before the id of the last one seen. All amounts are
integers (orders.scales); rows are as of `sequence()`.
"""

from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from django.db.models import Count, Q, QuerySet

from accounts.problems import Problem
from matching import projection
from orders.models import Candle, FeeTier, Market, Order, OrderList, SignedLeaf, Ticker24h, Trade
from orders.placed import Fill, is_live
from orders.projection import NAME

OPEN: Final = Q(status__lte=Order.Status.OPEN)
INTERVALS: Final = {interval.label: interval.value for interval in Candle.Interval}


@dataclass(slots=True)
class StoredFill(Fill):
    """A fill of the read model; `id` is its place among all fills."""

    id: int = 0


@dataclass(slots=True)
class StoredList:
    """A list of the read model with its orders, by id; `updated_us` and `sequence` are the latest of theirs."""

    id: int
    account_id: int
    market_id: int
    kind: int
    client_id: str
    created_us: int
    updated_us: int
    sequence: int
    orders: list[Order]

    @property
    def is_live(self) -> bool:
        """Whether its legs still depend on each other."""
        return is_live(order.done_reason for order in self.orders)


@dataclass(frozen=True, slots=True)
class MarketFees:
    """What an account pays in a market: millionths of what it receives, as a maker and as a taker."""

    market: Market
    tier: int
    maker_ppm: int
    taker_ppm: int


def sequence() -> int:
    """The sequence up to which the rows are complete."""
    return projection.offset(NAME)


def wait_for_sequence(sequence: int, timeout_ms: int | None = None) -> int:
    """Wait until the rows are complete up to `sequence`, `timeout_ms` at most (READ_WAIT_MS); how far they are."""
    return projection.wait_for(NAME, sequence, timeout_ms=timeout_ms)


def list_markets() -> list[Market]:
    """All markets, by id."""
    return list(Market.objects.order_by("id"))


def get_market(*, symbol: str) -> Market:
    """A market by its symbol. Raises Problem unknown_market."""
    market = Market.objects.filter(symbol=symbol).first()
    if market is None:
        raise Problem("unknown_market")
    return market


def fee_tier(*, account_id: int) -> int:
    """The account's fee tier; 0 pays most."""
    return FeeTier.objects.filter(account_id=account_id).values_list("tier", flat=True).first() or 0


def fees(*, account_id: int) -> list[MarketFees]:
    """What the account pays in each market, by market id."""
    tier = fee_tier(account_id=account_id)
    return [MarketFees(market, tier, *market.fees_of(tier)) for market in list_markets()]


def get_order(*, account_id: int, order_id: int = 0, client_id: str = "") -> Order:
    """An order of the account, by id if above 0, else the latest of that client id. Raises Problem unknown_order."""
    order = _named(account_id, order_id, client_id).first()
    if order is None:
        raise Problem("unknown_order")
    return order


def market_of_order(*, account_id: int, order_id: int = 0, client_id: str = "") -> int | None:
    """The market of an open order of the account, named as for get_order; None if it has none such.

    Never of a closed one: its client id may name an order of another market by now, with other lots and ticks.
    """
    return _named(account_id, order_id, client_id).filter(OPEN).values_list("market_id", flat=True).first()


def _named(account_id: int, order_id: int, client_id: str) -> QuerySet[Order]:
    if order_id > 0:
        return Order.objects.filter(id=order_id, account_id=account_id)
    if not client_id:
        return Order.objects.none()
    return Order.objects.filter(account_id=account_id, client_id=client_id).order_by("-id")


def signed_leaves(*, account_id: int) -> dict[int, tuple[int, bool]]:
    """By leaf of the rollup's tree: the number of the signed order that used it last, and whether that is open."""
    used = list(SignedLeaf.objects.filter(account_id=account_id))
    open_ids = set(Order.objects.filter(OPEN, id__in=[leaf.order_id for leaf in used]).values_list("id", flat=True))
    return {leaf.leaf: (leaf.number, leaf.order_id in open_ids) for leaf in used}


def list_orders(
    *, account_id: int, market_id: int | None = None, is_open: bool | None = None, side: int | None = None,
    before_id: int | None = None, limit: int = 100,
) -> list[Order]:  # fmt: skip
    """The account's orders; open ones are those that rest or wait."""
    rows = Order.objects.filter(account_id=account_id)
    if is_open is not None:
        rows = rows.filter(OPEN) if is_open else rows.exclude(OPEN)
    return list(_narrowed(rows, market_id=market_id, side=side, id__lt=before_id).order_by("-id")[:limit])


def find_list(*, account_id: int, list_id: int = 0, client_id: str = "") -> OrderList | None:
    """A list of the account, by id if above 0, else the latest of that client id; None if there is none."""
    rows = OrderList.objects.filter(account_id=account_id)
    if list_id > 0:
        return rows.filter(id=list_id).first()
    return rows.filter(client_id=client_id).order_by("-id").first() if client_id else None


def get_list(*, account_id: int, list_id: int = 0, client_id: str = "") -> StoredList:
    """As find_list, with its orders. Raises Problem unknown_order."""
    row = find_list(account_id=account_id, list_id=list_id, client_id=client_id)
    if row is None:
        raise Problem("unknown_order", "the account has no such list")
    return with_orders([row])[0]


def list_lists(
    *, account_id: int, is_open: bool | None = None, market_id: int | None = None, before_id: int | None = None,
    limit: int = 100,
) -> list[StoredList]:  # fmt: skip
    """The account's lists with their orders; open ones are those that are live."""
    rows = OrderList.objects.filter(account_id=account_id)
    if is_open is not None:
        legs = Order.objects.filter(OPEN, account_id=account_id, list_id__gt=0).order_by()
        live = legs.values("list_id").annotate(legs=Count("id")).filter(legs__gt=1).values("list_id")
        rows = rows.filter(id__in=live) if is_open else rows.exclude(id__in=live)
    return with_orders(list(_narrowed(rows, market_id=market_id, id__lt=before_id).order_by("-id")[:limit]))


def with_orders(rows: list[OrderList]) -> list[StoredList]:
    """Lists with their orders, in the order given."""
    orders = Order.objects.in_bulk([id for row in rows for id in row.order_ids])
    found = []
    for row in rows:
        legs = [orders[id] for id in row.order_ids]
        found.append(
            StoredList(
                row.pk, row.account_id, row.market_id, row.kind, row.client_id, row.created_us,
                max(leg.updated_us for leg in legs), max(leg.sequence for leg in legs), legs,
            )
        )  # fmt: skip
    return found


def list_fills(
    *, account_id: int, market_id: int | None = None, order_id: int | None = None, before_id: int | None = None,
    limit: int = 100,
) -> list[StoredFill]:  # fmt: skip
    """The account's fills; a trade with itself is two."""
    # Fill 2n is the maker's side of trade n and 2n + 1 the taker's; one more trade may be needed, as its
    # maker's fill can be wanted while its taker's was seen.
    trades = Trade.objects.all() if before_id is None else Trade.objects.filter(id__lte=before_id // 2)
    trades = _narrowed(trades, market_id=market_id).order_by("-id")
    fills = []
    for is_maker, side in ((True, "maker"), (False, "taker")):
        mine = _narrowed(trades.filter(**{f"{side}_account_id": account_id}), **{f"{side}_order_id": order_id})
        fills += [_fill(trade, is_maker=is_maker) for trade in mine[: limit + 1]]
    fills.sort(key=lambda fill: -fill.id)
    return list(islice((fill for fill in fills if before_id is None or fill.id < before_id), limit))


def _fill(trade: Trade, *, is_maker: bool) -> StoredFill:
    return StoredFill(
        id=2 * trade.id + (not is_maker), number=trade.number,
        order_id=trade.maker_order_id if is_maker else trade.taker_order_id, market_id=trade.market_id,
        side=1 - trade.taker_side if is_maker else trade.taker_side, is_maker=is_maker, price=trade.price,
        lots=trade.lots, quote_atoms=trade.quote_atoms, fee=trade.maker_fee if is_maker else trade.taker_fee,
        time_us=trade.time_us, sequence=trade.sequence,
    )  # fmt: skip


def trades(*, market_id: int, before_number: int | None = None, limit: int = 100) -> list[Trade]:
    """A market's trades by their number in it."""
    return list(
        _narrowed(Trade.objects.filter(market_id=market_id), number__lt=before_number).order_by("-number")[:limit]
    )


def trades_between(*, first_id: int, last_id: int, before_id: int | None = None, limit: int = 100) -> list[Trade]:
    """Trades of all markets by their ids, both ends included."""
    rows = Trade.objects.filter(id__gte=first_id, id__lte=last_id)
    return list(_narrowed(rows, id__lt=before_id).order_by("-id")[:limit])


def candles(
    *, market_id: int, interval_s: int, start_us: int | None = None, end_us: int | None = None, limit: int = 500
) -> list[Candle]:
    """Candles that open at or after `start_us` and before `end_us`, rising; the newest ones if there are more.

    An interval without a trade has none.
    """
    rows = Candle.objects.filter(market_id=market_id, interval=interval_s)
    return list(_narrowed(rows, open_us__gte=start_us, open_us__lt=end_us).order_by("-open_us")[:limit])[::-1]


def ticker(*, market_id: int) -> Ticker24h:
    """The last 24 hours of a market; empty before its first trade."""
    return Ticker24h.objects.filter(market_id=market_id).first() or Ticker24h(market_id=market_id)


def tickers() -> dict[int, Ticker24h]:
    """The last 24 hours of all markets, by market id."""
    return {row.market_id: row for row in Ticker24h.objects.all()}


def _narrowed(rows: QuerySet[Any], **wanted: Any) -> QuerySet[Any]:
    """Only those rows that match; a value of None does not narrow."""
    return rows.filter(**{name: value for name, value in wanted.items() if value is not None})
