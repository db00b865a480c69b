"""Parser of the scenario files (tests/engine/scenarios/*.txt), which a trader can read.

    # What the file is about.
    engine-only: why this can't be driven over HTTP            (optional; for the file, or below one scenario's title)

    scenario: an order that crosses trades at the maker's price
      given alice has 10 BTC and bob has 1000 USDT
      alice sells 1 @ 100 as offer
      bob buys 2 @ 101 ioc
      -> trade 1 @ 100 maker alice taker bob
      -> bob's order is done unfilled, 1 left
      book: none | none
      balance alice: 9 BTC, 100 USDT

Lines after `->` are everything the action above them does, in order. An action without any must be accepted, and
what it does is not looked at. An order without a name (`as offer`) is called after its account: "bob's order".
The market is BTC-USDT with a tick of 0.01 and a lot of 0.001; unless `market:` says other, it last traded at 100
and takes no fees.
"""

import difflib
import re
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

SECONDS = {"us": Decimal("0.000001"), "ms": Decimal("0.001"), "s": 1, "m": 60, "h": 3600}
NUMBER, NAME, SPAN = r"\d+(?:\.\d+)?", r"[a-z][\w-]*", r"\d+(?:us|ms|s|m|h)"
LABEL = rf"{NAME}(?:'s order)?"
REASONS = "filled|canceled|replaced|unfilled|fok|stp|funds|expired|deadman|list|refused"
STATES = "open|post-only|cancel-only|halted"

# name, pattern, example
ACTIONS = (
    ("has", rf"given (?P<holdings>{NAME} has .+)", "given alice has 10 BTC, 500 USDT and bob has 1 BTC"),
    ("tier", rf"given (?P<who>{NAME}) is in tier (?P<tier>\d+)", "given alice is in tier 1"),
    ("rules", r"market: (?P<rules>.+)", "market: fees 0.1%/0.2%, band 10%, max orders 2"),
    ("place", rf"(?P<who>{NAME}) (?P<order>(?:buys|sells) .+)", "alice buys 2 @ 101 gtc post-only as bid"),
    ("list", rf"(?P<who>{NAME}) places (?P<list_kind>oco|oto|otoco): (?P<legs>(?:buys|sells) .+)",
     "alice places oco: sells 1 @ 110 post-only as profit; sells 1 at market stop 95 as loss"),
    ("replace", rf"(?P<who>{NAME}) replaces (?P<target>{LABEL}) with (?P<order>(?:buys|sells) .+)",
     "alice replaces bid with buys 2 @ 102 as bid2"),
    ("amend", rf"(?P<who>{NAME}) amends (?P<target>{LABEL}) to (?P<change>.+)", "alice amends bid to 3 @ 102"),
    ("cancel", rf"(?P<who>{NAME}) cancels (?!all)(?P<target>{LABEL})", "alice cancels bid"),
    ("cancel_id", rf'(?P<who>{NAME}) cancels id "(?P<client_id>[^"]+)"', 'alice cancels id "k1"'),
    ("cancel_all", rf"(?P<who>{NAME}) cancels all(?: (?P<side>buys|sells))?", "alice cancels all sells"),
    ("deadman", rf"(?P<who>{NAME}) arms the dead man switch for (?P<span>{SPAN})",
     "alice arms the dead man switch for 10s"),
    ("disarm", rf"(?P<who>{NAME}) disarms the dead man switch", "alice disarms the dead man switch"),
    ("time", rf"time \+(?P<span>{SPAN})", "time +5s"),
    ("state", rf"the market goes (?P<state>{STATES}|\w+)", "the market goes halted"),
    ("deposit", rf"deposit (?P<index>\d+): (?P<amount>{NUMBER}) (?P<asset>[A-Z]+) to (?P<who>{NAME})",
     "deposit 1: 5 BTC to alice"),
    ("withdraw", rf"(?P<who>{NAME}) withdraws (?P<amount>{NUMBER}) (?P<asset>[A-Z]+) as (?P<name>{NAME})",
     "alice withdraws 1 BTC as w1"),
    ("withdrawal", rf"(?P<name>{NAME}) is (?P<how>released|completed)", "w1 is released"),
    ("transfer",
     rf"(?P<who>{NAME}) transfers (?P<amount>{NUMBER}) (?P<asset>[A-Z]+) to (?P<to>{NAME})(?: as (?P<name>{NAME}))?",
     "alice transfers 1 BTC to bob as t1"),
)  # fmt: skip
OUTCOMES = (
    ("trade", rf"trade (?P<size>{NUMBER}) @ (?P<price>{NUMBER}) maker (?P<maker>{NAME}) taker (?P<taker>{NAME})"
     rf"(?: fees (?P<maker_fee>{NUMBER}) [A-Z]+, (?P<taker_fee>{NUMBER}) [A-Z]+)?",
     "trade 1 @ 100 maker alice taker bob fees 0.1 USDT, 0.002 BTC"),
    ("rest", rf"(?P<order>{LABEL}) rests, (?P<left>{NUMBER}) left", "bid rests, 2 left"),
    ("wait", rf"(?P<order>{LABEL}) waits", "stop waits"),
    ("trigger", rf"(?P<order>{LABEL}) triggers", "stop triggers"),
    ("pend", rf"(?P<order>{LABEL}) pends", "profit pends"),
    ("activate", rf"(?P<order>{LABEL}) activates", "profit activates"),
    ("show", rf"(?P<order>{LABEL}) shows (?P<size>{NUMBER}), (?P<left>{NUMBER}) hidden", "ask shows 1, 3 hidden"),
    ("hide", rf"(?P<order>{LABEL}) hides (?P<size>{NUMBER})", "ask hides 4"),
    ("reduce", rf"(?P<order>{LABEL}) is reduced to (?P<left>{NUMBER})", "bid is reduced to 1"),
    ("amend", rf"(?P<order>{LABEL}) is amended and (?P<reason>keeps|loses) its place, (?P<left>{NUMBER}) left",
     "bid is amended and keeps its place, 1 left"),
    ("done", rf"(?P<order>{LABEL}) is done (?P<reason>{REASONS})(?:, (?P<left>{NUMBER}) left)?",
     "bid is done unfilled, 1 left"),
    ("rejected", r"rejected: (?P<reason>[a-z_]+)", "rejected: insufficient_balance"),
    ("duplicate", rf"duplicate of (?P<order>{LABEL})", "duplicate of bid"),
    ("state", rf"the market is (?P<state>{STATES}) by (?P<reason>breaker|timer)(?: for (?P<span>{SPAN}))?",
     "the market is halted by breaker for 30s"),
    ("fired", rf"the dead man switch of (?P<order>{NAME}) fires", "the dead man switch of alice fires"),
    ("nothing", "nothing", "nothing"),
)  # fmt: skip
CHECKS = (
    ("book", r"book: (?P<bids>[^|]+) \| (?P<asks>[^|]+)", "book: 1 @ 99, 2 @ 98 | 1 @ 101   (or none | none)"),
    ("balance", rf"balance (?P<who>{NAME}): (?P<amounts>.+)", "balance alice: 9 BTC, 100 USDT + 50 held"),
    ("market_is", rf"the market is (?P<state>{STATES})", "the market is halted"),
)
ORDER = re.compile(
    rf"(?P<side>buys|sells) (?:for (?P<quote>{NUMBER}) USDT|(?P<size>{NUMBER}))"
    rf" (?:@ (?P<price>{NUMBER})|(?P<market>at market))"
    rf"(?P<options>(?: (?:gtc|ioc|fok|gtd {SPAN}|post-only|stop {NUMBER}|take-profit {NUMBER}|trail {NUMBER}%"
    rf"|showing {NUMBER}|stp (?:none|newest|oldest|both|decrement)"
    rf'|id "[^"]+"|deadline [+-]{SPAN}|as {NAME}))*)'
)


class ScenarioError(Exception):
    """A scenario file that can't be read: says where and what would be understood."""


@dataclass(frozen=True)
class Outcome:
    """One thing an action did, in a form that prints as the scenario files write it."""

    kind: str
    order: str = ""
    reason: str = ""
    state: str = ""
    span: str | None = None
    size: Decimal | None = None
    price: Decimal | None = None
    left: Decimal | None = None
    maker: str = ""
    taker: str = ""
    maker_fee: Decimal | None = None
    taker_fee: Decimal | None = None

    def __str__(self) -> str:
        shown = {name: value for name, value in vars(self).items() if value not in ("", None) and name != "kind"}
        return f"{self.kind}: " + ", ".join(
            f"{name} {value:f}" if isinstance(value, Decimal) else f"{name} {value}" for name, value in shown.items()
        )


@dataclass(frozen=True)
class OrderTerms:
    """What a `buys` or `sells` phrase says; sizes in coins, prices in USDT, `trail` in per cent, spans in microseconds.

    `trigger` says what the stop is: "stop" or "take_profit". `display` is what an iceberg shows, 0 for all of it.
    """

    side: str
    size: Decimal
    quote: Decimal
    price: Decimal
    tif: str
    expires_in_us: int
    post_only: bool
    stop: Decimal
    trigger: str
    trail: Decimal
    display: Decimal
    stp: str
    client_id: str
    deadline_in_us: int | None
    name: str
    at_market: bool


@dataclass
class Step:
    """An action with everything it must do, or a check of what stands."""

    line: int
    text: str
    kind: str
    args: dict[str, Any]
    is_check: bool
    outcomes: list[Outcome] = field(default_factory=list)


@dataclass
class Scenario:
    title: str
    file: str
    line: int
    steps: list[Step] = field(default_factory=list)
    engine_only: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.title}"


def span_us(text: str) -> int:
    """ "5s" -> 5000000."""
    number, unit = re.fullmatch(r"(\d+)(\D+)", text).groups()  # type: ignore[union-attr]
    return int(int(number) * SECONDS[unit] * 1_000_000)


def parse_file(path: Path) -> list[Scenario]:
    return parse(path.read_text(), path.stem)


def parse(text: str, file: str) -> list[Scenario]:
    """Raises ScenarioError."""
    scenarios: list[Scenario] = []
    whole_file = ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r"\s+", " ", raw.split("#")[0]).strip()
        where = f"{file}:{number}"
        if not line:
            continue
        if line.startswith("scenario: "):
            scenarios.append(Scenario(line.removeprefix("scenario: "), file, number, engine_only=whole_file))
        elif line.startswith("engine-only: "):
            reason = line.removeprefix("engine-only: ")
            if scenarios:
                scenarios[-1].engine_only = reason
            else:
                whole_file = reason
        elif not scenarios:
            raise ScenarioError(f"{where}: {line!r} stands before the first `scenario: title`")
        else:
            read_line(scenarios[-1], number, line, where)
    for scenario in scenarios:
        if not any(step.is_check or step.outcomes for step in scenario.steps):
            raise ScenarioError(f"{scenario.file}:{scenario.line}: {scenario.title!r} expects nothing")
    return scenarios


def read_line(scenario: Scenario, number: int, line: str, where: str) -> None:
    if line.startswith("->"):
        if not scenario.steps or scenario.steps[-1].is_check:
            raise ScenarioError(f"{where}: an expectation must follow an action")
        kind, args = match(OUTCOMES, line.removeprefix("->").strip(), where)
        decimals = ("size", "price", "left", "maker_fee", "taker_fee")
        values = {k: Decimal(v) if k in decimals else v for k, v in args.items() if v is not None}
        scenario.steps[-1].outcomes.append(Outcome(kind, **values))
        return
    kind, args = match((*CHECKS, *ACTIONS), line, where)
    if "order" in args:
        args["order"] = read_order(args["order"], where)
    if "legs" in args:
        args["legs"] = [read_order(leg, where) for leg in args["legs"].split("; ")]
    scenario.steps.append(Step(number, line, kind, args, is_check=kind in {name for name, _, _ in CHECKS}))


def match(forms: tuple[tuple[str, str, str], ...], line: str, where: str) -> tuple[str, dict[str, Any]]:
    for kind, pattern, _ in forms:
        if found := re.fullmatch(pattern, line):
            return kind, found.groupdict()
    examples = [example for _, _, example in forms]
    near = difflib.get_close_matches(line, examples, n=3, cutoff=0.3) or examples
    raise ScenarioError(f"{where}: can't read {line!r}; lines look like\n  " + "\n  ".join(near))


def read_order(text: str, where: str) -> OrderTerms:
    found = ORDER.fullmatch(text)
    if found is None:
        raise ScenarioError(
            f"{where}: can't read the order {text!r}; it is `buys SIZE @ PRICE` or `buys SIZE at market` or"
            " `buys for AMOUNT USDT at market`, then any of gtc, ioc, fok, gtd 10s, post-only, stop PRICE,"
            " take-profit PRICE, trail 2%, showing SIZE,"
            ' stp none|newest|oldest|both|decrement, id "text", deadline +1s, as NAME'
        )
    options = found["options"]

    def option(pattern: str) -> str:
        there = re.search(rf" {pattern}(?= |$)", options)
        return there[1] if there else ""

    gtd, deadline = option(rf"gtd ({SPAN})"), option(rf"deadline ([+-]{SPAN})")
    at_market = bool(found["market"])
    return OrderTerms(
        side=found["side"].removesuffix("s"),
        size=Decimal(found["size"] or 0),
        quote=Decimal(found["quote"] or 0),
        price=Decimal(found["price"] or 0),
        tif="gtd" if gtd else option("(gtc|ioc|fok)") or ("ioc" if at_market else "gtc"),
        expires_in_us=span_us(gtd) if gtd else 0,
        post_only=bool(option("(post-only)")),
        stop=Decimal(option(rf"(?:stop|take-profit) ({NUMBER})") or 0),
        trigger="take_profit" if option("(take-profit)") else "stop",
        trail=Decimal(option(rf"trail ({NUMBER})%") or 0),
        display=Decimal(option(rf"showing ({NUMBER})") or 0),
        stp=option("stp (none|newest|oldest|both|decrement)") or "none",
        client_id=option('id "([^"]+)"'),
        deadline_in_us=span_us(deadline[1:]) * (-1 if deadline[0] == "-" else 1) if deadline else None,
        name=option(rf"as ({NAME})"),
        at_market=at_market,
    )
