"""The scenario language itself: its errors help, and a scenario that is wrong fails."""

import pytest

from tests.engine.dsl import ScenarioError, parse
from tests.engine.dsl_engine import EngineDriver
from tests.engine.dsl_run import ScenarioFailure, run
from tests.engine.reference import ReferenceEngine

OPENING = "scenario: a test\n  given alice has 10 BTC and bob has 1000 USDT\n  alice sells 1 @ 100 as ask\n"


def run_text(text: str) -> None:
    for scenario in parse(text, "test"):
        run(scenario, EngineDriver(ReferenceEngine()))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("alice slels 1 @ 100", "test:4: can't read 'alice slels 1 @ 100'"),
        ("alice cancels the ask", "alice cancels bid"),
        ("alice buys 1 @ 100 gtx", "any of gtc, ioc, fok, gtd 10s"),
        ("alice buys -1 @ 100", "can't read the order 'buys -1 @ 100'"),
        ("-> ask is finished", "can't read 'ask is finished'"),
        ("balance alice 9 BTC", "balance alice: 9 BTC, 100 USDT \\+ 50 held"),
    ],
)
def test_unreadable_line_is_named_with_what_would_be_understood(line: str, message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        parse(OPENING + "  " + line, "test")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("balance alice: lots", "can't read 'lots'; it is"),
        ("book: many | none", "can't read the level 'many'"),
        ("market: magic 5%", "unknown rule 'magic 5%'; rules are fees"),
        ("market: breaker 5%", "instead of `5% in 10s`"),
        ("alice amends ask to nothing", "can't read the change 'nothing'"),
        ("given carol has everything", "it is `alice has 10 BTC, 500 USDT`"),
    ],
)
def test_unreadable_part_is_named_when_its_step_runs(line: str, message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        run_text(OPENING + f"  {line}\n  book: none | 1 @ 100")


def test_steps_need_a_scenario_and_expectations_an_action() -> None:
    with pytest.raises(ScenarioError, match="before the first `scenario: title`"):
        parse("alice sells 1 @ 100", "test")
    with pytest.raises(ScenarioError, match="must follow an action"):
        parse("scenario: x\n  book: none | none\n  -> nothing", "test")
    with pytest.raises(ScenarioError, match="expects nothing"):
        parse(OPENING, "test")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("book: none | 2 @ 100", "found: none | 1.000 @ 100.00"),
        ("balance alice: 9 BTC", "found: 9.00000000 BTC \\+ 1.00000000 held"),
        ("the market is halted", "found: open"),
        ("bob buys 1 @ 100\n -> trade 1 @ 101 maker alice taker bob\n -> bob's order is done filled", "happened:"),
        ("bob buys 1 @ 100\n -> trade 1 @ 100 maker alice taker bob", "expected:"),
        ("bob buys 1 @ 100\n -> nothing", "expected:\n    nothing"),
        ("bob buys 100 @ 100\n the market is open", "expected to be accepted, but:\n    rejected: reason insufficient"),
    ],
)
def test_scenario_that_is_wrong_fails(lines: str, message: str) -> None:
    with pytest.raises(ScenarioFailure, match=message):
        run_text(OPENING + lines)


def test_engine_only_is_of_the_file_or_of_one_scenario() -> None:
    whole = parse("engine-only: because\nscenario: x\n  book: none | none", "test")
    one = parse("scenario: x\n  engine-only: of this\n  book: none | none\nscenario: y\n  book: none | none", "test")
    assert [s.engine_only for s in whole + one] == ["because", "of this", ""]
