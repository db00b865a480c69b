"""ReferenceEngine: docs/protocol.md written down as plainly as possible, slow and without a cache.

It has the interface of matching.engine.Engine, as far as tests compare the two, and is written from the protocol
alone. Orders are checked in reference_checks.py, in the protocol's order of precedence; reference_match.py matches.
"""

from collections.abc import Sequence
from typing import Any

from matching.engine.commands import (
    BUY,
    GTD,
    LEG_FIELDS,
    OCO,
    ORDER_SIGNATURE_FIELDS,
    PLACE_FIELDS,
    SELL,
    STATES,
)
from tests.engine.reference_checks import Fields, Refused, refuse
from tests.engine.reference_money import ReferenceMoney
from tests.engine.reference_state import (
    BOOK,
    DAY_US,
    FLIGHT,
    MAX_AMOUNT,
    MAX_PRICE,
    PENDING,
    PPM,
    QUEUED,
    WAITING,
    Market,
    Order,
    OrderList,
    hold_of,
)

NEVER = None


class Duplicate(Exception):
    """The client id was seen with the same content; `args[0]` is the first order."""


CAPITALS = set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


def without(number: int, *primes: int) -> int:
    """A number above 0 without its prime factors of that kind."""
    for prime in primes:
        while number % prime == 0:
            number //= prime
    return number


class ReferenceEngine(ReferenceMoney):
    """apply(command, time_us) gives the events; everything else only reads."""

    def apply(self, command: Sequence[Any], time_us: int) -> list[tuple[Any, ...]]:
        """Raises ValueError if time falls."""
        if time_us < self.time_us:
            raise ValueError("time falls")
        self.sequence += 1
        self.time_us = time_us
        self.events = []
        self.run_due()
        kind, deadline, fields = command[0], command[1], command[2:]
        self.late = 0 < deadline < time_us
        try:
            getattr(self, "do_" + kind)(*fields)
        except Refused as refused:
            self.events.append(("rejected", refused.args[0]))
        except Duplicate as duplicate:
            self.events.append(("duplicate", duplicate.args[0].id, duplicate.args[0].sequence))
        return self.events

    def balance(self, account: int, asset: int) -> tuple[int, int]:
        return self.available(account, asset), self.held(account, asset)

    def all_balances(self) -> dict[tuple[int, int], tuple[int, int]]:
        """(account, asset) -> (available, held) of every account that ever had anything."""
        held = dict.fromkeys(self.totals, 0)
        for order in self.orders:
            if order.held:
                held[order.account, order.held_asset] += order.held
        for account, asset, amount, status, _ in self.withdrawals.values():
            held[account, asset] += amount if status == "held" else 0
        return {key: (total - held[key], held[key]) for key, total in self.totals.items()}

    # What is due (section 8)

    def due(self) -> list[tuple[int, int, int]]:
        transitions = [(m.until, 0, m.id) for m in self.markets.values() if m.until > 0]
        expiries = [(o.expires, 1, o.id) for o in self.orders if o.tif == GTD]
        switches = [(deadline, 2, account) for account, deadline in self.deadmen.items()]
        queues = [(m.backlog, 3, m.id) for m in self.markets.values() if m.backlog > 0]
        return sorted(transitions + expiries + switches + queues)

    @property
    def next_due(self) -> int | None:
        due = self.due()
        return due[0][0] if due else NEVER

    def run_due(self) -> None:
        for _ in range(self.max_due):
            due = self.due()
            if not due or due[0][0] > self.time_us or len(self.events) >= self.max_due_events:
                return
            _, kind, which = due[0]
            if kind == 0:
                self.market_transition(self.markets[which])
            elif kind == 1:
                self.end(next(o for o in self.orders if o.id == which), "expired")
            elif kind == 3:
                self.work_queue(self.markets[which])
                return
            else:
                del self.deadmen[which]
                self.end_counted(("deadman_fired", which), self.orders_of(which), "deadman")

    def market_transition(self, market: Market) -> None:
        if market.state == "halted" and market.reopen_us > 0:
            self.set_state(market, "post_only", self.time_us + market.reopen_us, "timer")
        else:
            self.set_state(market, "open", 0, "timer")
            self.work_queue(market)

    # Orders

    def known(self, account: int, client_id: str) -> Order | None:
        """The order that has used a client id, open or closed less than a day ago."""
        self.closed = [o for o in self.closed if self.time_us < o.closed_us + DAY_US]
        there = self.orders + self.closed
        return next((o for o in there if client_id and (o.client_id, o.account) == (client_id, account)), None)

    def check_client_ids(self, account: int, client_ids: list[str], fingerprint: int) -> None:
        """Check 1; only the first of several orders can be a duplicate."""
        known = [self.known(account, client_id) for client_id in client_ids]
        if known and known[0] and known[0].fingerprint == fingerprint:
            raise Duplicate(known[0])
        refuse("client_order_id_reused", any(known))

    def find(self, account: int, order_id: int, client_id: str) -> Order:
        for order in self.orders_of(account):
            if order.id == order_id if order_id > 0 else order.client_id == client_id != "":
                return order
        raise Refused("unknown_order")

    def do_place(self, *fields: Any) -> None:
        order = dict(zip(PLACE_FIELDS, fields, strict=True))
        self.check_client_ids(order["account"], [order["client_id"]], order["fingerprint"])
        self.in_time()
        refuse("invalid_account", order["account"] < 1)
        refuse("signature_required", self.in_self_custody(order["account"]))
        self.check_place(order, None)
        self.enter(order)

    def do_signed_place(self, *fields: Any) -> None:
        signature = dict(zip(ORDER_SIGNATURE_FIELDS, fields[:11], strict=True))
        order = dict(zip(PLACE_FIELDS, fields[11:], strict=True))
        self.check_client_ids(order["account"], [order["client_id"]], order["fingerprint"])
        self.in_time()
        refuse("invalid_account", order["account"] < 1)
        self.check_signer(order["account"], signature)
        refuse("unknown_market", order["market"] not in self.markets)
        self.check_signature_fields(signature)
        self.check_can_be_signed(order, signature)
        self.check_place(order, None)
        market = self.markets[order["market"]]
        refuse("invalid_expiry", signature["valid_until"] * 10**6 <= self.time_us)
        self.check_totals(market, order["side"], order["price"], order["size"], signature)
        self.check_id_is_free(order["account"], signature)
        self.check_fee_cap(market, order["account"], signature)
        self.enter(order, signature)

    def do_replace(self, target_order: int, target_client_id: str, *fields: Any) -> None:
        order = dict(zip(PLACE_FIELDS, fields, strict=True))
        self.check_client_ids(order["account"], [order["client_id"]], order["fingerprint"])
        self.in_time()
        refuse("invalid_account", order["account"] < 1)
        refuse("signature_required", self.in_self_custody(order["account"]))
        target = self.find(order["account"], target_order, target_client_id)
        refuse("invalid_parameter", target.market.id != order["market"])
        refuse("not_amendable", self.locked(target))
        self.check_place(order, target)
        self.end(target, "replaced")
        self.enter(order)

    def enter(self, fields: Fields, signature: Fields | None = None) -> None:
        """An order that passed every check comes in."""
        order = self.new_order(fields)
        if signature:
            self.registered[order.account].used.append(signature["id"])
            self.leaves = signature["leaves"]
            self.note_signature(order, signature)
        self.go_on([order])
        self.follow_up(order.market)

    def new_order(self, fields: Fields) -> Order:
        market = self.markets[fields["market"]]
        self.order_ids += 1
        order = Order(**{**fields, "id": self.order_ids, "market": market, "sequence": self.sequence})
        self.orders.append(order)
        self.events.append(("new", order.id, *(fields[name] for name in PLACE_FIELDS[:-1])))
        return order

    def do_list(
        self, account: int, market: int, kind: int, legs: list[list[Any]], client_id: str, fingerprint: int
    ) -> None:
        common = {"account": account, "market": market, "fingerprint": fingerprint}
        fields = [common | dict(zip(LEG_FIELDS, leg, strict=True)) for leg in legs]
        self.check_client_ids(account, [leg["client_id"] for leg in fields], fingerprint)
        self.in_time()
        refuse("invalid_account", account < 1)
        refuse("signature_required", self.in_self_custody(account))
        refuse("unknown_market", market not in self.markets)
        self.check_list(self.markets[market], kind, fields)
        ids = [self.order_ids + number for number in range(1, len(fields) + 1)]
        self.events.append(("list", ids[0], account, market, kind, ids, client_id))
        orders = [self.new_order(leg) for leg in fields]
        for order in orders:
            order.of_list = OrderList(kind, orders) if order is orders[0] else orders[0].of_list
        for order in orders[1:] if kind != OCO else []:
            order.where = PENDING
            self.events.append(("pend", order.id, account, market, order.side))
        self.go_on(orders if kind == OCO else orders[:1])
        self.follow_up(self.markets[market])

    def do_cancel(self, account: int, order: int, client_id: str, only: int) -> None:
        self.in_time()
        target = self.find(account, order, client_id)
        refuse("invalid_parameter", only not in (0, 1, 2))
        refuse("cancel_restricted", only == 1 and target.filled_lots > 0)
        refuse("cancel_restricted", only == 2 and target.filled_lots == 0)
        self.end(target, "canceled")

    def do_cancel_all(self, account: int, market: int, side: int) -> None:
        self.in_time()
        refuse("invalid_account", account < 1)
        refuse("unknown_market", market != 0 and market not in self.markets)
        refuse("invalid_parameter", side not in (-1, BUY, SELL))
        orders = [o for o in self.orders_of(account) if market in (0, o.market.id) and side in (-1, o.side)]
        self.end_counted(("cancel_all", account, market, side), orders, "canceled")

    def do_amend(self, account: int, order_id: int, client_id: str, price: int, size: int, keep: int) -> None:
        self.in_time()
        order = self.find(account, order_id, client_id)
        refuse("signature_required", order.signed_id > 0)
        self.change(order, price, size, keep, None)

    def do_signed_amend(self, *fields: Any) -> None:
        signature = dict(zip(ORDER_SIGNATURE_FIELDS, fields[:11], strict=True))
        account, order_id, client_id, price, size, keep = fields[11:]
        self.in_time()
        self.check_signer(account, signature)
        order = self.find(account, order_id, client_id)
        self.check_signature_fields(signature)
        refuse("invalid_parameter", signature["valid_until"] * 10**6 < order.expires)
        self.change(order, price, size, keep, signature)

    def change(self, order: Order, price: int, size: int, keep: int, signature: Fields | None) -> None:
        """What `amend` and `signed_amend` have in common."""
        refuse("not_amendable", order.where in (WAITING, QUEUED) or self.locked(order) or self.is_over(order))
        refuse("invalid_parameter", price < 0 or size < 0 or keep not in (0, 1))
        account = order.account
        market, old_price, old_remaining, old_held = order.market, order.price, order.remaining, order.held
        price, size = price or order.price, size or order.size
        remaining = size - order.filled_lots
        keeps = price == old_price and remaining <= old_remaining
        refuse("would_lose_priority", keep == 1 and not keeps)
        refuse("market_halted", market.state == "halted")
        refuse("market_cancel_only", market.state == "cancel_only" and not keeps)
        refuse("price_too_large", price > MAX_PRICE)
        refuse("size_too_large", size > market.max_lots)
        refuse("size_too_small", size < market.min_lots or remaining <= 0)
        self.check_parts(order.display, size)
        self.check_notional(market, price * size * market.unit)
        if price != old_price:
            self.check_band(market, price, market.last)
        held = hold_of(market, order.side, price, remaining)
        if not keeps:
            crosses = self.crosses(market, order.side, price)
            refuse("post_only_would_cross", bool(order.post_only) and crosses)
            refuse("market_post_only", market.state == "post_only" and crosses)
            refuse("insufficient_balance", held > self.available(account, order.held_asset) + old_held)
        if signature:
            refuse("signature_mismatch", signature["id"] != order.signed_id)
            self.check_totals(market, order.side, price, size, signature)
            self.check_fee_cap(market, account, signature)
            self.note_signature(order, signature)
        self.show(order, min(order.hidden, old_remaining - remaining) if keeps else order.hidden)
        order.shown = remaining - order.hidden
        order.price, order.size, order.where = price, size, BOOK if keeps else FLIGHT
        self.events.append(
            ("amend", order.id, account, market.id, order.side, old_price, old_remaining, price, size, remaining,
             held if keeps else 0, int(keeps))
        )  # fmt: skip
        if not keeps:
            self.take(order)
            self.follow_up(market)

    def do_deadman(self, account: int, timeout_us: int) -> None:
        self.in_time()
        refuse("invalid_account", account < 1)
        refuse("invalid_parameter", not 0 <= timeout_us <= DAY_US)
        self.deadmen.pop(account, None)
        if timeout_us:
            self.deadmen[account] = self.time_us + timeout_us
        self.events.append(("deadman", account, self.deadmen.get(account, 0)))

    # Rules

    def do_asset(self, asset: int, code: str, scale: int) -> None:
        self.in_time()
        changed = self.assets.get(asset, (code, scale)) != (code, scale)
        taken = asset not in self.assets and code in [known for known, _ in self.assets.values()]
        refuse("invalid_parameter", not 1 <= asset < 2**31 or not 0 <= scale <= 30 or changed or taken)
        refuse("invalid_parameter", not 1 <= len(code) <= 16 or not set(code) <= CAPITALS)
        self.assets[asset] = (code, scale)
        self.events.append(("asset", asset, code, scale))

    def do_market(self, *fields: Any) -> None:
        self.in_time()
        new = Market(*fields)
        refuse("unknown_asset", new.base not in self.assets or new.quote not in self.assets)
        valid = (
            new.base != new.quote
            and min(new.id, new.lot_atoms, new.unit, new.min_lots, new.max_lots, new.max_orders, new.band_ppm) >= 1
            and new.max_lots >= new.min_lots
            and min(new.min_notional, new.breaker_ppm, new.breaker_window_us, new.halt_us, new.reopen_us) >= 0
            and without(new.lot_atoms, 2, 5) == 1
            and 1 <= len(new.symbol) <= 33
            and set(new.symbol) <= CAPITALS | {"-"}
            and max(new.lot_atoms, new.unit, new.max_lots, new.min_notional) <= MAX_AMOUNT
            and new.id < 2**31
            and new.max_orders <= 10**6
            and max(new.band_ppm, new.breaker_ppm) <= 2**62
            and max(new.breaker_window_us, new.halt_us, new.reopen_us) <= 7 * DAY_US
            and 1 <= new.reference_price <= MAX_PRICE
            and new.fees
            and all(0 <= ppm <= PPM for row in new.fees for ppm in row)
        )
        refuse("invalid_parameter", not valid)
        old = self.markets.get(new.id)
        if old:
            fixed = ("symbol", "base", "quote", "lot_atoms", "unit")
            refuse("invalid_parameter", any(getattr(old, name) != getattr(new, name) for name in fixed))
            new.last, new.state, new.until, new.trades = old.last, old.state, old.until, old.trades
            new.queue, new.backlog = old.queue, old.backlog
            for order in self.orders:
                if order.market is old:
                    order.market = new
        else:
            refuse("invalid_parameter", new.symbol in [market.symbol for market in self.markets.values()])
            new.last = new.reference_price
        self.markets[new.id] = new
        self.events.append(("market", *fields))
        self.end_too_dear(self.orders)

    def do_state(self, market: int, state: str) -> None:
        self.in_time()
        refuse("unknown_market", market not in self.markets)
        refuse("invalid_parameter", state not in STATES)
        self.set_state(self.markets[market], state, 0, "operator")
        self.work_queue(self.markets[market])

    def do_tier(self, account: int, tier: int) -> None:
        self.in_time()
        refuse("invalid_account", account < 1)
        refuse("invalid_parameter", not 0 <= tier <= 1_000)
        self.tiers[account] = tier
        self.events.append(("tier", account, tier))
        self.end_too_dear(self.orders_of(account))

    def do_tick(self) -> None:
        self.in_time()

    def do_engine(self, version: int) -> None:
        self.in_time()
        refuse("invalid_parameter", version < 1)
        self.events.append(("engine", version))
