"""A socket of /ws-api/v3: requests about markets, orders and the account, and the account's events."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from accounts.auth import Caller
from accounts.binance import auth, errors, params, weights
from accounts.binance.endpoint import PERMISSIONS
from accounts.binance.errors import Refusal, refusal_of, refuse
from accounts.keys import KnownKey
from accounts.problems import Problem
from accounts.services import READ
from orders.binance.sockets import api_methods, api_request
from orders.binance.sockets.api_desk import ApiDesk, Work
from orders.binance.sockets.api_methods import Session
from orders.binance.sockets.api_request import Id, Unreadable
from orders.binance.sockets.stream import now_ms
from orders.binance.sockets.user_stream import UserStream
from orders.sockets.limits import CLOSE_NONSENSE, NONSENSE_MAX
from orders.sockets.outbox import Outbox
from orders.sockets.server import Server

log = logging.getLogger(__name__)

SESSION_WEIGHT: Final = 2
USER_STREAMS_MAX: Final = 10
QUIET_MS: Final = 10_000


class ApiSocket:
    """State of one socket: the key it has logged on with, the accounts whose events it hears."""

    def __init__(self, server: Server, outbox: Outbox, *, ip: str) -> None:
        self._server = server
        self.outbox = outbox
        self._ip = ip
        self._connected_ms = now_ms()
        self._known: KnownKey | None = None
        self._authorized_ms = 0
        self._desk = ApiDesk(server, answer=self._answer, refuse=self._refuse)
        self._streams: dict[int, UserStream] = {}
        self._next_stream = 0
        self._nonsense = 0
        self._answered_ms = 0
        # Clients that sign each request have no session.
        self._has_signed = False
        self._session_methods: dict[str, Callable[[Work], Any]] = {
            "session.logon": self._log_on,
            "session.status": self._status,
            "session.logout": self._log_out,
            "session.subscriptions": self._subscriptions,
            "userDataStream.subscribe": self._subscribe,
            "userDataStream.subscribe.signature": self._subscribe_signed,
            "userDataStream.unsubscribe": self._unsubscribe,
        }

    @property
    def is_idle(self) -> bool:
        """Whether nobody has said who they are, and nothing was asked for a while."""
        is_somebody = self._known is not None or self._streams or self._has_signed
        return not is_somebody and now_ms() - self._answered_ms > QUIET_MS

    def callers(self) -> list[tuple[Caller, str]]:
        """Those the socket speaks for without being asked again."""
        callers = [(stream.caller, "") for stream in self._streams.values()]
        if self._known is not None:
            callers.append((auth.session_caller(self._known, 0), ""))
        return callers

    def leave(self) -> None:
        """The socket is over. Orders under way are executed all the same."""
        for stream in self._streams.values():
            stream.close(self._server.hub)
        self._streams.clear()

    async def read(self, receive: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        """Take requests until the client goes."""
        while True:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                self._desk.close()
                return
            if not self.outbox.is_closing:
                self._take(event.get("text"))

    def _take(self, text: str | None) -> None:
        try:
            request = api_request.read_request(text)
        except Unreadable as unreadable:
            self._complain(unreadable)
            return
        self._nonsense = 0
        work = Work(request)
        try:
            self._begin(work)
        except Exception as error:
            self._refuse(work, refusal_of(error, work.action))

    def _begin(self, work: Work) -> None:
        method = work.request.method
        session_method = self._session_methods.get(method)
        if session_method is not None:
            self._count(work, SESSION_WEIGHT)
            result = session_method(work)
            if result is not None:
                self._answer(work, result)
            return
        served = api_methods.endpoint_of(method)
        work.action, work.is_signed = served.action, served.access in PERMISSIONS
        weight = served.weight if isinstance(served.weight, int) else served.weight(work.request.values)
        self._count(work, weight)
        work.identify = api_methods.identification(served, Session(self._known, self._ip))
        work.prepare = api_methods.preparation(method, served)
        work.in_line, work.makes_command = method in api_methods.IN_LINE, method in api_methods.COMMANDS
        self._desk.take(work)

    def _count(self, work: Work, weight: int) -> None:
        used = weights.take(self._ip, weight)
        work.limits.append(
            {
                "rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": weights.limit(),
                "count": used,
            }
        )  # fmt: skip

    def _complain(self, unreadable: Unreadable) -> None:
        self._send_refusal(unreadable.id, unreadable.refusal, None)
        self._nonsense += 1
        if self._nonsense >= NONSENSE_MAX:
            self.outbox.close(CLOSE_NONSENSE, "too many unreadable frames")

    # --- answers

    def _answer(self, work: Work, result: Any) -> None:
        self._answered_ms = now_ms()
        self._has_signed = self._has_signed or work.is_signed
        limits = work.limits if work.request.wants_limits else None
        self.outbox.push(api_request.answer(work.request.id, result, limits))

    def _refuse(self, work: Work, refused: Refusal) -> None:
        limits = work.limits if work.request.wants_limits else None
        self._send_refusal(work.request.id, refused, limits)

    def _send_refusal(self, id: Id, refused: Refusal, limits: list[dict[str, Any]] | None) -> None:
        if "Retry-After" in refused.headers and refused.data is None:
            time_ms = now_ms()
            refused.data = {"serverTime": time_ms, "retryAfter": time_ms + int(refused.headers["Retry-After"]) * 1_000}
        self.outbox.push(api_request.refusal(id, refused, limits))

    # --- the session

    def _log_on(self, work: Work) -> None:
        def prepare(work: Work) -> KnownKey:
            return api_methods.log_on(work.request.values, Session(None, self._ip))

        def done(known: KnownKey) -> None:
            self._known, self._authorized_ms = known, now_ms()
            self._answer(work, self._session())

        self._in_thread(work, prepare, done)

    def _status(self, work: Work) -> dict[str, Any]:
        params.read(api_methods.own(work.request.values), {})
        return self._session()

    def _log_out(self, work: Work) -> dict[str, Any]:
        params.read(api_methods.own(work.request.values), {})
        key, self._known, self._authorized_ms = self._known, None, 0
        # What was subscribed to by this key alone goes with it.
        for stream in list(self._streams.values()):
            if key is not None and stream.caller.key == key.key and not stream.is_signed:
                stream.end()
        return self._session()

    def _session(self) -> dict[str, Any]:
        return {
            "apiKey": self._known.key if self._known is not None else None,
            "authorizedSince": self._authorized_ms or None,
            "connectedSince": self._connected_ms,
            "returnRateLimits": True,
            "serverTime": now_ms(),
            "userDataStream": bool(self._streams),
        }

    def _in_thread(self, work: Work, prepare: Callable[[Work], Any], done: Callable[[Any], None]) -> None:
        async def run() -> None:
            try:
                result = await self._server.in_thread(lambda: prepare(work))
            except Exception as error:
                self._refuse(work, refusal_of(error))
            else:
                if not self.outbox.is_closing:
                    done(result)

        self._server.hub.spawn(run())

    # --- events

    def _subscriptions(self, work: Work) -> list[dict[str, int]]:
        params.read(api_methods.own(work.request.values), {})
        return [{"subscriptionId": id} for id in self._streams]

    def _subscribe(self, work: Work) -> None:
        params.read(api_methods.own(work.request.values), {})
        if self._known is None:
            raise refuse(errors.BAD_KEY_FORMAT)
        if any(not stream.is_signed for stream in self._streams.values()):
            raise Refusal(-1000, "User data stream is subscribed already.")
        caller = auth.session_caller(self._known, now_ms() * 1_000)
        self._open(work, caller, is_signed=False)

    def _subscribe_signed(self, work: Work) -> None:
        def prepare(work: Work) -> Caller:
            params.read(api_methods.own(work.request.values), {})
            return api_methods.caller_of(work.request.values, Session(None, self._ip))

        self._in_thread(work, prepare, lambda caller: self._open(work, caller, is_signed=True))

    def _open(self, work: Work, caller: Caller, *, is_signed: bool) -> None:
        try:
            auth.require(caller, READ)
            if len(self._streams) >= USER_STREAMS_MAX:
                raise Problem("too_many_subscriptions")
        except (Problem, Refusal) as error:
            self._refuse(work, refusal_of(error))
            return
        id, self._next_stream = self._next_stream, self._next_stream + 1
        stream = self._streams[id] = UserStream(
            id, caller, self.outbox.push_all, is_signed=is_signed,
            on_begin=lambda: self._answer(work, {"subscriptionId": id}), on_end=lambda: self._close(id),
        )  # fmt: skip
        stream.open(self._server.hub)

    def _close(self, id: int) -> None:
        stream = self._streams.pop(id, None)
        if stream is not None:
            stream.close(self._server.hub)

    def _unsubscribe(self, work: Work) -> dict[str, Any]:
        found = params.read(api_methods.own(work.request.values), {"subscriptionId": params.integer()})
        if "subscriptionId" not in found:
            wanted = list(self._streams)
        elif found["subscriptionId"] in self._streams:
            wanted = [found["subscriptionId"]]
        else:
            raise params.invalid("subscriptionId")
        for id in wanted:
            self._close(id)
        return {}
