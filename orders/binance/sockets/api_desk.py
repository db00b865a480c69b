"""What one socket of /ws-api/v3 has under way.

Orders go to the matcher in the client's order and nobody waits for it: those that have come meanwhile are prepared
together, pass the gate in one round trip to Redis, and are answered when the matcher did. What needs the database,
which Django tells by refusing a query on an event loop's thread, is done again in a thread. The steps of other writes
run in threads, and between them, while the matcher is asked, no thread is held. Reads, in threads of their own and few
of a socket at a time, are answered as they get ready. Who asks is found out once, when a request comes.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import SynchronousOnlyOperation

from accounts import gate as gates
from accounts.binance import endpoint, errors
from accounts.binance.endpoint import Call
from accounts.binance.errors import Refusal, refusal_of, refuse
from accounts.gate import Question
from accounts.limits import limit_of
from accounts.outcome import told_after
from accounts.problems import Problem
from matching import gateway
from matching.engine.commands import Command
from matching.gateway import GatewayError, Outcome, Result
from orders.binance.sockets.admission import Answer, gate_here
from orders.binance.sockets.api_request import ApiRequest
from orders.binance.steps import Flow
from orders.sockets.limits import IN_FLIGHT_COMMANDS_MAX

if TYPE_CHECKING:
    from orders.sockets.server import Server

log = logging.getLogger(__name__)

TOGETHER_MAX: Final = 100
READS_MAX: Final = 2


@dataclass(slots=True)
class Prepared:
    """A command to send, what to ask the gate about it, and how to make the answer of its result."""

    command: Command
    question: Question
    interpret: Callable[[Result], Any]


@dataclass(slots=True)
class Work:
    """One request on its way. `limits` is filled on it; `action` is what errors are told by.

    `makes_command`: `prepare` gives a Prepared. `in_line`: it must not overtake those before it, and `prepare` gives a
    Prepared or a Flow. `call` is None until it is known who asks.
    """

    request: ApiRequest
    identify: Callable[["Work"], Call] = lambda work: Call({})
    prepare: Callable[["Work", Call], Any] = lambda work, call: None
    call: Call | None = None
    limits: list[dict[str, Any]] = field(default_factory=list)
    action: str = ""
    is_signed: bool = False
    in_line: bool = False
    makes_command: bool = False


class ApiDesk:
    """At most IN_FLIGHT_COMMANDS_MAX requests; `answer(work, result)` and `refuse(work, refusal)` send frames."""

    def __init__(
        self, server: "Server", *, answer: Callable[[Work, Any], None], refuse: Callable[[Work, Refusal], None]
    ) -> None:  # fmt: skip
        self._server = server
        self._answer, self._refuse = answer, refuse
        self._line: deque[Work] = deque()
        self._is_busy = False
        self._in_flight = 0
        self._reads = asyncio.Semaphore(READS_MAX)
        self._is_gone = False

    def close(self) -> None:
        """The client has gone: reads that have not begun are not done any more."""
        self._is_gone = True

    def take(self, work: Work) -> None:
        """Begin a request; returns at once. Raises Refusal when too many are under way, or for who asks what."""
        if self._in_flight >= IN_FLIGHT_COMMANDS_MAX:
            raise refuse(errors.OF_PROBLEM["too_many_in_flight"])
        with suppress(SynchronousOnlyOperation):
            work.call = work.identify(work)
        self._in_flight += 1
        if not work.in_line:
            self._server.hub.spawn(self._read(work))
            return
        self._line.append(work)
        if not self._is_busy:
            self._is_busy = True
            self._server.hub.spawn(self._work_off())

    async def _work_off(self) -> None:
        try:
            while self._line:
                if self._line[0].makes_command:
                    await self._send_together(self._commands_in_front())
                else:
                    await self._step(self._line.popleft())
        finally:
            self._is_busy = False

    def _commands_in_front(self) -> list[Work]:
        front: list[Work] = []
        while self._line and self._line[0].makes_command and len(front) < TOGETHER_MAX:
            front.append(self._line.popleft())
        return front

    async def _send_together(self, works: list[Work]) -> None:
        ready: list[tuple[Work, Prepared]] = []
        for work in works:
            try:
                ready.append((work, await self._prepared(work)))
            except Exception as error:
                self._end(work, error)
        if not ready:
            return
        try:
            answers = await gate_here().ask([prepared.question for _, prepared in ready])
        except Exception as error:
            for work, _ in ready:
                self._end(work, error)
            return
        for (work, prepared), answer in zip(ready, answers, strict=True):
            try:
                _admit(work, prepared.question, answer)
                self._submit(work, prepared)
            except Exception as error:
                self._end(work, error)

    async def _prepared(self, work: Work) -> Prepared:
        try:
            prepared: Prepared = _prepare(work)
        except SynchronousOnlyOperation:
            prepared = await self._server.in_thread(lambda: _prepare(work))
        return prepared

    async def _step(self, work: Work) -> None:
        """All steps of a write, one after the other, before the next in line begins."""
        action, in_thread = work.action, self._server.in_thread
        landed: Outcome | None = None
        try:
            flow: Flow = await in_thread(lambda: _told(lambda: _prepare(work), action))
            while not await in_thread(partial(_told, partial(flow.advance, landed), action)):
                landed = await self._landed(flow.commands)
        except Exception as error:
            self._end(work, error)
        else:
            self._end(work, flow.result)

    async def _landed(self, commands: Sequence[Command]) -> Outcome:
        """What the matcher answers, or why it did not."""
        landing: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        post = self._server.replies.post
        gateway.submit_nowait(commands, lambda outcome: post(landing.set_result, outcome))
        return await landing

    def _submit(self, work: Work, prepared: Prepared) -> None:
        post = self._server.replies.post

        def landed(outcome: Outcome) -> None:
            if isinstance(outcome, GatewayError):
                self._end(work, refuse(errors.kind_of(outcome.code, work.action)))
            else:
                self._interpret(work, prepared, outcome)

        # The callback comes in the gateway's thread; `post` brings it here.
        gateway.submit_nowait([prepared.command], lambda outcome: post(landed, outcome))

    def _interpret(self, work: Work, prepared: Prepared, results: Sequence[Result]) -> None:
        try:
            self._end(work, prepared.interpret(results[0]))
        except SynchronousOnlyOperation:
            self._server.hub.spawn(self._interpret_in_thread(work, lambda: prepared.interpret(results[0])))
        except Exception as error:
            self._end(work, _unknown(error))

    async def _read(self, work: Work) -> None:
        action = work.action
        async with self._reads:
            if self._is_gone:
                self._in_flight -= 1
                return
            try:
                self._end(work, await self._server.in_reader(lambda: _told(lambda: _prepare(work), action)))
            except Exception as error:
                self._end(work, error)

    async def _interpret_in_thread(self, work: Work, interpret: Callable[[], Any]) -> None:
        try:
            self._end(work, await self._server.in_thread(interpret))
        except Exception as error:
            self._end(work, _unknown(error))

    def _end(self, work: Work, result: Any) -> None:
        self._in_flight -= 1
        if isinstance(result, BaseException):
            self._refuse(work, refusal_of(result, work.action))
        else:
            self._answer(work, result)


def _prepare(work: Work) -> Any:
    call = work.call or work.identify(work)
    return work.prepare(work, call)


def _told(run: Callable[[], Any], action: str) -> Any:
    # Only in the thread is it known whether the matcher had answered when it went wrong.
    try:
        return run()
    except Refusal:
        raise
    except Exception as error:
        raise refusal_of(error, action) from error


def _admit(work: Work, question: Question, answer: Answer) -> None:
    """Let a command pass, its counts into the answer. Raises Refusal, Problem, redis.RedisError."""
    if isinstance(answer, Exception):
        raise answer
    try:
        allowance = gates.judge(question, answer)
    except Problem as problem:
        raise endpoint.told_by_gate(problem, question.caller) from None
    tell_orders(work, question.caller.tier, allowance.placed_in_window, allowance.placed_today)


def tell_orders(work: Work, tier: str, recently: int, today: int) -> None:
    """How many orders the account has placed, into the answer's limits."""
    window, day = limit_of(tier, "orders"), limit_of(tier, "orders_today")
    for interval, number, limit, count in (
        ("SECOND", window.window_s, window.units, recently), ("DAY", 1, day.units, today)
    ):  # fmt: skip
        work.limits.append(
            {"rateLimitType": "ORDERS", "interval": interval, "intervalNum": number, "limit": limit, "count": count}
        )


def _unknown(error: Exception) -> Exception:
    """Of a command that was executed nothing may say that it was not."""
    if isinstance(error, Problem):
        return told_after(error)
    if isinstance(error, Refusal):
        return error
    log.error("a result could not be read", exc_info=error)
    return Problem("unknown_outcome")
