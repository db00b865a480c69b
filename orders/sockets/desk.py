"""Order entry of one socket: takes requests in their order, keeps that order, and answers when the matcher did."""

import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from django.core.exceptions import SynchronousOnlyOperation

from accounts import limits as rate_limits
from accounts.auth import Caller
from accounts.outcome import told_after
from accounts.problems import Problem
from accounts.services import TRADE
from matching import gateway
from matching.gateway import GatewayError, Outcome
from orders import requests
from orders.sockets import frames
from orders.sockets.entry import Prepare, Prepared
from orders.sockets.frames import Request
from orders.sockets.limits import DEADLINE_US, IN_FLIGHT_COMMANDS_MAX

if TYPE_CHECKING:
    from orders.sockets.server import Server

log = logging.getLogger(__name__)

MEMBERS = frozenset({"params", "deadline"})
DEADLINE_MS_MAX = 2**53


class Desk:
    """Commands under way of one socket, at most IN_FLIGHT_COMMANDS_MAX; `reply` sends a frame.

    What a request asks for is counted before any work is done for it, whatever becomes of it.
    What needs the database runs in a thread. Django says so itself, by refusing a query on an event loop's thread;
    requests that come meanwhile wait behind, so the matcher gets them in the client's order.
    """

    def __init__(self, server: "Server", caller: Caller, reply: Callable[[str], None]) -> None:
        self._server = server
        self._caller = caller
        self._reply = reply
        self._queue: deque[tuple[Request, Prepare, int, int]] = deque()
        self._is_in_thread = False
        self._in_flight = 0

    def take(self, request: Request, prepare: Prepare) -> None:
        """Begin one request; returns at once. Raises Problem if it is not begun."""
        self._caller.require(TRADE)
        frames.check_members(request, MEMBERS)
        deadline_us = self._deadline_us(request)
        units = requests.units(request.message.get("params"))
        caller = self._caller
        rate_limits.take(f"socket orders {caller.account_id}", rate_limits.limit_of(caller.tier, "orders"), units)
        if self._in_flight + units > IN_FLIGHT_COMMANDS_MAX:
            raise Problem("too_many_in_flight")
        self._in_flight += units
        self._queue.append((request, prepare, deadline_us, units))
        self._pump()

    @staticmethod
    def _deadline_us(request: Request) -> int:
        deadline_ms = request.message.get("deadline")
        if deadline_ms is None:
            return time.time_ns() // 1_000 + DEADLINE_US
        if type(deadline_ms) is not int or not 1 <= deadline_ms < DEADLINE_MS_MAX:
            raise Problem("invalid_request", "deadline is a time in milliseconds")
        return deadline_ms * 1_000

    def _pump(self) -> None:
        while self._queue and not self._is_in_thread:
            request, prepare, deadline_us, units = self._queue.popleft()

            def work(
                request: Request = request, prepare: Prepare = prepare, deadline_us: int = deadline_us
            ) -> Prepared:
                return prepare(request.message.get("params"), self._caller.account_id, deadline_us)

            try:
                self._submit(request, work(), units)
            except SynchronousOnlyOperation:
                self._is_in_thread = True
                self._server.hub.spawn(self._prepare_in_thread(request, self._server.in_thread(work), units))
            except Problem as problem:
                self._drop(request, problem, units)
            except Exception:
                log.exception("an order could not be prepared")
                self._drop(request, Problem("internal_error"), units)

    async def _prepare_in_thread(self, request: Request, work: Awaitable[Prepared], units: int) -> None:
        try:
            self._submit(request, await work, units)
        except Problem as problem:
            self._drop(request, problem, units)
        except Exception:
            log.exception("an order could not be prepared")
            self._drop(request, Problem("unavailable"), units)
        finally:
            self._is_in_thread = False
            self._pump()

    def _drop(self, request: Request, problem: Problem, units: int) -> None:
        self._in_flight -= units
        self._refuse(request, problem)

    def _submit(self, request: Request, prepared: Prepared, units: int) -> None:
        if not prepared.commands:
            self._in_flight -= units
            self._answer(request, prepared, [])
            return
        post = self._server.replies.post

        def landed(outcome: Outcome) -> None:
            self._in_flight -= units
            self._answer(request, prepared, outcome)

        # The callback comes in the gateway's thread; `post` brings it here.
        gateway.submit_nowait(prepared.commands, lambda outcome: post(landed, outcome))

    def _answer(self, request: Request, prepared: Prepared, outcome: Outcome) -> None:
        if isinstance(outcome, GatewayError):
            self._refuse(request, Problem(outcome.code))
            return
        try:
            self._reply(frames.ok(request, prepared.interpret(outcome)))
        except SynchronousOnlyOperation:
            results = outcome
            work = self._server.in_thread(lambda: prepared.interpret(results))
            self._server.hub.spawn(self._answer_from_thread(request, work))
        except Problem as problem:
            self._refuse(request, told_after(problem))
        except Exception:
            log.exception("a result could not be read")
            self._refuse(request, Problem("unknown_outcome"))

    async def _answer_from_thread(self, request: Request, work: Awaitable[dict[str, Any]]) -> None:
        try:
            self._reply(frames.ok(request, await work))
        except Problem as problem:
            self._refuse(request, told_after(problem))
        except Exception:
            log.exception("a result could not be read")
            self._refuse(request, Problem("unknown_outcome"))

    def _refuse(self, request: Request, problem: Problem) -> None:
        self._reply(frames.refused(request.id, request.op, problem))
