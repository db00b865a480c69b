"""A socket of market streams: /ws and /stream."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import orjson

from accounts.auth import Caller
from orders.binance.sockets.limits import CLOSE_POLICY, ID_TEXT_MAX, REQUESTS_BURST, REQUESTS_PER_S, STREAMS_MAX
from orders.binance.sockets.names import InvalidStream, StreamName, read_name
from orders.binance.sockets.registry import registry_of
from orders.sockets.outbox import Outbox
from orders.sockets.pace import Pace
from orders.sockets.server import Server

log = logging.getLogger(__name__)

METHODS: Final = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
ID_MAX: Final = 2**63
Id = int | str | None
# Codes of errors on these sockets: the property, its value, the request, the JSON.
PROPERTY, VALUE, REQUEST, JSON = 0, 1, 2, 3


class Refused(Exception):
    """What is wrong with a request: the dialect's code and words."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


class MarketSocket:
    """State of one socket: the streams it hears, by name, and whether payloads come with the stream's name."""

    def __init__(self, server: Server, outbox: Outbox, *, is_combined: bool, first: Sequence[str]) -> None:
        self._registry = registry_of(server)
        self.outbox = outbox
        self.is_combined = is_combined
        self._first = first
        self._heard: dict[str, StreamName] = {}
        self._pace = Pace(REQUESTS_PER_S, REQUESTS_BURST)

    def callers(self) -> list[tuple[Caller, str]]:
        """Nobody: market data is for all."""
        return []

    @property
    def is_idle(self) -> bool:
        """Whether the socket hears nothing."""
        return not self._heard

    def push(self, text: str) -> None:
        """Send a frame."""
        self.outbox.push(text)

    def leave(self) -> None:
        """The socket is over."""
        for text in self._heard:
            self._registry.leave(text, self)
        self._heard.clear()

    async def read(self, receive: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        """Take requests until the client goes."""
        if self._first:
            try:
                await self._subscribe(list(self._first))
            except Refused as refused:
                self._refuse(None, refused)
                self.outbox.close(CLOSE_POLICY, refused.words)
        loop = asyncio.get_running_loop()
        while True:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                return
            if self.outbox.is_closing:
                continue
            if not self._pace.allows(loop.time()):
                self.outbox.close(CLOSE_POLICY, "Too many requests")
                continue
            await self._handle(event.get("text"))

    async def _handle(self, text: str | None) -> None:
        id: Id = None
        try:
            message = _read_json(text)
            id = _read_id(message)
            result = await self._answer(message)
        except Refused as refused:
            self._refuse(id, refused)
        except Exception:
            log.exception("a request failed")
            self._refuse(id, Refused(REQUEST, "Invalid request: internal error"))
        else:
            self.push(orjson.dumps({"result": result, "id": id}).decode())

    def _refuse(self, id: Id, refused: Refused) -> None:
        self.push(orjson.dumps({"error": {"code": refused.code, "msg": refused.words}, "id": id}).decode())

    async def _answer(self, message: dict[str, Any]) -> Any:
        method, params = message.get("method"), message.get("params")
        if method is None:
            raise Refused(REQUEST, "Invalid request: missing field `method`")
        if method not in METHODS:
            expected = ", ".join(f"`{name}`" for name in METHODS)
            raise Refused(REQUEST, f"Invalid request: unknown variant `{str(method)[:64]}`, expected one of {expected}")
        if message.keys() - {"method", "params", "id"}:
            raise Refused(REQUEST, "Invalid request: too many parameters")
        if method == "LIST_SUBSCRIPTIONS":
            return list(self._heard)
        if method == "GET_PROPERTY":
            return self._property(params)
        if method == "SET_PROPERTY":
            return self._set_property(params)
        if type(params) is not list or not params or not all(type(name) is str for name in params):
            raise Refused(REQUEST, "Invalid request: params must be an array of stream names")
        if method == "SUBSCRIBE":
            await self._subscribe(params)
        else:
            self._unsubscribe(params)
        return None

    async def _subscribe(self, texts: list[str]) -> None:
        """All of these or, if one of them is no stream, none."""
        wanted: dict[StreamName, str] = {}
        for text in texts:
            if text in self._heard:
                continue
            try:
                name = read_name(text)
            except InvalidStream:
                raise Refused(REQUEST, "Invalid request: invalid stream") from None
            market = await self._registry.market_of(name.symbol)
            if market is None:
                raise Refused(REQUEST, "Invalid request: invalid stream")
            wanted[name] = market
        if len(self._heard) + len(wanted) > STREAMS_MAX:
            raise Refused(REQUEST, f"Invalid request: at most {STREAMS_MAX} streams")
        for name, market in wanted.items():
            self._heard[name.text] = name
            self._registry.join(name, market, self)

    def _unsubscribe(self, texts: list[str]) -> None:
        for text in texts:
            if self._heard.pop(text, None) is not None:
                self._registry.leave(text, self)

    def _property(self, params: Any) -> bool:
        if type(params) is not list or len(params) != 1 or type(params[0]) is not str:
            raise Refused(REQUEST, "Invalid request: property name must be a string")
        if params[0] != "combined":
            raise Refused(PROPERTY, "Unknown property")
        return self.is_combined

    def _set_property(self, params: Any) -> None:
        if type(params) is not list or len(params) < 2:
            raise Refused(REQUEST, "Invalid request: property name must be a string")
        if len(params) > 2:
            raise Refused(REQUEST, "Invalid request: too many parameters")
        self._property(params[:1])
        if type(params[1]) is not bool:
            raise Refused(VALUE, "Invalid value type: expected Boolean")
        self.is_combined = params[1]


def _read_json(text: str | None) -> dict[str, Any]:
    if text is None:
        raise Refused(JSON, "Invalid JSON: text frames only")
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Refused(JSON, f"Invalid JSON: {error}") from None
    if type(message) is not dict:
        raise Refused(REQUEST, "Invalid request: a request is an object")
    return message


def _read_id(message: dict[str, Any]) -> Id:
    id = message.get("id")
    if id is None or (type(id) is int and -ID_MAX <= id < ID_MAX) or (type(id) is str and len(id) <= ID_TEXT_MAX):
        return id
    raise Refused(REQUEST, "Invalid request: request ID must be an unsigned integer")
