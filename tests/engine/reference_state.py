"""What the reference engine remembers of orders, lists and markets: plain records, nothing derived is stored.

An order knows where it is; what it shows, what it holds and where a trailing stop stands are worked out when asked.
"""

from dataclasses import dataclass, field

from matching.engine.commands import BUY, STOP

MAX_AMOUNT = 2**96 - 1
MAX_PRICE = 2**48 - 1
PPM = 1_000_000
DAY_US = 24 * 3600 * 1_000_000

FLIGHT, BOOK, WAITING, QUEUED, PENDING, CLOSED = "flight", "book", "waiting", "queued", "pending", "closed"
RESTING = {FLIGHT: 0, BOOK: 1, WAITING: 2, QUEUED: 2, PENDING: 3}


@dataclass(eq=False)
class Order:
    """An order from its acceptance on; `place_in_line` decides between orders at one price.

    `shown` counts for an iceberg in the book, `extreme` for a trailing order (0: not active yet), `trigger_stop` for
    one that was triggered. `set_aside` is what it holds outside of the book.
    """

    id: int
    account: int
    market: "Market"
    side: int
    type: int
    tif: int
    price: int
    stop: int
    size: int
    quote: int
    post_only: int
    stp: int
    expires: int
    trigger: int
    trail: int
    display: int
    client_id: str
    fingerprint: int
    sequence: int
    where: str = FLIGHT
    filled_lots: int = 0
    filled_quote: int = 0
    set_aside: int = 0
    place_in_line: int = 0
    closed_us: int = 0
    shown: int = 0
    extreme: int = 0
    trigger_stop: int = 0
    of_list: "OrderList | None" = None
    signed_id: int = 0
    max_fee_bps: int = 0

    @property
    def by_quote(self) -> bool:
        return self.quote > 0

    @property
    def conditional(self) -> bool:
        return self.stop > 0 or self.trail > 0

    @property
    def remaining(self) -> int:
        return 0 if self.by_quote else self.size - self.filled_lots

    @property
    def visible(self) -> int:
        """Lots that the book shows of a resting order."""
        return self.shown if self.display else self.remaining

    @property
    def hidden(self) -> int:
        return self.remaining - self.visible

    @property
    def held(self) -> int:
        if self.where == BOOK:
            return hold_of(self.market, self.side, self.price, self.remaining)
        return self.set_aside if self.where in (WAITING, QUEUED) else 0

    @property
    def held_asset(self) -> int:
        return self.market.quote if self.side == BUY else self.market.base

    @property
    def active_stop(self) -> int:
        """The price that triggers a waiting order; a trailing one must be active."""
        if not self.trail:
            return self.stop
        if self.side == BUY:
            return trailing_buy_stop(self.extreme, self.trail)
        return self.extreme * (PPM - self.trail) // PPM


@dataclass(eq=False)
class Registered:
    """What the chain knows of an account; `used` are the ids of all orders it ever signed."""

    l2: int
    key: tuple[int, int]
    custody: int
    nonce: int
    used: list[int] = field(default_factory=list)


@dataclass(eq=False)
class OrderList:
    """Orders whose endings are tied to each other, by rising id; of an OTO or OTOCO the first is the working one."""

    kind: int
    legs: list[Order]
    live: bool = True


@dataclass(eq=False)
class Market:
    """A market's rules, state, last price, and every trade since its breaker's window was emptied."""

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
    last: int = 0
    state: str = "open"
    until: int = 0
    backlog: int = 0
    has_traded: bool = False
    trades: int = 0
    window: list[tuple[int, int]] = field(default_factory=list)
    queue: list[Order] = field(default_factory=list)

    def lowest(self, price: int) -> int:
        return max(1, price - price * self.band_ppm // PPM)

    def highest(self, price: int) -> int:
        return min(MAX_PRICE, price + price * self.band_ppm // PPM)


def hold_of(market: Market, side: int, price: int, lots: int) -> int:
    """What a resting order keeps aside: quote atoms for a buy, base atoms for a sell."""
    return price * lots * market.unit if side == BUY else lots * market.lot_atoms


def trailing_buy_stop(lowest: int, trail: int) -> int:
    return -(-lowest * (PPM + trail) // PPM)


def rises(side: int, trigger: int) -> bool:
    """Whether an order waits for a price above the last one."""
    return (side == BUY) == (trigger == STOP)


def reached(side: int, trigger: int, stop: int, price: int) -> bool:
    """Whether `price` has come to a stop (check 11)."""
    return price >= stop if rises(side, trigger) else price <= stop
