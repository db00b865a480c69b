"""A follower that knows nothing but the events: balances, holds, books and open orders, by docs/protocol.md section 3.

What every projection does with rows, this does with dictionaries. If it agrees with the engine after each command,
the events carry all that a follower needs, and what the engine holds is what its orders and withdrawals hold.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from matching.engine.commands import BUY
from matching.engine.events import as_dict


class Follower:
    """Feed it every event in order. `held` of an account is the sum of `holds`; nothing else is kept of it."""

    def __init__(self) -> None:
        self.available: dict[tuple[int, int], int] = defaultdict(int)
        self.holds: dict[tuple[str, int], tuple[int, int, int]] = {}
        self.levels: dict[tuple[int, int], dict[int, int]] = defaultdict(lambda: defaultdict(int))
        self.rules: dict[int, dict[str, Any]] = {}
        self.states: dict[int, str] = {}
        self.supply: dict[int, int] = defaultdict(int)
        self.orders: dict[int, int] = {}
        self.hidden: dict[int, int] = {}
        self.pending: set[int] = set()
        self.announced: list[int] = []

    def follow(self, events: Sequence[Sequence[Any]]) -> None:
        named = [as_dict(event) for event in events]
        for number, e in enumerate(named):
            handler = getattr(self, "on_" + e["kind"], None)
            if handler:
                handler(e)
            if e["kind"] in ("cancel_all", "deadman_fired"):
                ended = [later for later in named[number + 1 :] if later["kind"] == "done"]
                assert all(done["account"] == e["account"] for done in ended[: e["count"]])
                assert len(ended) >= e["count"], "a count of endings that do not follow"
                assert e["kind"] == "deadman_fired" or len(ended) == e["count"], "endings that were not counted"
        assert not self.announced, "a list's orders follow it"

    # What stands

    def balance(self, account: int, asset: int) -> tuple[int, int]:
        held = sum(amount for who, what, amount in self.holds.values() if (who, what) == (account, asset))
        return self.available[account, asset], held

    def open_orders(self, account: int) -> list[int]:
        return sorted(order for order, owner in self.orders.items() if owner == account)

    def depth(self, market: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        bids = sorted(((p, n) for p, n in self.levels[market, 0].items() if n), reverse=True)
        return bids, sorted((p, n) for p, n in self.levels[market, 1].items() if n)

    # Holds

    def asset(self, e: dict[str, Any]) -> int:
        return int(self.rules[e["market"]]["quote" if e["side"] == BUY else "base"])

    def hold(self, key: tuple[str, int], account: int, asset: int, amount: int) -> None:
        """available -> held; an amount below 0 is released."""
        before = self.holds.pop(key, (account, asset, 0))[2]
        self.available[account, asset] -= amount
        assert before + amount >= 0, f"{key} releases more than it holds"
        if before + amount:
            self.holds[key] = (account, asset, before + amount)

    def spend_hold(self, order: int, amount: int) -> None:
        account, asset, before = self.holds.pop(("order", order))
        assert before >= amount, f"order {order} pays more than it holds"
        if before > amount:
            self.holds["order", order] = (account, asset, before - amount)

    def take_lots(self, market: int, side: int, price: int, lots: int) -> None:
        level = self.levels[market, side]
        level[price] -= lots
        assert level[price] >= 0, f"market {market} has fewer than no lots at {price}"

    # Events

    def on_market(self, e: dict[str, Any]) -> None:
        self.rules[e["market"]] = e
        self.states.setdefault(e["market"], "open")

    def on_state(self, e: dict[str, Any]) -> None:
        self.states[e["market"]] = e["state"]

    def on_deposit(self, e: dict[str, Any]) -> None:
        self.available[e["account"], e["asset"]] += e["amount"]
        self.supply[e["asset"]] += e["amount"]

    def on_transfer(self, e: dict[str, Any]) -> None:
        self.available[e["from"], e["asset"]] -= e["amount"]
        self.available[e["to"], e["asset"]] += e["amount"]

    def on_hold(self, e: dict[str, Any]) -> None:
        self.hold(("withdrawal", e["withdrawal"]), e["account"], e["asset"], e["amount"])

    def on_release(self, e: dict[str, Any]) -> None:
        self.hold(("withdrawal", e["withdrawal"]), e["account"], e["asset"], -e["amount"])

    def on_complete(self, e: dict[str, Any]) -> None:
        assert self.holds.pop(("withdrawal", e["withdrawal"])) == (e["account"], e["asset"], e["amount"])
        self.supply[e["asset"]] -= e["amount"]

    def on_exit(self, e: dict[str, Any]) -> None:
        self.available[e["account"], e["asset"]] -= e["amount"]
        assert self.available[e["account"], e["asset"]] == 0, "an exit takes all"
        assert not any(
            who == "withdrawal" and held[:2] == (e["account"], e["asset"]) for (who, _), held in self.holds.items()
        ), "an exit takes what was held for withdrawals too"
        self.supply[e["asset"]] -= e["amount"]

    def on_trade(self, e: dict[str, Any]) -> None:
        rules, taker_buys = self.rules[e["market"]], e["taker_side"] == BUY
        base, quote = rules["base"], rules["quote"]
        assert e["base_atoms"] == e["lots"] * rules["lot_atoms"]
        assert e["quote_atoms"] == e["lots"] * e["price"] * rules["unit"]
        taker, maker = e["taker_account"], e["maker_account"]
        pays, gets = (quote, base) if taker_buys else (base, quote)
        paid, got = (e["quote_atoms"], e["base_atoms"]) if taker_buys else (e["base_atoms"], e["quote_atoms"])
        self.available[taker, pays] -= paid
        assert self.available[taker, pays] >= 0, "the taker pays from available"
        self.spend_hold(e["maker_order"], got)
        self.available[taker, gets] += got - e["taker_fee"]
        self.available[maker, pays] += paid - e["maker_fee"]
        self.available[0, gets] += e["taker_fee"]
        self.available[0, pays] += e["maker_fee"]
        self.take_lots(e["market"], 1 - e["taker_side"], e["price"], e["lots"])
        if e["maker_remaining"] == 0:
            assert ("order", e["maker_order"]) not in self.holds, "a filled maker holds nothing"
            self.forget(e["maker_order"])

    def on_list(self, e: dict[str, Any]) -> None:
        assert e["list"] == e["orders"][0]
        assert e["orders"] == list(range(e["list"], e["list"] + len(e["orders"])))
        self.announced = list(e["orders"])

    def on_new(self, e: dict[str, Any]) -> None:
        if self.announced:
            assert self.announced.pop(0) == e["order"]
        self.orders[e["order"]] = e["account"]

    def on_pend(self, e: dict[str, Any]) -> None:
        self.pending.add(e["order"])

    def on_activate(self, e: dict[str, Any]) -> None:
        self.pending.remove(e["order"])

    def on_show(self, e: dict[str, Any]) -> None:
        assert e["lots"] != 0
        assert self.hidden.pop(e["order"], 0) == e["hidden"] + e["lots"], "what is shown was hidden before"
        if e["hidden"]:
            self.hidden[e["order"]] = e["hidden"]
        self.take_lots(e["market"], e["side"], e["price"], -e["lots"])

    def on_rest(self, e: dict[str, Any]) -> None:
        self.hold(("order", e["order"]), e["account"], self.asset(e), e["held"])
        self.levels[e["market"], e["side"]][e["price"]] += e["remaining"]

    def on_wait(self, e: dict[str, Any]) -> None:
        self.hold(("order", e["order"]), e["account"], self.asset(e), e["held"])

    def on_trigger(self, e: dict[str, Any]) -> None:
        self.release_all_of(e)

    def on_reduce(self, e: dict[str, Any]) -> None:
        self.hold(("order", e["order"]), e["account"], self.asset(e), -e["released"])
        if e["resting"] == 1:
            self.take_lots(e["market"], e["side"], e["price"], e["lots"])

    def on_done(self, e: dict[str, Any]) -> None:
        self.release_all_of(e)
        if e["resting"] == 1:
            self.take_lots(e["market"], e["side"], e["price"], e["remaining"])
        assert (e["order"] in self.pending) == (e["resting"] == 3)
        self.forget(e["order"])

    def forget(self, order: int) -> None:
        """The order is no longer open."""
        assert order not in self.hidden, f"order {order} ends with something hidden"
        del self.orders[order]
        self.pending.discard(order)

    def on_amend(self, e: dict[str, Any]) -> None:
        rules, buys = self.rules[e["market"]], e["side"] == BUY
        before = e["old_remaining"] * (e["old_price"] * rules["unit"] if buys else rules["lot_atoms"])
        assert self.holds["order", e["order"]][2] == before
        self.hold(("order", e["order"]), e["account"], self.asset(e), e["held"] - before)
        taken = e["old_remaining"] - (e["remaining"] if e["kept"] else 0)
        self.take_lots(e["market"], e["side"], e["old_price"], taken)

    def release_all_of(self, e: dict[str, Any]) -> None:
        self.hold(("order", e["order"]), e["account"], self.asset(e), -e["released"])
        assert ("order", e["order"]) not in self.holds, f"{e['kind']} leaves something held"
