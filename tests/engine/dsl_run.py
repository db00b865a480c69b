"""Runs a parsed scenario on a backend: the fast engine, the reference engine, or the HTTP API.

A backend is a ScenarioDriver: one method for each thing a scenario can do or look at, in coins and prices as the
files write them. What an action did comes back as Outcomes; `agree` decides whether they are the expected ones.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tests.engine.dsl import NAME, NUMBER, SPAN, OrderTerms, Outcome, Scenario, ScenarioError, Step, span_us

Level = tuple[Decimal, Decimal]

RULES: dict[str, Any] = {
    "fees": "0%/0%", "band": "50%", "breaker": "0% in 0s", "halt": "0s", "reopen": "0s", "min size": "0.001",
    "max size": "1000", "min notional": "0", "max orders": "100", "reference": "100",
}  # fmt: skip


class ScenarioFailure(AssertionError):
    """A step of a scenario did something else than the file says."""


class ScenarioDriver(ABC):
    """A backend of scenarios. Accounts and orders go by the names of the file."""

    @abstractmethod
    def set_rules(self, rules: dict[str, str]) -> None: ...

    @abstractmethod
    def give(self, who: str, asset: str, amount: Decimal) -> None: ...

    @abstractmethod
    def set_tier(self, who: str, tier: int) -> None: ...

    @abstractmethod
    def place(self, who: str, terms: OrderTerms) -> list[Outcome]: ...

    @abstractmethod
    def place_list(self, who: str, kind: str, legs: list[OrderTerms]) -> list[Outcome]: ...

    @abstractmethod
    def replace(self, who: str, target: str, terms: OrderTerms) -> list[Outcome]: ...

    @abstractmethod
    def amend(self, who: str, target: str, size: Decimal, price: Decimal) -> list[Outcome]: ...

    @abstractmethod
    def cancel(self, who: str, target: str) -> list[Outcome]: ...

    @abstractmethod
    def cancel_id(self, who: str, client_id: str) -> list[Outcome]: ...

    @abstractmethod
    def cancel_all(self, who: str, side: str) -> list[Outcome]: ...

    @abstractmethod
    def deadman(self, who: str, timeout_us: int) -> list[Outcome]: ...

    @abstractmethod
    def advance(self, span_us: int) -> list[Outcome]: ...

    @abstractmethod
    def set_state(self, state: str) -> list[Outcome]: ...

    @abstractmethod
    def deposit(self, index: int, who: str, asset: str, amount: Decimal) -> list[Outcome]: ...

    @abstractmethod
    def withdraw(self, name: str, who: str, asset: str, amount: Decimal) -> list[Outcome]: ...

    @abstractmethod
    def end_withdrawal(self, name: str, how: str) -> list[Outcome]: ...

    @abstractmethod
    def transfer(self, name: str, who: str, to: str, asset: str, amount: Decimal) -> list[Outcome]: ...

    @abstractmethod
    def book(self) -> tuple[list[Level], list[Level]]: ...

    @abstractmethod
    def balance(self, who: str, asset: str) -> tuple[Decimal, Decimal]: ...

    @abstractmethod
    def market_state(self) -> str: ...

    def settle(self, read: Callable[[], Any], wanted: Any) -> Any:
        """What `read` finds; a backend that lags may wait for what is wanted."""
        return read()

    def agree(self, expected: list[Outcome], happened: list[Outcome]) -> bool:
        return expected == happened


def run(scenario: Scenario, driver: ScenarioDriver) -> None:
    """Raises ScenarioFailure at the first step that differs."""
    rules = dict(RULES)
    if not scenario.steps or scenario.steps[0].kind != "rules":
        driver.set_rules(rules)
    for step in scenario.steps:
        where = f"{scenario.file}:{step.line}: {step.text}"
        if step.is_check:
            check(driver, step, where)
            continue
        if step.kind == "rules":
            rules |= read_rules(step.args["rules"], where)
            driver.set_rules(rules)
            continue
        happened = act(driver, step, where)
        shown = "".join(f"\n    {outcome}" for outcome in happened) or "\n    nothing"
        if step.outcomes:
            expected = [outcome for outcome in step.outcomes if outcome.kind != "nothing"]
            if not driver.agree(expected, happened):
                wanted = "".join(f"\n    {outcome}" for outcome in expected) or "\n    nothing"
                raise ScenarioFailure(f"{where}\n  expected:{wanted}\n  happened:{shown}")
        elif any(outcome.kind == "rejected" for outcome in happened):
            raise ScenarioFailure(f"{where}\n  expected to be accepted, but:{shown}")


def act(driver: ScenarioDriver, step: Step, where: str) -> list[Outcome]:
    a: dict[str, Any] = step.args
    match step.kind:
        case "has":
            for who, asset, amount in read_holdings(a["holdings"], where):
                driver.give(who, asset, amount)
            return []
        case "tier":
            driver.set_tier(a["who"], int(a["tier"]))
            return []
        case "place":
            return driver.place(a["who"], a["order"])
        case "list":
            return driver.place_list(a["who"], a["list_kind"], a["legs"])
        case "replace":
            return driver.replace(a["who"], a["target"], a["order"])
        case "amend":
            return driver.amend(a["who"], a["target"], *read_change(a["change"], where))
        case "cancel":
            return driver.cancel(a["who"], a["target"])
        case "cancel_id":
            return driver.cancel_id(a["who"], a["client_id"])
        case "cancel_all":
            return driver.cancel_all(a["who"], (a["side"] or "").removesuffix("s"))
        case "deadman":
            return driver.deadman(a["who"], span_us(a["span"]))
        case "disarm":
            return driver.deadman(a["who"], 0)
        case "time":
            return driver.advance(span_us(a["span"]))
        case "state":
            return driver.set_state(a["state"].replace("-", "_"))
        case "deposit":
            return driver.deposit(int(a["index"]), a["who"], a["asset"], Decimal(a["amount"]))
        case "withdraw":
            return driver.withdraw(a["name"], a["who"], a["asset"], Decimal(a["amount"]))
        case "withdrawal":
            return driver.end_withdrawal(a["name"], a["how"])
        case "transfer":
            return driver.transfer(a["name"] or f"{where}", a["who"], a["to"], a["asset"], Decimal(a["amount"]))
    raise ScenarioError(f"{where}: {step.kind} can't be run")


def check(driver: ScenarioDriver, step: Step, where: str) -> None:
    read: Callable[[], Any]
    wanted: Any
    if step.kind == "book":
        read, wanted = driver.book, (read_levels(step.args["bids"], where), read_levels(step.args["asks"], where))
    elif step.kind == "balance":
        amounts = wanted = read_amounts(step.args["amounts"], where)
        read = lambda: {asset: driver.balance(step.args["who"], asset) for asset in amounts}  # noqa: E731
    else:
        read, wanted = driver.market_state, step.args["state"].replace("-", "_")
    found = driver.settle(read, wanted)
    if found != wanted:
        raise ScenarioFailure(f"{where}\n  found: {readable(found)}")


def readable(found: Any) -> str:
    if isinstance(found, dict):
        return ", ".join(f"{free:f} {asset} + {held:f} held" for asset, (free, held) in found.items())
    if isinstance(found, tuple):
        return " | ".join(", ".join(f"{size:f} @ {price:f}" for price, size in side) or "none" for side in found)
    return str(found)


def read_holdings(text: str, where: str) -> list[tuple[str, str, Decimal]]:
    """`alice has 10 BTC, 500 USDT and bob has 1 BTC`."""
    holdings = []
    for part in text.split(" and "):
        who, _, amounts = part.partition(" has ")
        for amount in amounts.split(","):
            found = re.fullmatch(rf"({NUMBER}) ([A-Z]+)", amount.strip())
            if not found or not re.fullmatch(NAME, who):
                raise ScenarioError(f"{where}: can't read {part!r}; it is `alice has 10 BTC, 500 USDT`")
            holdings.append((who, found[2], Decimal(found[1])))
    return holdings


def read_amounts(text: str, where: str) -> dict[str, tuple[Decimal, Decimal]]:
    """`9 BTC, 100 USDT + 50 held` -> asset: (available, held)."""
    amounts = {}
    for part in text.split(","):
        found = re.fullmatch(rf"({NUMBER}) ([A-Z]+)(?: \+ ({NUMBER}) held)?", part.strip())
        if not found:
            raise ScenarioError(f"{where}: can't read {part!r}; it is `100 USDT + 50 held`")
        amounts[found[2]] = (Decimal(found[1]), Decimal(found[3] or 0))
    return amounts


def read_levels(text: str, where: str) -> list[Level]:
    if text.strip() == "none":
        return []
    levels = []
    for part in text.split(","):
        found = re.fullmatch(rf"({NUMBER}) @ ({NUMBER})", part.strip())
        if not found:
            raise ScenarioError(f"{where}: can't read the level {part!r}; it is `1.5 @ 100`, best first, or `none`")
        levels.append((Decimal(found[2]), Decimal(found[1])))
    return levels


def read_change(text: str, where: str) -> tuple[Decimal, Decimal]:
    """`3 @ 102`, `3` or `@ 102` -> (size, price), 0 for what stays."""
    found = re.fullmatch(rf"(?P<size>{NUMBER})?(?: ?@ (?P<price>{NUMBER}))?", text)
    if not found or not text:
        raise ScenarioError(f"{where}: can't read the change {text!r}; it is `3 @ 102`, `3` or `@ 102`")
    return Decimal(found["size"] or 0), Decimal(found["price"] or 0)


def read_rules(text: str, where: str) -> dict[str, str]:
    rules = {}
    for part in text.split(","):
        name = next((name for name in RULES if part.strip().startswith(name + " ")), None)
        if name is None:
            raise ScenarioError(f"{where}: unknown rule {part.strip()!r}; rules are {', '.join(RULES)}")
        rules[name] = part.strip().removeprefix(name).strip()
    return rules


def rule_numbers(rules: dict[str, str]) -> dict[str, Any]:
    """Rules as numbers: ppm, microseconds, coins (Decimal). Raises ScenarioError."""

    def ppm(text: str) -> int:
        found = re.fullmatch(rf"({NUMBER})%", text)
        if not found:
            raise ScenarioError(f"{text!r} is not a percentage")
        return int(Decimal(found[1]) * 10_000)

    breaker = re.fullmatch(rf"(\S+) in ({SPAN})", rules["breaker"])
    if not breaker:
        raise ScenarioError(f"the breaker is {rules['breaker']!r} instead of `5% in 10s`")
    return {
        "fees": [[ppm(fee) for fee in row.split("/")] for row in rules["fees"].split(" then ")],
        "band_ppm": ppm(rules["band"]),
        "breaker_ppm": ppm(breaker[1]),
        "breaker_window_us": span_us(breaker[2]),
        "halt_us": span_us(rules["halt"]),
        "reopen_us": span_us(rules["reopen"]),
        "min_size": Decimal(rules["min size"]),
        "max_size": Decimal(rules["max size"]),
        "min_notional": Decimal(rules["min notional"]),
        "max_orders": int(rules["max orders"]),
        "reference": Decimal(rules["reference"]),
    }
