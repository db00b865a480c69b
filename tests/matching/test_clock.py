"""A leader's clock: compared with PostgreSQL's before it leads and while it does, and never stamped after a jump."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from matching import gateway, journal
from matching.clock import ClockWrong, SteadyClock, certainly_off_us
from matching.engine import commands
from matching.leadership import Leadership
from tests.matching.harness import MatcherProcess, eventually, execute, seed_markets

SECOND_US = 1_000_000


def test_a_slow_answer_is_no_wrong_clock() -> None:
    assert certainly_off_us(before_us=100, there_us=150, after_us=200) == 0
    assert certainly_off_us(before_us=100, there_us=70, after_us=200) == 30, "it was at least 30 ahead when asked"
    assert certainly_off_us(before_us=100, there_us=260, after_us=200) == -60, "and 60 behind when answered"


class Hands:
    """A wall clock and a monotonic clock that a test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall_us, self.steady_us = 1_800_000_000 * SECOND_US, 5 * SECOND_US
        monkeypatch.setattr("matching.clock.time_ns", lambda: self.wall_us * 1000)
        monkeypatch.setattr("matching.clock.monotonic_ns", lambda: self.steady_us * 1000)

    def pass_time(self, us: int, *, wall_us: int | None = None) -> None:
        self.steady_us += us
        self.wall_us += us if wall_us is None else wall_us


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    return Hands(monkeypatch)


def test_time_that_passes_is_given(hands: Hands) -> None:
    clock = SteadyClock(off_us_max=SECOND_US)
    clock.agree()
    hands.pass_time(3600 * SECOND_US, wall_us=3601 * SECOND_US)
    assert clock.now_us() == hands.wall_us, "a second off is not too much"


@pytest.mark.parametrize(("jump_s", "says"), [(2, "2.0 s ahead"), (-2, "2.0 s back")])
def test_after_a_jump_there_is_no_time(hands: Hands, jump_s: int, says: str) -> None:
    clock = SteadyClock(off_us_max=SECOND_US)
    clock.agree()
    hands.pass_time(SECOND_US, wall_us=SECOND_US + jump_s * SECOND_US)
    with pytest.raises(ClockWrong, match=says):
        clock.now_us()
    clock.agree()
    assert clock.now_us() == hands.wall_us


def test_small_corrections_add_up_to_no_jump(hands: Hands) -> None:
    clock = SteadyClock(off_us_max=SECOND_US)
    for _ in range(5):
        clock.agree()
        hands.pass_time(SECOND_US, wall_us=SECOND_US * 3 // 2)
        assert clock.now_us() == hands.wall_us


@pytest.mark.parametrize(("off_s", "says"), [(3600, "ahead of PostgreSQL's"), (-3600, "behind PostgreSQL's")])
def test_no_promotion_with_a_clock_that_is_not_postgresqls(
    database_url: str, monkeypatch: pytest.MonkeyPatch, off_s: int, says: str
) -> None:
    monkeypatch.setattr("matching.clock.time_ns", lambda: time.time_ns() + off_s * 1_000_000_000)
    leadership = Leadership(database_url)
    try:
        with pytest.raises(ClockWrong, match=says):
            leadership.check_clock()
    finally:
        leadership.close()


@pytest.fixture
def shifted(bare_matcher: MatcherProcess, tmp_path: Path) -> tuple[MatcherProcess, Callable[[int], None]]:
    """The matcher, to be started again with a clock of its own; and what shifts that clock."""
    seed_markets()
    file = tmp_path / "shift"
    bare_matcher.environment |= {
        "PYTHONPATH": str(Path(__file__).parent / "shifted_clock"), "SHIFT_FILE": str(file)
    }  # fmt: skip

    def shift(seconds: int) -> None:
        draft = tmp_path / "shift.new"
        draft.write_text(str(seconds))
        draft.rename(file)

    return bare_matcher, shift


@pytest.mark.process
@pytest.mark.parametrize("off_s", [7200, -7200])
def test_a_matcher_with_a_wrong_clock_waits_until_it_is_right(
    shifted: tuple[MatcherProcess, Callable[[int], None]], off_s: int
) -> None:
    matcher, shift = shifted
    head = journal.head()
    matcher.kill()
    shift(off_s)
    matcher.start()
    eventually(lambda: "refusing to lead" in matcher.output(), what="it refuses")
    assert not matcher.leads()
    assert journal.head() == head
    shift(0)
    matcher.wait_leading()
    (result,) = execute(commands.tick())
    assert abs(result.time_us - time.time_ns() // 1000) < 60 * SECOND_US


@pytest.mark.process
def test_a_leader_whose_clock_jumps_ahead_journals_nothing_of_it(
    shifted: tuple[MatcherProcess, Callable[[int], None]],
) -> None:
    matcher, shift = shifted
    matcher.kill()
    matcher.start().wait_leading()
    (before,) = execute(commands.tick())
    shift(7200)
    eventually(lambda: "ClockWrong" in matcher.output() or "not right" in matcher.output(), what="it notices")
    with pytest.raises(gateway.GatewayError):
        gateway.submit([commands.tick()], timeout_s=2)
    eventually(lambda: "refusing to lead" in matcher.output(), what="nor does the next child lead")
    assert journal.head() == before.sequence
    shift(0)
    matcher.wait_leading()
    (after,) = execute(commands.tick())
    assert before.time_us < after.time_us < time.time_ns() // 1000 + 60 * SECOND_US
