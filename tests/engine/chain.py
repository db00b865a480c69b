"""Random commands for registered accounts: keys, exits, and orders, transfers and withdrawals that users sign.

Accounts 1, 4 and 5 begin in self custody, 2 and 3 with the exchange; 6 is a stranger until it gets a key.
"""

from collections.abc import Callable, Sequence
from typing import Any

from matching.engine import commands as c
from tests.engine.generate import SECOND_US, START_US, Generator, Step, market_rules, opening
from tests.engine.reference_chain import L, P
from tests.engine.reference_state import Order

LEAVES = 4
REGISTRY = 2


class ChainGenerator(Generator):
    """The usual commands, signed where they must be, and those of the chain; now and then signed wrongly."""

    def weights(self) -> Sequence[tuple[Callable[[], list[Any]], int]]:
        return (
            (self.place, 80), (self.amend, 16), (self.cancel, 5), (self.transfer, 6), (self.hold, 6),
            (self.end_withdrawal, 3), (self.deposit, 6), (self.tier, 3), (self.market, 3), (self.replace, 4),
            (self.order_list, 3), (self.cancel_all, 1), (self.deadman, 1), (self.state, 1), (self.tick, 2),
            (self.exit, 2), (self.key, 2), (self.signed_nonsense, 2),
        )  # fmt: skip

    def account(self) -> int:
        return self.choice.one_of((1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 0, 6))

    def signs(self, account: int) -> bool:
        """Whether this account's next command is to be signed: nearly always as it has to be."""
        return self.engine.in_self_custody(account) != self.chance(3)

    # Orders

    def order(self) -> dict[str, Any]:
        order = super().order()
        if self.engine.in_self_custody(order["account"]) and not self.chance(5):
            # Nothing but a limit order that ends by itself can be signed.
            if order.get("tif", c.GTC) == c.GTC:
                order["tif"] = c.GTD
            if order["tif"] == c.GTD:
                order["expires_us"] = self.expires_us() + self.choice.one_of((1, SECOND_US))
            if order.get("type"):
                market = self.engine.markets.get(order["market"]) or self.engine.markets[1]
                order |= {"type": c.LIMIT, "price": self.price(market, order["side"]), "size": self.size(), "quote": 0}
        return order

    def place(self) -> list[Any]:
        order = self.order()
        if not self.signs(order["account"]):
            return c.place(**order)
        market = self.engine.markets.get(order["market"])
        values = {name: order.get(name, 0) for name in ("price", "size", "side")}
        until = order.get("expires_us", 0) // SECOND_US + 1 if order.get("tif") == c.GTD else self.now_s()
        return c.signed_place(
            signature=self.signature(order["account"], self.order_id(order["account"]), market, values, until), **order
        )  # fmt: skip

    def amend(self) -> list[Any]:
        command = super().amend()
        account, price, size = command[2], command[5], command[6]
        order = self.named({"account": account, "order": command[3], "client_id": command[4]})
        if not self.signs(account):
            return command
        change = dict(zip(c.AMEND_FIELDS, command[2:], strict=True))
        if order is None or not order.signed_id:
            return c.signed_amend(signature=self.signature(account, 1, None, {}, self.now_s()), **change)
        values = {"price": price or order.price, "size": size or order.size, "side": order.side}
        until = order.expires // SECOND_US + 1
        return c.signed_amend(signature=self.signature(account, order.signed_id, order.market, values, until), **change)

    def now_s(self) -> int:
        return self.time_us // SECOND_US + self.choice.one_of((9, 1, 0))

    def order_id(self, account: int) -> int:
        """A new id on a leaf that is free, if there is one; now and then an old one, or a leaf that is taken."""
        registered = self.engine.registered.get(account)
        used = max(registered.used, default=0) if registered else 0
        if used and self.chance(8):
            return used - self.choice.integer(0, LEAVES)
        taken = {order.signed_id % LEAVES for order in self.engine.orders_of(account) if order.signed_id}
        free = [id for id in range(used + 1, used + 1 + LEAVES) if id % LEAVES not in taken]
        return self.choice.one_of(free) if free and not self.chance(10) else used + self.choice.integer(1, LEAVES)

    def signature(self, account: int, id: int, market: Any, order: dict[str, int], until: int) -> list[Any]:
        sell_total, buy_total = 1, 1
        if market is not None:
            quote, base = order["price"] * order["size"] * market.unit, order["size"] * market.lot_atoms
            sell_total, buy_total = (quote, base) if order["side"] == c.BUY else (base, quote)
        signed: dict[str, Any] = {
            "key": self.key_of(account),
            "leaves": LEAVES, "id": id, "sell_total": sell_total, "buy_total": buy_total, "valid_until": until,
            "max_fee_bps": self.choice.one_of((10_000, 10_000, 700, 10_000, 20, 9)), "r_x": 1, "r_y": 2, "s": 3,
        }  # fmt: skip
        if self.chance(6):
            name = self.choice.one_of(tuple(signed)[1:])
            signed[name] += self.choice.one_of((1, -1, 12))
        if self.chance(2):
            name, value = self.choice.one_of((("r_x", P), ("r_y", P), ("s", L), ("id", 2**64), ("valid_until", 2**40)))
            signed[name] = value
        return c.order_signature(**signed)

    def key_of(self, account: int) -> tuple[int, int]:
        registered = self.engine.registered.get(account)
        return registered.key if registered and not self.chance(2) else (5, 6)

    def some_order(self) -> Order | None:
        signed = [order for order in self.engine.orders if order.signed_id]
        return self.choice.one_of(signed) if signed and self.chance(50) else super().some_order()

    # Money

    def nonce(self, account: int) -> dict[str, Any]:
        registered = self.engine.registered.get(account)
        nonce = registered.nonce if registered else 0
        if self.chance(8):
            nonce += self.choice.one_of((-1, 1, 2**32))
        return {
            "key": self.key_of(account),
            "nonce": nonce,
            "r_x": 1,
            "r_y": P - 1,
            "s": self.choice.one_of((0, L - 1, 0, L if self.chance(9) else 0)),
        }

    def transfer(self) -> list[Any]:
        move = dict(zip(("transfer", "source", "to", "asset", "amount"), super().transfer()[2:], strict=True))
        if not self.signs(move["source"]):
            return c.transfer(**move)
        return c.signed_transfer(**self.nonce(move["source"]), **move)

    def hold(self) -> list[Any]:
        move = dict(zip(c.HOLD_FIELDS, super().hold()[2:], strict=True))
        move["recipient"] = self.choice.one_of((7, 7, 2**160 - 1, 0, 2**160 if self.chance(9) else 7))
        if not self.signs(move["account"]):
            return c.hold(**move)
        return c.signed_withdraw(**self.nonce(move["account"]), **move)

    def deposit(self) -> list[Any]:
        deposit = super().deposit()
        if not self.chance(8):
            deposit[2] = REGISTRY
            deposit[3] = self.next_index()
        return deposit

    def next_index(self) -> int:
        return self.engine.sources.get(REGISTRY, 0) + self.choice.one_of((1, 1, 1, 1, 1, 1, 0, 2))

    # The chain

    def exit(self) -> list[Any]:
        source = REGISTRY if not self.chance(8) else 1
        return c.exit_all(
            source=source, index=self.next_index(), account=self.account(), asset=self.choice.one_of((1, 2, 3, 9))
        )

    def key(self) -> list[Any]:
        """Mostly another key for an account as it is, sometimes into self custody, seldom for the last stranger."""
        account = self.choice.one_of((1, 2, 3, 4, 5, 6, 7 if self.chance(20) else 1, -1 if self.chance(20) else 2))
        known = self.engine.registered.get(account)
        l2 = known.l2 if known and not self.chance(10) else self.choice.one_of((account, 1, 99, -1, 2**24))
        custody = self.choice.one_of((known.custody if known else 1, 0, 1))
        x = self.choice.one_of((5, P - 1, P if self.chance(9) else 0))
        return c.key(
            source=REGISTRY if not self.chance(8) else 1, index=self.next_index(), account=account, l2=l2,
            custody=custody, x=x, y=7,
        )  # fmt: skip

    def signed_nonsense(self) -> list[Any]:
        return self.spoil(self.choice.one_of((self.place, self.amend, self.transfer, self.hold))())


def chain_opening() -> list[Step]:
    """Assets and markets as ever, then the keys, then money through the queue."""
    rules = [step for step in opening() if step[0][0] != "deposit"]
    early = c.deposit(source=1, index=1, account=1, asset=9, amount=1)
    entries: list[list[Any]] = [
        c.key(source=REGISTRY, index=0, account=account, l2=account, custody=int(account in (2, 3)), x=1, y=2)
        for account in (1, 2, 3, 4, 5)
    ]
    for account, share in ((1, 1000), (2, 1000), (3, 60), (4, 300), (5, 6)):
        for asset, amount in ((1, 10**9), (2, 50_000), (3, 10**16)):
            entries.append(c.deposit(source=REGISTRY, index=0, account=account, asset=asset, amount=amount * share))
    for number, entry in enumerate(entries, 1):
        entry[3] = number
    return [*rules, *((step, START_US) for step in (early, *entries, market_rules(1, breaker_ppm=0)))]
