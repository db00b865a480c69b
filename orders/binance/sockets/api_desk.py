"""What one socket of /ws-api/v3 has under way.

Orders go to the matcher in the client's order and nobody waits for it: they are prepared one after the other, and
answered when the matcher did. Everything else is answered as it gets ready. Both may need the database, so both are
prepared in a thread.
"""

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from accounts.binance import errors
from accounts.binance.errors import Refusal, refusal_of, refuse
from accounts.problems import Problem
from matching import gateway
from matching.engine.commands import Command
from matching.gateway import GatewayError, Outcome, Result
from orders.binance.sockets.api_request import ApiRequest
from orders.sockets.limits import IN_FLIGHT_COMMANDS_MAX

if TYPE_CHECKING:
    from orders.sockets.server import Server

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Prepared:
    """A command to send, and how to make the answer of its result."""

    command: Command
    interpret: Callable[[Result], Any]


@dataclass(slots=True)
class Work:
    """One request on its way. `limits` is filled while it is prepared; `action` is what errors are told by."""

    request: ApiRequest
    prepare: Callable[["Work"], Any]
    limits: list[dict[str, Any]]
    action: str = ""
    is_signed: bool = False


class ApiDesk:
    """At most IN_FLIGHT_COMMANDS_MAX requests; `answer(work, result)` and `refuse(work, refusal)` send frames."""

    def __init__(
        self, server: "Server", *, answer: Callable[[Work, Any], None], refuse: Callable[[Work, Refusal], None]
    ) -> None:  # fmt: skip
        self._server = server
        self._answer, self._refuse = answer, refuse
        self._line: deque[Work] = deque()
        self._is_preparing = False
        self._in_flight = 0

    def take(self, work: Work, *, in_line: bool) -> None:
        """Begin a request; returns at once. Raises Refusal when too many are under way."""
        if self._in_flight >= IN_FLIGHT_COMMANDS_MAX:
            raise refuse(errors.OF_PROBLEM["too_many_in_flight"])
        self._in_flight += 1
        if in_line:
            self._line.append(work)
            self._pump()
        else:
            self._server.hub.spawn(self._run(work, lambda: work.prepare(work)))

    def _pump(self) -> None:
        if self._line and not self._is_preparing:
            self._is_preparing = True
            self._server.hub.spawn(self._prepare(self._line.popleft()))

    async def _prepare(self, work: Work) -> None:
        try:
            prepared = await self._in_thread(lambda: work.prepare(work))
        except Exception as error:
            self._end(work, error)
        else:
            if isinstance(prepared, Prepared):
                self._submit(work, prepared)
            else:
                self._end(work, prepared)
        finally:
            self._is_preparing = False
            self._pump()

    def _submit(self, work: Work, prepared: Prepared) -> None:
        post = self._server.replies.post

        def landed(outcome: Outcome) -> None:
            if isinstance(outcome, GatewayError):
                self._end(work, refuse(errors.kind_of(outcome.code, work.action)))
            else:
                result: Sequence[Result] = outcome
                self._server.hub.spawn(self._run(work, lambda: prepared.interpret(result[0]), executed=True))

        # The callback comes in the gateway's thread; `post` brings it here.
        gateway.submit_nowait([prepared.command], lambda outcome: post(landed, outcome))

    async def _run(self, work: Work, run: Callable[[], Any], *, executed: bool = False) -> None:
        try:
            self._end(work, await self._in_thread(run))
        except Exception as error:
            self._end(work, _unknown(error) if executed else error)

    def _in_thread(self, run: Callable[[], Any]) -> Awaitable[Any]:
        return self._server.in_thread(run)

    def _end(self, work: Work, result: Any) -> None:
        self._in_flight -= 1
        if isinstance(result, BaseException):
            self._refuse(work, refusal_of(result, work.action))
        else:
            self._answer(work, result)


def _unknown(error: Exception) -> Exception:
    """Of a command that was executed nothing may say that it was not."""
    if isinstance(error, (Refusal, Problem)):
        return error
    log.error("a result could not be read", exc_info=error)
    return Problem("unknown_outcome")
