"""What the engine remembers: balances, accounts, seats, orders, markets. Plain slotted records without behaviour.

A `Seat` is an account's place in one market. It holds what an order needs of both (the two balances, the fee rates,
how many orders stand), so that a trade reaches everything over attributes and not over lookups.
"""

from collections import deque
from typing import TYPE_CHECKING, Any, Final, TypeVar

from matching.engine.commands import SELF_CUSTODY, STATES
from matching.engine.ids import IdRanges
from matching.money import MAX_AMOUNT, MAX_PRICE, PPM

if TYPE_CHECKING:
    from matching.engine.book import Side
    from matching.engine.breaker import Breaker
    from matching.engine.stops import Stops

ENGINE_VERSION: Final = 3
NEVER: Final = 2**63 - 1
DAY_US: Final = 24 * 3600 * 1_000_000
OPEN, POST_ONLY, CANCEL_ONLY, HALTED = STATES


class Balance:
    """Atoms of one asset of one account that are free to use; what is set aside is in holds.py."""

    __slots__ = ("available",)

    def __init__(self) -> None:
        self.available = 0


class Asset:
    """An asset and the sum of all its balances, `total` atoms."""

    __slots__ = ("code", "id", "scale", "total")

    def __init__(self, id: int, code: str, scale: int, total: int = 0) -> None:
        self.id = id
        self.code = code
        self.scale = scale
        self.total = total


class Key:
    """What an account is on the chain: number `l2`, with the key (x, y), in whose custody; `nonce` is the next one.

    `leaves` has, by order leaf, the last order id that was used there and the engine's id of that order.
    """

    __slots__ = ("custody", "l2", "leaves", "nonce", "x", "y")

    def __init__(self, l2: int, custody: int, x: int, y: int, nonce: int) -> None:
        self.l2 = l2
        self.custody = custody
        self.x = x
        self.y = y
        self.nonce = nonce
        self.leaves: dict[int, tuple[int, int]] = {}


class Account:
    """A trading account: balances by asset, open orders by id, client ids still remembered, its key on the chain."""

    __slots__ = ("balances", "clients", "deadman_us", "id", "key", "orders", "tier")

    def __init__(self, id: int, tier: int = 0, deadman_us: int = 0) -> None:
        self.id = id
        self.tier = tier
        self.deadman_us = deadman_us
        self.balances: dict[int, Balance] = {}
        self.orders: dict[int, Order] = {}
        self.clients: dict[str, Order] = {}
        self.key: Key | None = None

    @property
    def signs(self) -> bool:
        """Whether the account is in self custody: what it spends needs its user's signature."""
        return self.key is not None and self.key.custody == SELF_CUSTODY

    def balance(self, asset: int) -> Balance:
        """The account's balance of an asset, made if it is not there yet."""
        balance = self.balances.get(asset)
        if balance is None:
            balance = self.balances[asset] = Balance()
        return balance


class Seat:
    """An account's place in one market. `open` counts its resting and waiting orders there."""

    __slots__ = (
        "account",
        "account_id",
        "base",
        "clients",
        "maker_ppm",
        "market",
        "open",
        "orders",
        "quote",
        "taker_ppm",
    )

    def __init__(self, account: Account, market: "Market") -> None:
        self.account = account
        self.account_id = account.id
        self.market = market
        self.base = account.balance(market.base)
        self.quote = account.balance(market.quote)
        self.orders = account.orders
        self.clients = account.clients
        self.open = 0
        self.set_fees()

    def set_fees(self) -> None:
        """Take the rates of the account's tier; called whenever tier or table changes."""
        fees = self.market.fees
        self.maker_ppm, self.taker_ppm = fees[min(self.account.tier, len(fees) - 1)]


# What a WaitingOrder is doing.
GONE, WAITS, TRAILS, QUEUED, PENDING, DUE = range(6)


class Special:
    """What few orders have: a time at which they expire, lots they show at most, a live list they are a leg of.

    `hidden` lots are there besides `remaining` while the order rests. `signed` is the id that a user signed the order
    with, `max_fee_ppm` the highest fee that it may be charged then. 0 and None for what an order has not.
    """

    __slots__ = ("display", "expires", "hidden", "list", "max_fee_ppm", "signed")

    def __init__(self, expires: int = 0, display: int = 0) -> None:
        self.expires = expires
        self.display = display
        self.hidden = 0
        self.list: OrderList | None = None
        self.signed = 0
        self.max_fee_ppm = 0


class OrderList:
    """A live list: its legs depend on each other. `id` is that of the first leg it had."""

    __slots__ = ("id", "kind", "legs")

    def __init__(self, id: int, kind: int, legs: "list[Order]") -> None:
        self.id = id
        self.kind = kind
        self.legs = legs


class Order:
    """An order in flight or in the book.

    `size` is the total in lots, filled part included; `remaining` is 0 for orders by quote. `tail` is None unless it
    is in the book: there it is, of a level's first order, the last one, and of any other order itself; `prev` and
    `next` mean something only there, too. `special` is None for
    nearly all, so that one look spares all questions after it. `fingerprint`, `sequence` and `closed_us` (0 while it
    is open) mean something only with a client id, for whose sake it is kept for a while after it ended.
    """

    __slots__ = (
        "client_id", "closed_us", "fingerprint", "id", "next", "post_only", "prev", "price", "remaining", "seat",
        "sequence", "side", "size", "special", "stp", "tail",
    )  # fmt: skip

    id: int
    seat: Seat
    side: int
    price: int
    remaining: int
    size: int
    post_only: int
    stp: int
    special: Special | None
    client_id: str
    prev: "Order | None"
    next: "Order | None"
    tail: "Order | None"
    fingerprint: int
    sequence: int
    closed_us: int


class WaitingOrder(Order):
    """An order that waits, or waited, for its price or, as a pending leg, for another order.

    `held` atoms are set aside while it waits. `phase`: GONE it has ended, or is in flight or in the book; WAITS for
    `stop`; TRAILS, as an active trailing order; QUEUED, triggered; PENDING, as a leg; DUE, as a leg whose turn has
    come. `stop` of a triggered trailing order is where it triggered.
    """

    __slots__ = ("held", "phase", "quote", "stop", "tif", "trail", "trigger", "type")

    held: int
    phase: int
    quote: int
    stop: int
    tif: int
    trail: int
    trigger: int
    type: int


SomeOrder = TypeVar("SomeOrder", bound=Order)


def fill_in(
    order: SomeOrder, id: int, seat: Seat, side: int, price: int, remaining: int, size: int, post_only: int, stp: int,
    special: Special | None, client_id: str,
) -> SomeOrder:  # fmt: skip
    """Give a blank order its fields.

    No __init__: calling a class with one leaves and re-enters the interpreter, which doubles the cost of an order.
    """
    order.id = id
    order.seat = seat
    order.side = side
    order.price = price
    order.remaining = remaining
    order.size = size
    order.post_only = post_only
    order.stp = stp
    order.special = special
    order.client_id = client_id
    order.tail = None
    return order


class Market:
    """A market's rules, books, state and last price. Fields as in the `market` command."""

    __slots__ = (
        "asks", "backlog", "band_ppm", "base", "bids", "breaker", "breaker_ppm", "breaker_window_us", "calm_high",
        "calm_low", "fee_base", "fee_quote", "fees", "first", "halt_us", "id", "last", "lot_atoms", "max_lots",
        "max_orders", "min_lots", "min_notional", "nobody", "plain_high", "plain_lots", "plain_low", "plain_seats",
        "quote", "reference_price", "reopen_us", "seats", "state", "stops", "symbol", "trades", "unit", "until",
    )  # fmt: skip

    id: int
    symbol: str
    base: int
    quote: int
    lot_atoms: int
    unit: int
    min_lots: int
    max_lots: int
    min_notional: int
    band_ppm: int
    breaker_ppm: int
    breaker_window_us: int
    halt_us: int
    reopen_us: int
    max_orders: int
    reference_price: int
    fees: list[list[int]]

    bids: "Side"
    asks: "Side"
    stops: "Stops"
    breaker: "Breaker | None"
    state: str  # one of commands.STATES
    until: int  # when the timer changes the state; 0 if none is set
    backlog: int  # when the queue was left with orders that could have taken their turn; else 0
    last: int  # ticks
    trades: int  # the last trade id
    first: int  # price of the first trade of the taker at hand, until stops and breaker have looked; else 0
    seats: dict[int, Seat]
    plain_seats: dict[int, Seat]  # those of accounts whose orders need no signature
    nobody: Seat  # stands in for accounts the engine never saw
    fee_base: Balance
    fee_quote: Balance
    calm_low: int  # while `last` stays from here
    calm_high: int  # to here,
    plain_low: int  # prices from here
    plain_high: int  # to here are within its band
    plain_lots: int  # up to this size an order is neither too large nor, at any price, too dear; 0 unless open

    def lowest(self, price: int) -> int:
        """The lower edge of the price band around `price`, in ticks."""
        return max(1, price - price * self.band_ppm // PPM)

    def highest(self, price: int) -> int:
        """The upper edge of the price band around `price`, in ticks."""
        return min(MAX_PRICE, price + price * self.band_ppm // PPM)

    def hold(self, side: int, price: int, lots: int) -> int:
        """What a resting order sets aside: quote atoms for a buy, base atoms for a sell."""
        return lots * self.lot_atoms if side else price * self.unit * lots

    def is_in_band(self, price: int) -> bool:
        """Whether a price is within the band around the last one."""
        return self.lowest(self.last) <= price <= self.highest(self.last)

    def set_last(self, price: int) -> None:
        """Note the price of the last trade.

        Most prices stay near the one before, and most orders far from the edges of the band; so what is surely within
        the band is worked out for a whole range of last prices (the band's edges rise with them), an eighth of its
        reach to both sides. `is_in_band` knows it exactly.
        """
        self.last = price
        if not self.calm_low <= price <= self.calm_high:
            self._be_calm_around(price)

    def _be_calm_around(self, price: int) -> None:
        near = (price * self.band_ppm // PPM) >> 3
        self.calm_low, self.calm_high = max(1, price - near), price + near
        self.plain_low, self.plain_high = self.lowest(self.calm_high), self.highest(self.calm_low)

    def derive(self) -> None:
        """Bring what follows from rules, state and last price up to date."""
        self._be_calm_around(self.last)
        is_open = self.state == OPEN
        self.plain_lots = min(self.max_lots, MAX_AMOUNT // (MAX_PRICE * self.unit)) if is_open else 0


class State:
    """All of the engine's memory. `due` is a heap of (time, kind, id, order or None), see due.py."""

    __slots__ = (
        "accounts_by_id",
        "assets",
        "closed",
        "completed",
        "due",
        "due_live",
        "l2_accounts",
        "last_order",
        "leaves",
        "markets",
        "next_due",
        "registry",
        "released",
        "sequence",
        "sources",
        "time_us",
        "transfers",
        "version",
        "withdrawals",
    )  # fmt: skip

    def __init__(self) -> None:
        self.version = ENGINE_VERSION
        self.sequence = 0
        self.time_us = 0
        self.last_order = 0
        self.assets: dict[int, Asset] = {}
        self.accounts_by_id: dict[int, Account] = {}
        self.markets: dict[int, Market] = {}
        self.sources: dict[int, int] = {}
        self.registry: int | None = None  # the source of value, once an account is registered with the chain
        self.l2_accounts: dict[int, Account] = {}  # by their numbers on the chain
        self.leaves = 0  # order leaves of an account there, as the first signed order has it
        self.withdrawals: dict[int, tuple[int, int, int, int]] = {}  # account, asset, amount, recipient
        self.released = IdRanges()
        self.completed = IdRanges()
        self.transfers = IdRanges()
        self.closed: deque[Order] = deque()
        self.due: list[tuple[int, int, int, Any]] = []
        self.due_live = 0
        self.next_due = NEVER

    def account(self, account_id: int) -> Account:
        """The account, made if the engine did not know it yet."""
        account = self.accounts_by_id.get(account_id)
        if account is None:
            account = self.accounts_by_id[account_id] = Account(account_id)
        return account
