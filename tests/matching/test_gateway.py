"""The gateway: batches that form by themselves, bounds, and answers that are never wrong about what happened."""

import asyncio
import json
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from matching import gateway, journal
from matching.channels import reply_key
from matching.engine import commands
from matching.engine.commands import MalformedCommand
from matching.gateway import (
    LATE_S_MAX,
    PENDING_COMMANDS_MAX,
    PENDING_S_MAX,
    Gateway,
    GatewayBusy,
    GatewayError,
    GatewayTimeout,
)  # fmt: skip
from tests.matching.harness import MatcherProcess, eventually, execute
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.process


@pytest.fixture
def own() -> Iterator[Gateway]:
    """A gateway of the test's own."""
    made = Gateway()
    yield made
    made.close()


@pytest.fixture
def never_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """A matcher or a test that is slow for once is no overload."""
    monkeypatch.setattr(gateway, "LATE_S_MAX", PATIENCE_S)


class Answers:
    """Callbacks that remember."""

    def __init__(self) -> None:
        self.outcomes: list[Any] = []

    def __call__(self, outcome: Any) -> None:
        self.outcomes.append(outcome)

    def all_of(self, count: int) -> list[Any]:
        eventually(lambda: len(self.outcomes) >= count, what=f"{count} answers")
        assert len(self.outcomes) == count
        return self.outcomes


def deposit(index: int, source: int = 50) -> list[Any]:
    return commands.deposit(source=source, index=index, account=5, asset=2, amount=1)


def wait_sent(own: Gateway) -> None:
    """Until what was submitted first is on its way, so that the next one waits behind it."""
    eventually(lambda: own._flight_since is not None, what="the first is on its way")


@pytest.mark.usefixtures("never_late")
def test_batches_form_by_themselves_and_keep_the_order(matcher: MatcherProcess, own: Gateway) -> None:
    after = journal.head()
    answers = Answers()
    for index in range(1, 401):
        own.submit_nowait([deposit(index)], answers, timeout_s=PATIENCE_S)
    results = [outcome[0] for outcome in answers.all_of(400)]
    # In the order of submission, gapless, all accepted: a deposit out of order would be refused.
    assert [result.sequence for result in results] == list(range(after + 1, after + 401))
    assert all(result.events[0][0] == "deposit" for result in results)
    batches = journal.read(after=after)
    assert len({batch.session for batch in batches}) == 1
    assert [batch.number for batch in batches] == list(range(1, len(batches) + 1))
    assert len(batches) < 100, "commands gathered while a batch was in flight"


def test_one_callers_commands_stay_together_and_come_back_in_order(matcher: MatcherProcess, own: Gateway) -> None:
    results = own.submit([deposit(index) for index in range(1, 501)], timeout_s=PATIENCE_S)
    assert [result.events[0][2] for result in results] == list(range(1, 501))
    assert {result.time_us for result in results} == {results[0].time_us}
    (batch,) = journal.read(after=results[0].sequence - 1)
    assert (batch.first, batch.last) == (results[0].sequence, results[-1].sequence)


@pytest.mark.usefixtures("never_late")
def test_many_threads_share_a_session(matcher: MatcherProcess, own: Gateway) -> None:
    after = journal.head()
    wrong: list[Any] = []

    def work(source: int) -> None:
        for index in range(1, 21):
            (result,) = own.submit([deposit(index, source)], timeout_s=PATIENCE_S)
            if result.events != [["deposit", source, index, 5, 2, 1]]:
                wrong.append(result)

    threads = [threading.Thread(target=work, args=(source,)) for source in range(100, 120)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert not wrong
    assert journal.head() == after + 400


def test_asyncio_gets_its_answer_by_callback(matcher: MatcherProcess, own: Gateway) -> None:
    async def place() -> Any:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        own.submit_nowait(
            [deposit(1)], lambda outcome: loop.call_soon_threadsafe(future.set_result, outcome), timeout_s=PATIENCE_S
        )
        return await asyncio.wait_for(future, PATIENCE_S)

    ((_, _, events),) = asyncio.run(place())
    assert events == [["deposit", 50, 1, 5, 2, 1]]


@pytest.mark.usefixtures("never_late")
def test_a_stopped_matcher_bounds_what_waits_and_executes_only_what_was_in_flight(
    matcher: MatcherProcess, own: Gateway
) -> None:
    assert execute(commands.tick())
    head = journal.head()
    matcher.process.send_signal(19)  # the supervisor too, or it would start another
    stopped = matcher.stop_signal()
    flight, waiting, late = Answers(), Answers(), Answers()
    own.submit_nowait([deposit(1)], flight, timeout_s=1.5)
    wait_sent(own)
    for index in range(PENDING_COMMANDS_MAX // 500):
        own.submit_nowait([deposit(2 + index * 500 + i) for i in range(500)], waiting, timeout_s=PATIENCE_S)
    assert waiting.outcomes == []
    with pytest.raises(GatewayBusy) as full:
        own.submit([deposit(9_999)])
    assert full.value.code == "overloaded"
    own.submit_nowait([deposit(9_999)], late)
    assert [type(outcome) for outcome in late.outcomes] == [GatewayBusy]
    eventually(lambda: own.oldest_age_s() > 0.05, what="it ages")
    (outcome,) = flight.all_of(1)
    assert isinstance(outcome, GatewayTimeout) and outcome.code == "unknown_outcome"
    assert waiting.outcomes == []
    for group in [*own._pending]:
        group.deadline = 0.0  # as if their time were over
    # Those who waited were never sent: that is sure, so they are told so.
    assert {type(outcome) for outcome in waiting.all_of(4)} == {GatewayBusy}
    with pytest.raises(GatewayBusy):
        own.submit([deposit(2)], timeout_s=0.5)
    assert journal.head() == head
    os.kill(stopped, 18)
    matcher.process.send_signal(18)
    (result,) = eventually(lambda: _try(own, [commands.tick()]), what="service again")
    happened = [event for batch in journal.read(after=head) for events in batch.events for event in events]
    assert [event[:3] for event in happened if event[0] == "deposit"] == [["deposit", 50, 1]]
    assert result.sequence == journal.head()


def _try(own: Gateway, batch: list[Any]) -> Any:
    try:
        return own.submit(batch, timeout_s=2)
    except GatewayError:
        return None


def test_what_has_waited_too_long_for_a_while_keeps_others_out(matcher: MatcherProcess, own: Gateway) -> None:
    assert execute(commands.tick())
    matcher.process.send_signal(19)
    matcher.stop_signal()
    first, second = Answers(), Answers()
    own.submit_nowait([deposit(1)], first, timeout_s=PATIENCE_S)
    wait_sent(own)
    own.submit_nowait([deposit(2)], second, timeout_s=PATIENCE_S)
    time.sleep(PENDING_S_MAX + LATE_S_MAX + 0.1)
    with pytest.raises(GatewayBusy):
        own.submit([deposit(3)])
    assert first.outcomes == second.outcomes == []


@pytest.mark.usefixtures("never_late")
def test_once_late_is_not_overloaded(own: Gateway, redis_client: redis.Redis) -> None:
    """A matcher, or a process that has only just begun, that is late once: who comes meanwhile waits and is served."""
    answers = Answers()
    own.submit_nowait([deposit(1)], answers, timeout_s=PATIENCE_S)
    wait_sent(own)
    own.submit_nowait([deposit(2)], answers, timeout_s=PATIENCE_S)
    # As if the second had waited for too long already, while the first went in time.
    own._pending[0].entered -= PENDING_S_MAX + 0.1
    own.submit_nowait([deposit(3)], answers, timeout_s=PATIENCE_S)
    assert answers.outcomes == []
    play_matcher(own, redis_client, [["once"]])
    play_matcher(own, redis_client, [["twice"]] * 2, after=1)
    assert [outcome[0].events for outcome in answers.all_of(3)] == [[["once"]], [["twice"]], [["twice"]]]


def test_late_again_and_again_is_overloaded_until_one_is_in_time(own: Gateway, redis_client: redis.Redis) -> None:
    answers = Answers()
    own.submit_nowait([deposit(1)], answers, timeout_s=PATIENCE_S)
    wait_sent(own)
    own.submit_nowait([deposit(2)], answers, timeout_s=PATIENCE_S)
    own._pending[0].entered -= PENDING_S_MAX + 0.1
    own._timely_at -= LATE_S_MAX + 0.1
    with pytest.raises(GatewayBusy):
        own.submit([deposit(3)])
    play_matcher(own, redis_client, [["once"]])
    # The one that goes now is late too, but nobody waits behind it: the next is welcome.
    eventually(lambda: not own._pending, what="the second is on its way")
    own.submit_nowait([deposit(3)], answers, timeout_s=PATIENCE_S)
    play_matcher(own, redis_client, [["twice"]], after=1)
    play_matcher(own, redis_client, [["thrice"]], after=2)
    assert len(answers.all_of(3)) == 3


def play_matcher(own: Gateway, client: redis.Redis, events: list[Any], *, after: int = 0) -> None:
    """Answer the batch after so many of this gateway's."""
    eventually(lambda: own._number == after + 1 and own._flight_since is not None, what=f"batch {after + 1} is sent")
    answer = {"number": after + 1, "first": 7, "time": 8, "events": [[event] for event in events]}
    client.rpush(reply_key(own._session), json.dumps(answer))


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"\xff", b"{", b"[]", b"7", b"{}", b'{"number":1}', b'{"number":1,"first":7,"time":8}',
        b'{"number":1,"first":7,"time":8,"events":[]}', b'{"number":1,"first":7,"time":8,"events":[[],[]]}',
        b'{"number":1,"first":7,"time":8,"events":[7]}', b'{"number":1,"first":7,"time":8,"events":{"0":[]}}',
        b'{"number":1,"first":"7","time":8,"events":[[]]}', b'{"number":1,"first":7,"time":null,"events":[[]]}',
    ],
)  # fmt: skip
def test_a_malformed_answer_fails_its_batch_and_no_more(own: Gateway, redis_client: redis.Redis, answer: bytes) -> None:
    failed, answers = Answers(), Answers()
    own.submit_nowait([deposit(1)], failed, timeout_s=PATIENCE_S)
    eventually(lambda: own._number == 1, what="the batch is sent")
    session = own._session
    redis_client.rpush(reply_key(session), answer)
    (outcome,) = failed.all_of(1)
    assert isinstance(outcome, GatewayTimeout) and outcome.code == "unknown_outcome"
    own.submit_nowait([deposit(2)], answers, timeout_s=PATIENCE_S)
    eventually(lambda: own._session != session and own._number == 1, what="a new session")
    play_matcher(own, redis_client, [["well"]])
    assert answers.all_of(1) == [[gateway.Result(7, 8, [["well"]])]]


@pytest.mark.parametrize(
    ("batch", "error"),
    [
        ([], ValueError),
        ([commands.tick()] * 501, ValueError),
        ([commands.engine(version=2)], ValueError),
        ([["boom", 0]], MalformedCommand),
        ([["cancel", 0, 1, 1]], MalformedCommand),
        ([["cancel", 0, 1, 1.0, ""]], MalformedCommand),
        ([["cancel", 0, True, 1, ""]], MalformedCommand),
        ([["cancel", 0, "1", 1, ""]], MalformedCommand),
        ([["cancel", None, 1, 1, ""]], MalformedCommand),
        ([["cancel", 0, 1, 1, "x" * 1_000_000]], ValueError),
        (["cancel"], MalformedCommand),
    ],
    ids=["none", "501", "engine", "kind", "length", "float", "bool", "text", "deadline", "1 MB", "flat"],
)
def test_what_is_no_command_never_leaves_the_process(own: Gateway, batch: list[Any], error: type[Exception]) -> None:
    answers = Answers()
    with pytest.raises(error):
        own.submit(batch)
    with pytest.raises(error):
        own.submit_nowait(batch, answers)
    assert answers.outcomes == []
    assert own.oldest_age_s() == 0


def test_a_malformed_command_takes_the_good_ones_of_its_caller_along(matcher: MatcherProcess, own: Gateway) -> None:
    head = journal.head()
    with pytest.raises(MalformedCommand):
        own.submit([deposit(1), ["boom", 0]])
    (result,) = own.submit([commands.tick()], timeout_s=PATIENCE_S)
    assert result.sequence == head + 1


def test_a_forked_child_gets_a_session_of_its_own(matcher: MatcherProcess) -> None:
    (mine,) = execute(deposit(1))
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            (its,) = gateway.submit([deposit(2)], timeout_s=PATIENCE_S)
            os.write(writer, str(its.sequence).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    sequence = int(os.read(reader, 20))
    (after,) = execute(deposit(3))
    sessions = {batch.session for batch in journal.read(after=mine.sequence - 1)}
    assert (mine.sequence + 1, sequence + 1) == (sequence, after.sequence)
    assert len(sessions) == 2


def test_a_session_that_the_matcher_does_not_know_is_left_for_a_new_one(matcher: MatcherProcess, own: Gateway) -> None:
    own.submit([deposit(1)], timeout_s=PATIENCE_S)
    own._number = 7  # as if the matcher had forgotten it
    head = journal.head()
    with pytest.raises(GatewayBusy) as refused:
        own.submit([deposit(2)], timeout_s=PATIENCE_S)
    assert refused.value.code == "batch_refused"
    assert journal.head() == head
    (result,) = own.submit([deposit(2)], timeout_s=PATIENCE_S)
    assert result.events == [["deposit", 50, 2, 5, 2, 1]]


def test_closing_answers_everybody(matcher: MatcherProcess, own: Gateway) -> None:
    assert execute(commands.tick())
    matcher.process.send_signal(19)
    matcher.stop_signal()
    flight, waiting = Answers(), Answers()
    own.submit_nowait([deposit(1)], flight, timeout_s=PATIENCE_S)
    wait_sent(own)
    own.submit_nowait([deposit(2)], waiting, timeout_s=PATIENCE_S)
    own.close()
    assert [type(outcome) for outcome in waiting.all_of(1)] == [GatewayBusy]
    assert [type(outcome) for outcome in flight.all_of(1)] == [GatewayTimeout]
    with pytest.raises(GatewayBusy):
        own.submit([deposit(3)])
