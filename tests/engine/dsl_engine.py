"""Scenario backend for an engine in this process: the fast one or the reference."""

import zlib
from decimal import Decimal
from typing import Any

from matching.engine import commands as c
from matching.engine.events import as_dict
from tests.engine.dsl import OrderTerms, Outcome
from tests.engine.dsl_run import Level, ScenarioDriver, rule_numbers

START_US = 1_700_000_000_000_000
SCALES = {"BTC": 8, "USDT": 6}
ASSET_IDS = {"BTC": 1, "USDT": 2}
MARKET = 1
TICK, LOT = Decimal("0.01"), Decimal("0.001")
LOT_ATOMS, UNIT = 100_000, 10
PPM_PER_CENT = Decimal("0.0001")
# What a list says once for all of its legs.
NOT_OF_A_LEG = ("account", "market", "fingerprint")


class EngineDriver(ScenarioDriver):
    """Turns phrases into commands and events into outcomes; time stands still unless the scenario moves it."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.now_us = START_US
        self.accounts = {"house": 0}
        self.labels: dict[int, str] = {}
        self.deposits = 0
        self.rows: dict[str, int] = {}
        for code, asset in ASSET_IDS.items():
            self.send(c.asset(asset=asset, code=code, scale=SCALES[code]))

    # Names and numbers

    def account(self, who: str) -> int:
        return self.accounts.setdefault(who, len(self.accounts))

    def name(self, account: int) -> str:
        return next(name for name, number in self.accounts.items() if number == account)

    def order_id(self, label: str) -> int:
        return max((order for order, name in self.labels.items() if name == label), default=0)

    def row(self, name: str) -> int:
        """A withdrawal's or transfer's row id."""
        return self.rows.setdefault(name, len(self.rows) + 1)

    @staticmethod
    def atoms(asset: str, amount: Decimal) -> int:
        return exactly(amount, Decimal(1).scaleb(-SCALES[asset]))

    @staticmethod
    def coins(asset: str, atoms: int) -> Decimal:
        return Decimal(atoms).scaleb(-SCALES[asset])

    # Actions

    @staticmethod
    def label(who: str, terms: OrderTerms) -> str:
        return terms.name or f"{who}'s order"

    def send(self, command: list[Any], *labels: str) -> list[Outcome]:
        """What a command does; `labels` name its orders, in their order."""
        events = [as_dict(event) for event in self.engine.apply(command, self.now_us)]
        new = [event["order"] for event in events if event["kind"] == "new"]
        self.labels |= dict(zip(new, labels, strict=True) if new else ())
        return [outcome for outcome in map(self.outcome, events) if outcome]

    def set_rules(self, rules: dict[str, str]) -> None:
        numbers = rule_numbers(rules)
        outcomes = self.send(
            c.market(
                market=MARKET, symbol="BTC-USDT", base=1, quote=2, lot_atoms=LOT_ATOMS, unit=UNIT,
                min_lots=exactly(numbers.pop("min_size"), LOT), max_lots=exactly(numbers.pop("max_size"), LOT),
                min_notional=self.atoms("USDT", numbers.pop("min_notional")),
                reference_price=exactly(numbers.pop("reference"), TICK), **numbers,
            )
        )  # fmt: skip
        assert not outcomes, outcomes

    def give(self, who: str, asset: str, amount: Decimal) -> None:
        self.deposits += 1
        outcomes = self.send(
            c.deposit(
                source=1, index=self.deposits, account=self.account(who), asset=ASSET_IDS[asset],
                amount=self.atoms(asset, amount),
            )
        )  # fmt: skip
        assert not outcomes, outcomes

    def set_tier(self, who: str, tier: int) -> None:
        assert not self.send(c.tier(account=self.account(who), tier=tier))

    def terms(self, who: str, terms: OrderTerms) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "account": self.account(who), "market": MARKET, "side": c.SIDES.index(terms.side),
            "type": c.MARKET if terms.at_market else c.LIMIT, "tif": c.TIFS.index(terms.tif),
            "price": exactly(terms.price, TICK), "stop": exactly(terms.stop, TICK), "size": exactly(terms.size, LOT),
            "quote": self.atoms("USDT", terms.quote), "post_only": int(terms.post_only),
            "trigger": c.TRIGGERS.index(terms.trigger), "trail": exactly(terms.trail, PPM_PER_CENT),
            "display": exactly(terms.display, LOT),
            "stp": ("none", "newest", "oldest", "both", "decrement").index(terms.stp),
        }  # fmt: skip
        fingerprint = zlib.crc32(repr(fields).encode())
        if terms.expires_in_us:
            fields["expires_us"] = self.now_us + terms.expires_in_us
        if terms.deadline_in_us is not None:
            fields["deadline_us"] = self.now_us + terms.deadline_in_us
        return fields | {"client_id": terms.client_id, "fingerprint": fingerprint}

    def place(self, who: str, terms: OrderTerms) -> list[Outcome]:
        return self.send(c.place(**self.terms(who, terms)), self.label(who, terms))

    def place_list(self, who: str, kind: str, legs: list[OrderTerms]) -> list[Outcome]:
        fields = [self.terms(who, terms) for terms in legs]
        command = c.order_list(
            account=self.account(who), market=MARKET, kind=c.LIST_KINDS.index(kind),
            legs=[c.leg(**{name: leg[name] for name in leg if name not in NOT_OF_A_LEG}) for leg in fields],
            fingerprint=zlib.crc32(repr([leg["fingerprint"] for leg in fields]).encode()),
        )  # fmt: skip
        return self.send(command, *(self.label(who, terms) for terms in legs))

    def replace(self, who: str, target: str, terms: OrderTerms) -> list[Outcome]:
        fields = self.terms(who, terms)
        deadline = fields.pop("deadline_us", 0)
        command = c.replace(target_order=self.order_id(target), deadline_us=deadline, **fields)
        return self.send(command, self.label(who, terms))

    def amend(self, who: str, target: str, size: Decimal, price: Decimal) -> list[Outcome]:
        return self.send(
            c.amend(
                account=self.account(who),
                order=self.order_id(target),
                price=exactly(price, TICK),
                size=exactly(size, LOT),
            )
        )

    def cancel(self, who: str, target: str) -> list[Outcome]:
        return self.send(c.cancel(account=self.account(who), order=self.order_id(target)))

    def cancel_id(self, who: str, client_id: str) -> list[Outcome]:
        return self.send(c.cancel(account=self.account(who), client_id=client_id))

    def cancel_all(self, who: str, side: str) -> list[Outcome]:
        return self.send(c.cancel_all(account=self.account(who), side=c.SIDES.index(side) if side else -1))

    def deadman(self, who: str, timeout_us: int) -> list[Outcome]:
        return self.send(c.deadman(account=self.account(who), timeout_us=timeout_us))

    def advance(self, span_us: int) -> list[Outcome]:
        self.now_us += span_us
        return self.send(c.tick())

    def set_state(self, state: str) -> list[Outcome]:
        return self.send(c.state(market=MARKET, state=state))

    def deposit(self, index: int, who: str, asset: str, amount: Decimal) -> list[Outcome]:
        return self.send(
            c.deposit(
                source=2, index=index, account=self.account(who), asset=ASSET_IDS.get(asset, 99),
                amount=self.atoms(asset, amount) if asset in SCALES else int(amount),
            )
        )  # fmt: skip

    def withdraw(self, name: str, who: str, asset: str, amount: Decimal) -> list[Outcome]:
        return self.send(
            c.hold(
                withdrawal=self.row(name), account=self.account(who), asset=ASSET_IDS[asset],
                amount=self.atoms(asset, amount),
            )
        )  # fmt: skip

    def end_withdrawal(self, name: str, how: str) -> list[Outcome]:
        return self.send((c.release if how == "released" else c.complete)(withdrawal=self.row(name)))

    def transfer(self, name: str, who: str, to: str, asset: str, amount: Decimal) -> list[Outcome]:
        return self.send(
            c.transfer(
                transfer=self.row(name), source=self.account(who), to=self.account(to), asset=ASSET_IDS[asset],
                amount=self.atoms(asset, amount),
            )
        )  # fmt: skip

    # What stands

    def book(self) -> tuple[list[Level], list[Level]]:
        bids, asks = self.engine.depth(MARKET)
        return [(p * TICK, n * LOT) for p, n in bids], [(p * TICK, n * LOT) for p, n in asks]

    def balance(self, who: str, asset: str) -> tuple[Decimal, Decimal]:
        available, held = self.engine.balance(self.account(who), ASSET_IDS[asset])
        return self.coins(asset, available), self.coins(asset, held)

    def market_state(self) -> str:
        return str(self.engine.markets[MARKET].state)

    # Events in the words of the files

    def outcome(self, e: dict[str, Any]) -> Outcome | None:
        kind = e["kind"]
        if kind == "trade":
            buyer_pays, seller_pays = (
                (e["taker_fee"], e["maker_fee"]) if e["taker_side"] == c.BUY else (e["maker_fee"], e["taker_fee"])
            )
            fees = self.coins("BTC", buyer_pays), self.coins("USDT", seller_pays)
            taker_fee, maker_fee = fees if e["taker_side"] == c.BUY else fees[::-1]
            return Outcome(
                "trade", size=e["lots"] * LOT, price=e["price"] * TICK, maker=self.name(e["maker_account"]),
                taker=self.name(e["taker_account"]), maker_fee=maker_fee if any(fees) else None,
                taker_fee=taker_fee if any(fees) else None,
            )  # fmt: skip
        if kind in ("rest", "reduce"):
            return Outcome(kind, order=self.labels[e["order"]], left=e["remaining"] * LOT)
        if kind == "show":
            name, lots = self.labels[e["order"]], e["lots"] * LOT
            return (
                Outcome("show", order=name, size=lots, left=e["hidden"] * LOT)
                if lots > 0
                else (Outcome("hide", order=name, size=-lots))
            )
        if kind in ("wait", "trigger", "pend", "activate"):
            return Outcome(kind, order=self.labels[e["order"]])
        if kind == "amend":
            keeps = "keeps" if e["kept"] else "loses"
            return Outcome("amend", order=self.labels[e["order"]], reason=keeps, left=e["remaining"] * LOT)
        if kind == "done":
            left = e["remaining"] * LOT if e["remaining"] else None
            return Outcome("done", order=self.labels[e["order"]], reason=e["reason"], left=left)
        if kind == "state" and e["reason"] != "operator":
            span = f"{(e['until'] - self.now_us) // 1_000_000}s" if e["until"] else None
            return Outcome("state", state=e["state"].replace("_", "-"), reason=e["reason"], span=span)
        if kind == "deadman_fired":
            return Outcome("fired", order=self.name(e["account"]))
        if kind == "rejected":
            return Outcome("rejected", reason=e["code"])
        if kind == "duplicate":
            return Outcome("duplicate", order=self.labels[e["order"]])
        return None


def exactly(amount: Decimal, step: Decimal) -> int:
    """How many steps; a scenario must not lose digits on the way to the engine."""
    steps = amount / step
    assert steps == int(steps), f"{amount} is not a multiple of {step}"
    return int(steps)
