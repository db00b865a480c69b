"""One socket: reads requests, never waits for their answers, and sends what its channels bring."""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from accounts import limits as rate_limits
from accounts.auth import Caller
from accounts.problems import Problem
from accounts.services import READ
from orders.marketdata import names
from orders.marketdata.candles import INTERVALS_MS
from orders.sockets import frames, identity
from orders.sockets.desk import Desk
from orders.sockets.entry import OPS
from orders.sockets.frames import Request, Unreadable
from orders.sockets.hub import ALL_TICKERS, TICKER_PREFIX
from orders.sockets.limits import CLOSE_NONSENSE, NONSENSE_MAX, REQUESTS_BURST, REQUESTS_PER_S, SUBSCRIPTIONS_MAX
from orders.sockets.outbox import Outbox
from orders.sockets.pace import Pace
from orders.sockets.topics import Subscription

if TYPE_CHECKING:
    from orders.sockets.server import Server

log = logging.getLogger(__name__)

PRIVATE_FRAMES = {"orders": 0, "fills": 1, "balances": 2, "lists": 3}
Receive = Callable[[], Awaitable[dict[str, Any]]]


class Connection:
    """State of one socket. `session_key` is set for a browser of an allowed origin, `ip` is the client's address."""

    def __init__(self, server: "Server", outbox: Outbox, *, ip: str, session_key: str) -> None:
        self._server = server
        self._hub = server.hub
        self.outbox = outbox
        self._ip = ip
        self.session_key = session_key
        self.caller: Caller | None = None
        self._desk: Desk | None = None
        self._subscriptions: dict[tuple[str, str], Subscription] = {}
        self._nonsense = 0
        self._pace = Pace(REQUESTS_PER_S, REQUESTS_BURST)
        # How many refusals of those who do not keep the pace we bear.
        self._patience = Pace(REQUESTS_PER_S, NONSENSE_MAX)
        self._is_authenticating = False
        self._ops: dict[str, Callable[[Request], str | None]] = {
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "auth": self._auth,
            "ping": self._ping,
        }

    def callers(self) -> list[tuple[Caller, str]]:
        """For whom the socket speaks: nobody yet, or one."""
        return [] if self.caller is None else [(self.caller, self.session_key)]

    @property
    def is_idle(self) -> bool:
        """Whether it hears nothing and speaks for nobody."""
        return self.caller is None and not self._subscriptions

    def push(self, text: str) -> None:
        """Send a frame of a channel."""
        self.outbox.push(text)

    async def read(self, receive: Receive) -> None:
        """Take requests until the client goes."""
        while True:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                return
            if self.outbox.is_closing:
                continue
            text = event.get("text")
            try:
                if text is None:
                    raise Unreadable(Problem("text_only"))
                request = frames.read_request(text)
            except Unreadable as unreadable:
                self.push(frames.refused(unreadable.id, None, unreadable.problem))
                self._nonsense += 1
                if self._nonsense >= NONSENSE_MAX:
                    self.outbox.close(CLOSE_NONSENSE, "too many unreadable frames")
                continue
            self._nonsense = 0
            if self._is_too_fast(request):
                continue
            self._handle(request)

    def leave(self) -> None:
        """The socket is over: hear no more. Commands under way are executed all the same."""
        for subscription in self._subscriptions.values():
            self._hub.leave(subscription)
        self._subscriptions.clear()

    def _is_too_fast(self, request: Request) -> bool:
        """Whether it is refused for coming too fast. Order entry has the limit of its account (Desk)."""
        now_s = time.monotonic()
        if (self._desk is not None and request.op in OPS) or self._pace.allows(now_s):
            return False
        self.refuse(request, Problem("rate_limited", f"at most {REQUESTS_PER_S} requests a second"))
        if not self._patience.allows(now_s):
            self.outbox.close(CLOSE_NONSENSE, "too many requests")
        return True

    def _handle(self, request: Request) -> None:
        try:
            prepare = OPS.get(request.op)
            if prepare is not None:
                if self._desk is None:
                    raise Problem("not_authenticated", "send auth first")
                self._desk.take(request, prepare)
                return
            op = self._ops.get(request.op)
            if op is None:
                raise Problem("unknown_op", f"no op {request.op[:64]!r}")
            reply = op(request)
            if reply is not None:
                self.push(reply)
        except Problem as problem:
            self.refuse(request, problem)
        except Exception:
            log.exception("a request failed")
            self.refuse(request, Problem("internal_error"))

    def refuse(self, request: Request, problem: Problem) -> None:
        """Answer that it did not work."""
        self.push(frames.refused(request.id, request.op[:64], problem))

    def _ping(self, request: Request) -> str:
        frames.check_members(request, frozenset())
        return frames.ok(request, {"time": self._server.now_ms()})

    # --- who

    def _auth(self, request: Request) -> None:
        frames.check_members(request, frozenset({"key", "timestamp", "sign", "window"}))
        if self.caller is not None:
            raise Problem("already_authenticated")
        if self._is_authenticating:
            raise Problem("already_authenticated", "an auth is under way")
        # Guessing is counted by address.
        rate_limits.take_public(self._ip)
        if "key" in request.message:
            key, signature = frames.text_member(request, "key"), frames.text_member(request, "sign")
            timestamp, window = request.message.get("timestamp"), request.message.get("window")
            if type(timestamp) not in (int, str) or not (window is None or type(window) in (int, str)):
                raise Problem("invalid_timestamp")
            work = self._server.in_thread(
                lambda: identity.by_key(
                    key=key, timestamp=str(timestamp), signature=signature,
                    window=None if window is None else str(window), ip=self._ip,
                )
            )  # fmt: skip
        elif self.session_key:
            work = self._server.in_thread(lambda: identity.by_session(self.session_key, ip=self._ip))
        else:
            raise Problem("not_authenticated", "there is no session; send key, timestamp and sign")
        self._is_authenticating = True
        self._hub.spawn(self._finish_auth(request, work))

    async def _finish_auth(self, request: Request, work: Awaitable[Caller]) -> None:
        try:
            caller = await work
        except Problem as problem:
            self.refuse(request, problem)
        except Exception:
            log.exception("auth failed")
            self.refuse(request, Problem("unavailable"))
        else:
            self.caller = caller
            self._desk = Desk(self._server, caller, reply=self.push)
            result = {"account": caller.account_id, "permissions": sorted(caller.permissions)}
            self.push(frames.ok(request, result))
        finally:
            self._is_authenticating = False

    # --- channels

    def _subscribe(self, request: Request) -> str | None:
        channel, topic, symbol, frame = self._topic(request)
        if (channel, topic) in self._subscriptions:
            raise Problem("already_subscribed")
        if len(self._subscriptions) >= SUBSCRIPTIONS_MAX:
            raise Problem("too_many_subscriptions")
        if symbol is not None and not self._hub.knows_market(symbol):
            self._hub.spawn(self._subscribe_later(request, symbol))
            return None
        self._join(request, channel, topic, frame)
        return None

    async def _subscribe_later(self, request: Request, symbol: str) -> None:
        """The market may have been listed a moment ago."""
        try:
            await self._hub.refresh_markets()
            if not self._hub.knows_market(symbol):
                raise Problem("unknown_market", f"no market {symbol[:64]}")
            channel, topic, _, frame = self._topic(request)
            if (channel, topic) in self._subscriptions:
                raise Problem("already_subscribed")
            if len(self._subscriptions) >= SUBSCRIPTIONS_MAX:
                raise Problem("too_many_subscriptions")
            if not self.outbox.is_closing:
                self._join(request, channel, topic, frame)
        except Problem as problem:
            self.refuse(request, problem)

    def _join(self, request: Request, channel: str, topic: str, frame: int) -> None:
        # The reply first: what the channel brings comes after it.
        self.push(frames.ok(request, self._named(request)))
        self._subscriptions[channel, topic] = self._hub.join(self, topic, frame)

    def _unsubscribe(self, request: Request) -> str:
        channel, topic, _, _ = self._topic(request)
        subscription = self._subscriptions.pop((channel, topic), None)
        if subscription is None:
            raise Problem("not_subscribed")
        self._hub.leave(subscription)
        return frames.ok(request, self._named(request))

    @staticmethod
    def _named(request: Request) -> dict[str, Any]:
        return {name: request.message[name] for name in ("channel", "market", "interval") if name in request.message}

    def _topic(self, request: Request) -> tuple[str, str, str | None, int]:
        """(channel, topic, market's symbol or None, frame within the envelope). Raises Problem."""
        channel = frames.text_member(request, "channel")
        if channel in PRIVATE_FRAMES:
            frames.check_members(request, frozenset({"channel"}))
            if self.caller is None:
                raise Problem("not_authenticated", "send auth first")
            self.caller.require(READ)
            return channel, names.account_topic(self.caller.account_id), None, PRIVATE_FRAMES[channel]
        if channel == "ticker":
            frames.check_members(request, frozenset({"channel", "market"}))
            if "market" not in request.message:
                return channel, ALL_TICKERS, None, 0
            symbol = frames.text_member(request, "market")
            return channel, TICKER_PREFIX + symbol, symbol, 0
        if channel in ("book", "trades"):
            frames.check_members(request, frozenset({"channel", "market"}))
            symbol = frames.text_member(request, "market")
            return channel, (names.book_topic if channel == "book" else names.trades_topic)(symbol), symbol, 0
        if channel == "candles":
            frames.check_members(request, frozenset({"channel", "market", "interval"}))
            symbol, interval = frames.text_member(request, "market"), frames.text_member(request, "interval")
            if interval not in INTERVALS_MS:
                raise Problem("invalid_request", f"interval is one of {', '.join(INTERVALS_MS)}")
            return channel, names.candles_topic(symbol, interval), symbol, 0
        raise Problem("unknown_channel", f"no channel {channel[:64]!r}")
