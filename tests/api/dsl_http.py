"""Scenario backend for the running exchange: traders over signed REST calls, operators through the gateway.

Every scenario has a market and accounts of its own. REST shows an order as it stands, not each event on the way, so
what an action did is read from its answer, from the fills and from the orders that changed; `agree` compares that
with the last thing the scenario says of each order, and all trades in their order.
"""

import itertools
import json
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import httpx

from accounts import signing
from matching.engine import commands as c
from tests.api.operator import Operator
from tests.engine.dsl import OrderTerms, Outcome
from tests.engine.dsl_engine import ASSET_IDS, LOT, LOT_ATOMS, SCALES, TICK, UNIT, exactly
from tests.engine.dsl_run import RULES, Level, ScenarioDriver, rule_numbers
from tests.patience import PATIENCE_S

STP = {"newest": "cancel_newest", "oldest": "cancel_oldest", "both": "cancel_both"}
SOURCE = 901

deposits = itertools.count(1)


def listing(market: int, rules: dict[str, str]) -> list[Any]:
    """The command that lists a scenario's market, or changes its rules."""
    numbers = rule_numbers(rules)
    return c.market(
        market=market, symbol=symbol(market), base=1, quote=2, lot_atoms=LOT_ATOMS, unit=UNIT,
        min_lots=exactly(numbers.pop("min_size"), LOT), max_lots=exactly(numbers.pop("max_size"), LOT),
        min_notional=exactly(numbers.pop("min_notional"), Decimal(1).scaleb(-SCALES["USDT"])),
        reference_price=exactly(numbers.pop("reference"), TICK), **numbers,
    )  # fmt: skip


def symbol(market: int) -> str:
    return f"BTC{market}-USDT"


class Trader:
    """An account and its key; signs every call, each with a later timestamp than the one before."""

    def __init__(self, client: httpx.Client, account: int, key: str, secret: str) -> None:
        self.client, self.account, self.key, self.secret = client, account, key, secret
        self.timestamp_ms = 0

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, sequence: int = 0) -> httpx.Response:
        self.timestamp_ms = max(self.timestamp_ms + 1, time.time_ns() // 1_000_000)
        content = json.dumps(body).encode() if body is not None else b""
        headers = signing.headers(
            key=self.key, secret=self.secret, timestamp_ms=self.timestamp_ms, method=method,
            path_with_query=f"/api/v1{path}", body=content,
        )  # fmt: skip
        if content:
            headers["Content-Type"] = "application/json"
        if sequence:
            headers["X-Min-Sequence"] = str(sequence)
        return self.client.request(method, f"/api/v1{path}", content=content, headers=headers)

    def read(self, path: str, sequence: int) -> dict[str, Any]:
        """A read model as of `sequence` or later."""
        until = time.monotonic() + PATIENCE_S
        while True:
            response = self.call("GET", path, sequence=sequence)
            if response.status_code == 200 and int(response.headers["X-Sequence"]) >= sequence:
                return dict(response.json())
            assert time.monotonic() < until, f"GET {path} does not come to {sequence}: {response.text}"


class HttpDriver(ScenarioDriver):
    """One scenario on the exchange at `base_url`, in a market that is listed and that nothing else uses.

    `operator` does what operators and deposits do.
    """

    def __init__(self, base_url: str, operator: Operator, market: int) -> None:
        self.client = httpx.Client(base_url=base_url, timeout=PATIENCE_S)
        self.operator = operator
        self.market, self.symbol = market, symbol(market)
        self.traders: dict[str, Trader] = {}
        self.labels: dict[int, str] = {}
        self.owners: dict[int, str] = {}
        self.orders: dict[int, dict[str, Any]] = {}
        self.fills_seen: set[tuple[int, str]] = set()
        self.house_before: dict[str, Decimal] = {}
        self.sequence = 0

    def close(self) -> None:
        self.client.close()

    # Operators

    def operate(self, *commands: list[Any]) -> None:
        answer = self.operator.ask(commands=commands)
        rejected = [event for event in answer["events"] if event[0] == "rejected"]
        assert not rejected, (commands, rejected)
        self.sequence = answer["sequence"]

    def set_rules(self, rules: dict[str, str]) -> None:
        assert rules["reference"] == RULES["reference"], "a listed market keeps its last price: mark it engine-only"
        self.operate(listing(self.market, rules))
        for asset in ASSET_IDS:
            self.house_before.setdefault(asset, self.house(asset))

    def give(self, who: str, asset: str, amount: Decimal) -> None:
        atoms = exactly(amount, Decimal(1).scaleb(-SCALES[asset]))
        self.operate(
            c.deposit(
                source=SOURCE, index=next(deposits), account=self.trader(who).account, asset=ASSET_IDS[asset],
                amount=atoms,
            )
        )  # fmt: skip

    def set_tier(self, who: str, tier: int) -> None:
        self.operate(c.tier(account=self.trader(who).account, tier=tier))

    def set_state(self, state: str) -> list[Outcome]:
        self.operate(c.state(market=self.market, state=state))
        return self.changes()

    def advance(self, span_us: int) -> list[Outcome]:
        raise NotImplementedError("nobody moves the exchange's clock: mark the scenario engine-only")

    def deposit(self, index: int, who: str, asset: str, amount: Decimal) -> list[Outcome]:
        raise NotImplementedError("deposits have no numbers over HTTP: mark the scenario engine-only")

    def withdraw(self, name: str, who: str, asset: str, amount: Decimal) -> list[Outcome]:
        raise NotImplementedError("withdrawals are not on the API yet: mark the scenario engine-only")

    def end_withdrawal(self, name: str, how: str) -> list[Outcome]:
        raise NotImplementedError("withdrawals are not on the API yet: mark the scenario engine-only")

    def transfer(self, name: str, who: str, to: str, asset: str, amount: Decimal) -> list[Outcome]:
        raise NotImplementedError("transfers are not on the API yet: mark the scenario engine-only")

    # Traders

    def trader(self, who: str) -> Trader:
        if who not in self.traders:
            made = self.operator.ask(account=who)
            self.traders[who] = Trader(self.client, made["account"], made["key"], made["secret"])
        return self.traders[who]

    def body(self, terms: OrderTerms) -> dict[str, Any]:
        assert terms.deadline_in_us is None, "deadlines follow the signature's window: mark the scenario engine-only"
        body: dict[str, Any] = {
            "market": self.symbol, "side": terms.side, "type": "market" if terms.at_market else "limit",
            "tif": terms.tif, "post_only": terms.post_only, "stp": STP.get(terms.stp, terms.stp),
        }  # fmt: skip
        for name, amount in (
            ("price", terms.price), ("size", terms.size), ("stop_price", terms.stop), ("trail_percent", terms.trail),
            ("display_size", terms.display),
        ):  # fmt: skip
            if amount:
                body[name] = str(amount)
        if terms.trigger != "stop":
            body["trigger"] = terms.trigger
        if terms.quote:
            body["quote_amount"] = str(terms.quote)
        if terms.tif == "gtd":
            body["expires_at"] = time.time_ns() // 1_000_000 + terms.expires_in_us // 1_000
        if terms.client_id:
            body["client_id"] = terms.client_id
        return body

    def ask(self, who: str, op: str, params: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """A trader's request, by the names of the socket API: its answer, or {} and the code of an error."""
        method, path, body = rest_call(op, dict(params))
        response = self.trader(who).call(method, path, body)
        answer = response.json()
        if not response.is_error:
            return answer, ""
        assert response.headers["Content-Type"].startswith("application/problem+json"), response.text
        return {}, answer["code"]

    def do(self, who: str, op: str, params: dict[str, Any], *names: str) -> list[Outcome]:
        """A trader's request, and everything that it changed; `names` are those of the orders it makes."""
        answer, code = self.ask(who, op, params)
        if code:
            return [Outcome("rejected", reason=code), *self.changes()]
        self.sequence = max(self.sequence, answer["sequence"])
        if answer.get("duplicate"):
            return [Outcome("duplicate", order=self.labels[answer["id"]]), *self.changes()]
        for name, made in zip(names, answer.get("orders", [answer]), strict=True) if names else ():
            self.labels[made["id"]], self.owners[made["id"]] = name, who
        happened = self.changes()
        self.check_answer(answer)
        return happened

    def check_answer(self, answer: dict[str, Any]) -> None:
        """The answer of a write says the same of its orders as the read model does."""
        for made in answer.get("orders", [answer]):
            if "fills" in made:
                stored = self.orders[made["id"]]
                for name in ("status", "price", "size", "filled_size", "remaining_size", "done_reason", "list_id"):
                    assert made.get(name, stored[name]) == stored[name], (name, made, stored)

    @staticmethod
    def label(who: str, terms: OrderTerms) -> str:
        return terms.name or f"{who}'s order"

    def place(self, who: str, terms: OrderTerms) -> list[Outcome]:
        return self.do(who, "order.place", self.body(terms), self.label(who, terms))

    def place_list(self, who: str, kind: str, legs: list[OrderTerms]) -> list[Outcome]:
        params = {"kind": kind, "market": self.symbol, "orders": [self.body(terms) for terms in legs]}
        return self.do(who, "order.list", params, *(self.label(who, terms) for terms in legs))

    def replace(self, who: str, target: str, terms: OrderTerms) -> list[Outcome]:
        params = {"order_id": self.order_id(target), "order": self.body(terms)}
        return self.do(who, "order.replace", params, self.label(who, terms))

    def amend(self, who: str, target: str, size: Decimal, price: Decimal) -> list[Outcome]:
        changes = {name: str(amount) for name, amount in (("size", size), ("price", price)) if amount}
        return self.do(who, "order.amend", {"order_id": self.order_id(target), **changes})

    def cancel(self, who: str, target: str) -> list[Outcome]:
        return self.do(who, "order.cancel", {"order_id": self.order_id(target)})

    def cancel_id(self, who: str, client_id: str) -> list[Outcome]:
        return self.do(who, "order.cancel", {"client_id": client_id})

    def cancel_all(self, who: str, side: str) -> list[Outcome]:
        return self.do(who, "order.cancel_all", {"market": self.symbol} | ({"side": side} if side else {}))

    def deadman(self, who: str, timeout_us: int) -> list[Outcome]:
        return self.do(who, "order.dead_man", {"timeout_ms": timeout_us // 1_000})

    def order_id(self, label: str) -> int:
        return max((order for order, name in self.labels.items() if name == label), default=10**9)

    # What changed

    def changes(self) -> list[Outcome]:
        """Trades first, then how each changed order stands now."""
        happened = self.new_trades()
        for order, owner in self.owners.items():
            stored = self.trader(owner).read(f"/orders/{order}", self.sequence)
            if stored != self.orders.get(order):
                self.orders[order] = stored
                happened.append(standing(self.labels[order], stored))
        return happened

    def new_trades(self) -> list[Outcome]:
        sides: dict[int, dict[str, tuple[str, dict[str, Any]]]] = {}
        for who, trader in self.traders.items():
            for fill in trader.read(f"/fills?market={self.symbol}", self.sequence)["fills"]:
                if (fill["trade_id"], fill["liquidity"]) not in self.fills_seen:
                    sides.setdefault(fill["trade_id"], {})[fill["liquidity"]] = who, fill
        trades = []
        for trade, both in sorted(sides.items()):
            self.fills_seen |= {(trade, "maker"), (trade, "taker")}
            (maker, made), (taker, took) = both["maker"], both["taker"]
            assert (made["price"], made["size"]) == (took["price"], took["size"])
            fees = Decimal(made["fee"]), Decimal(took["fee"])
            trades.append(
                Outcome(
                    "trade", size=Decimal(took["size"]), price=Decimal(took["price"]), maker=maker, taker=taker,
                    maker_fee=fees[0] if any(fees) else None, taker_fee=fees[1] if any(fees) else None,
                )
            )  # fmt: skip
        return trades

    def agree(self, expected: list[Outcome], happened: list[Outcome]) -> bool:
        for outcome in [outcome for outcome in expected if outcome.kind == "state"]:
            expected = [other for other in expected if other is not outcome]
            if self.settle(self.market_state_and_reason, (outcome.state, outcome.reason)) != (
                outcome.state,
                outcome.reason,
            ):
                return False
        # What an iceberg shows is seen in the book, and what becomes of an order that goes on is said after it.
        expected = [outcome for outcome in expected if outcome.kind not in ("show", "hide", "activate")]
        lasting = ("rejected", "duplicate", "trade")
        wanted = [outcome for outcome in expected if outcome.kind in lasting]
        found = [outcome for outcome in happened if outcome.kind in lasting]
        last = {outcome.order: as_standing(outcome) for outcome in expected if outcome.kind not in lasting}
        stands = {outcome.order: outcome for outcome in happened if outcome.kind not in lasting}
        # Makers change by trades alone; files do not repeat that.
        silent = {name for name, outcome in stands.items() if name not in last and outcome.reason in ("", "filled")}
        if wanted == found and any(outcome.kind == "trade" for outcome in wanted):
            stands = {name: outcome for name, outcome in stands.items() if name not in silent}
        return wanted == found and last == stands

    # What stands

    def settle(self, read: Callable[[], Any], wanted: Any) -> Any:
        """Market data follows a moment later; the last answer if it never becomes what is wanted."""
        until = time.monotonic() + PATIENCE_S
        while (found := read()) != wanted and time.monotonic() < until:
            time.sleep(0.05)
        return found

    def book(self) -> tuple[list[Level], list[Level]]:
        book = self.client.get(f"/api/v1/markets/{self.symbol}/depth").json()
        bids, asks = ([(Decimal(p), Decimal(n)) for p, n in book.get(side, ())] for side in ("bids", "asks"))
        return bids, asks

    def balance(self, who: str, asset: str) -> tuple[Decimal, Decimal]:
        if who == "house":
            return self.house(asset) - self.house_before[asset], Decimal(0)
        for row in self.trader(who).read("/balances", self.sequence)["balances"]:
            if row["asset"] == asset:
                return Decimal(row["available"]), Decimal(row["held"])
        return Decimal(0), Decimal(0)

    def house(self, asset: str) -> Decimal:
        """Fees that the exchange has collected, by this scenario and those before it."""
        return Decimal(self.operator.ask(house=asset, sequence=self.sequence)["available"])

    def market_state_and_reason(self) -> tuple[str, str]:
        market = self.client.get(f"/api/v1/markets/{self.symbol}").json()
        return market["state"].replace("_", "-"), market["state_reason"]

    def market_state(self) -> str:
        return str(self.client.get(f"/api/v1/markets/{self.symbol}").json()["state"])


def rest_call(op: str, params: dict[str, Any]) -> tuple[str, str, dict[str, Any] | None]:
    """Method, path and body of a request that the socket API calls `op`."""
    if op == "order.place":
        return "POST", "/orders", params
    if op == "order.list":
        return "POST", "/order-lists", params
    if op == "order.cancel_all":
        return "DELETE", f"/orders?{urlencode(params)}", None
    if op == "order.dead_man":
        return "POST", "/dead-man-switch", params
    client_id, order_id = params.pop("client_id", None), params.pop("order_id", None)
    path = f"/orders/by-client-id/{client_id}" if client_id else f"/orders/{order_id}"
    if op == "order.replace":
        return "POST", f"{path}/replace", params["order"]
    return ("PATCH", path, params) if op == "order.amend" else ("DELETE", path, None)


def standing(name: str, order: dict[str, Any]) -> Outcome:
    """How an order stands, as the scenario would say it."""
    left = Decimal(order["remaining_size"] or 0) or None
    if order["status"] in ("waiting", "pending"):
        return Outcome("wait" if order["status"] == "waiting" else "pend", order=name)
    if order["done_reason"]:
        return Outcome("done", order=name, reason=order["done_reason"], left=left)
    return Outcome("rest", order=name, left=left)


def as_standing(outcome: Outcome) -> Outcome:
    """The last that a scenario says of an order, as `standing` would say it."""
    if outcome.kind in ("reduce", "amend", "rest"):
        return Outcome("rest", order=outcome.order, left=outcome.left)
    return outcome
