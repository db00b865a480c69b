"""docs/protocol.md, the command and event modules, and what the engine can say are one and the same list."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from matching.engine import commands as c
from matching.engine import events
from tests.engine.test_reference import CODES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "protocol.md").read_text()


def section(number: int) -> str:
    return PAGE.split(f"\n## {number}. ")[1].split("\n## ")[0]


def rows(text: str) -> dict[str, list[str]]:
    """The table's second column by each `word` of its first; brackets explain and do not count."""
    table = {}
    for names, fields in re.findall(r"^\| (`.+?) \| ?(.*?) ?\|$", text, flags=re.M):
        plain = re.sub(r"\([^)]*\)|`[^`]*`", "", fields)
        for name in re.findall(r"`(\w+)`", names):
            table[name] = [word.strip() for word in plain.split(",") if word.strip()]
    return table


def test_page_lists_every_command_with_its_fields() -> None:
    page = rows(section(2))
    assert set(page) == set(c.FIELDS)
    said_in_words = {"hold", "release", "complete", "replace", "market"} | {
        "signed_place", "signed_amend", "signed_transfer", "signed_withdraw",
    }  # fmt: skip
    for kind in set(page) - said_in_words:
        assert page[kind] == list(c.FIELDS[kind]), kind
    assert c.FIELDS["replace"][2:] == c.PLACE_FIELDS
    for kind, signature in (("place", 11), ("amend", 11), ("transfer", 6)):
        assert c.FIELDS["signed_" + kind][signature:] == c.FIELDS[kind]
        assert page["signed_" + kind][:signature] == list(c.FIELDS["signed_" + kind][:signature])
    assert c.FIELDS["signed_withdraw"] == (*c.SIGNATURE_FIELDS, *c.FIELDS["hold"])


def test_page_lists_every_event_with_its_fields() -> None:
    page = rows(section(3))
    assert set(page) == set(events.FIELDS)
    for kind in set(page) - {"asset", "market", "tier"}:
        fields = [field.split(";")[0].strip() for field in page[kind]]
        assert fields == list(events.FIELDS[kind]), kind
    for kind in ("asset", "market", "tier"):
        assert events.FIELDS[kind] == c.FIELDS[kind]


def test_engine_refuses_with_the_codes_of_the_page_and_tests_know_them_all() -> None:
    """Whatever looks like a code in the engine's source is on the page and among those that drives must reach."""
    in_source = set()
    for path in (ROOT / "matching" / "engine").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in PAGE:
                in_source.add(node.value)
    on_page = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", section(4) + section(11)))
    known = on_page - {name for fields in c.FIELDS.values() for name in fields} - set(c.FIELDS)
    assert known >= CODES
    assert in_source >= CODES
    assert {word for word in known & in_source if word not in events.FIELDS} - {"client_id"} == CODES


SIGNATURE = c.order_signature(
    key=(1, 2), leaves=16, id=1, sell_total=1, buy_total=1, valid_until=9, max_fee_bps=1, r_x=1, r_y=2, s=3
)
ONE_OF_EACH: dict[str, list[Any]] = {
    "asset": c.asset(asset=1, code="BTC", scale=8),
    "market": c.market(
        market=1, symbol="BTC-USDT", base=1, quote=2, lot_atoms=1, unit=1, min_lots=1, max_lots=9, min_notional=0,
        band_ppm=1, breaker_ppm=0, breaker_window_us=0, halt_us=0, reopen_us=0, max_orders=1, reference_price=1,
        fees=((0, 0), (1, 2)),
    ),
    "state": c.state(market=1, state="open"),
    "tier": c.tier(account=1, tier=0),
    "deposit": c.deposit(source=1, index=1, account=1, asset=1, amount=1),
    "hold": c.hold(withdrawal=1, account=1, asset=1, amount=1),
    "key": c.key(source=2, index=1, account=1, l2=1, custody=c.SELF_CUSTODY, x=1, y=2),
    "exit": c.exit_all(source=2, index=2, account=1, asset=1),
    "signed_place": c.signed_place(signature=SIGNATURE, account=1, market=1, side=0, price=1, size=1, client_id="k"),
    "signed_amend": c.signed_amend(signature=SIGNATURE, account=1, order=1, price=1),
    "signed_transfer": c.signed_transfer(
        key=(1, 2), nonce=1, r_x=1, r_y=2, s=3, transfer=1, source=1, to=2, asset=1, amount=1
    ),
    "signed_withdraw": c.signed_withdraw(
        key=(1, 2), nonce=1, r_x=1, r_y=2, s=3, withdrawal=1, account=1, asset=1, amount=1, recipient=7
    ),
    "release": c.release(withdrawal=1),
    "complete": c.complete(withdrawal=1),
    "transfer": c.transfer(transfer=1, source=1, to=2, asset=1, amount=1),
    "place": c.place(account=1, market=1, side=0, price=1, size=1, client_id="k"),
    "cancel": c.cancel(account=1, order=1),
    "cancel_all": c.cancel_all(account=1),
    "amend": c.amend(account=1, order=1, price=1),
    "replace": c.replace(target_order=1, account=1, market=1, side=0, price=1, size=1),
    "list": c.order_list(account=1, market=1, kind=c.OCO, legs=[c.leg(side=1, price=1, size=1), c.leg(side=1, stop=1)]),
    "deadman": c.deadman(account=1, timeout_us=1),
    "tick": c.tick(),
    "engine": c.engine(version=1),
}  # fmt: skip


def test_every_constructor_makes_a_command_of_the_right_shape() -> None:
    assert set(ONE_OF_EACH) == set(c.FIELDS)
    for command in ONE_OF_EACH.values():
        c.check_shape(command)
        c.check_shape(tuple(command))


@pytest.mark.parametrize("kind", sorted(ONE_OF_EACH))
def test_a_field_of_another_type_is_malformed(kind: str) -> None:
    command = ONE_OF_EACH[kind]
    for at in range(len(command)):
        for wrong in (None, True, 1.0, b"x", {}, [], "text" if isinstance(command[at], int) else 1):
            if wrong == [] and isinstance(command[at], list):
                continue
            with pytest.raises(c.MalformedCommand):
                c.check_shape([*command[:at], wrong, *command[at + 1 :]])


@pytest.mark.parametrize(
    "command",
    [
        None, 5, "tick", {}, {"kind": "tick"}, [], ["tick"], ["tick", 0, 0], ["nothing", 0], [["tick"], 0],
        ["place", 0], [*ONE_OF_EACH["place"], 0], [*ONE_OF_EACH["market"][:-1], [[1]]],
        [*ONE_OF_EACH["market"][:-1], [[1, 2, 3]]], [*ONE_OF_EACH["market"][:-1], [[1, True]]],
        [*ONE_OF_EACH["market"][:-1], ["12"]], [*ONE_OF_EACH["list"][:5], [[1]], "", 0],
        [*ONE_OF_EACH["list"][:5], [[*ONE_OF_EACH["list"][5][0][:-1], 1]], "", 0], [*ONE_OF_EACH["market"][:-1], 7],
        ["x" * 10_000, 0],
    ],
)  # fmt: skip
def test_what_is_not_a_command_is_malformed(command: Any) -> None:
    with pytest.raises(c.MalformedCommand) as error:
        c.check_shape(command)
    assert len(str(error.value)) < 100, "what comes from outside is not repeated at length"


def test_events_read_by_name() -> None:
    assert events.as_dict(("state", 1, "open", 0, "timer")) == {
        "kind": "state", "market": 1, "state": "open", "until": 0, "reason": "timer",
    }  # fmt: skip
    with pytest.raises(ValueError, match="shorter"):
        events.as_dict(("state", 1, "open", 0))
