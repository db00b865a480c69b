"""The methods of /ws-api/v3. Most are addresses of /api/v3 by another name, and do what those do."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from accounts import gate
from accounts.auth import Caller
from accounts.binance import auth, endpoint, errors, params
from accounts.binance.endpoint import KEYED, PUBLIC, Call, Endpoint
from accounts.binance.errors import Refusal, refuse
from accounts.keys import KnownKey
from matching.engine import commands
from matching.engine.commands import Command
from matching.gateway import Result
from orders import listing, order_entry
from orders.binance import account, lists, market, market_history, order_params, shapes, symbols, trading
from orders.binance.sockets.api_desk import Prepared, Work, tell_orders
from orders.binance.sockets.api_request import signed_text
from orders.binance.steps import Flow, Steps

# What says who asks, and is no parameter of the method itself.
ENVELOPE: Final = frozenset({"apiKey", "signature", "timestamp", "recvWindow", "returnRateLimits"})


@dataclass(frozen=True, slots=True)
class Session:
    """Who asks on a socket: the key it has logged on with, if any, and the client's address."""

    known: KnownKey | None
    ip: str


# A command, and how to make the answer of its result.
Made = tuple[Command, Callable[[Result], Any]]
Prepare = Callable[[Call], Made]

READS: Final[dict[str, Endpoint]] = {
    "ping": market.PING,
    "time": market.TIME,
    "exchangeInfo": market.INFO,
    "depth": market.DEPTH,
    "trades.recent": market_history.TRADES,
    "trades.historical": market_history.HISTORICAL,
    "trades.aggregate": market_history.AGGREGATES,
    "klines": market_history.KLINES,
    "uiKlines": market_history.KLINES,
    "avgPrice": market_history.AVERAGE,
    "ticker": market_history.WINDOW,
    "ticker.24hr": market_history.DAY,
    "ticker.tradingDay": market_history.TRADING_DAY,
    "ticker.price": market_history.PRICE,
    "ticker.book": market_history.BOOK,
    "order.test": trading.TEST,
    "order.status": trading.ORDER["GET"],
    "openOrders.status": account.OPEN_ORDERS,
    "allOrders": account.ALL_ORDERS,
    "myTrades": account.MY_TRADES,
    "account.status": account.ACCOUNT,
    "account.commission": account.COMMISSION,
    "account.rateLimits.orders": account.ORDER_COUNTS,
    "orderList.status": lists.ORDER_LIST["GET"],
    "openOrderLists.status": lists.OPEN_LISTS,
    "allOrderLists": lists.ALL_LISTS,
}
# Writes of several steps, or that need the database: the steps are REST's, in a thread; none waits for the matcher.
WRITES: Final[dict[str, tuple[Endpoint, Callable[[Call], Steps]]]] = {
    "order.cancelReplace": (trading.CANCEL_REPLACE, trading.cancel_replace),
    "order.amend.keepPriority": (trading.AMEND, trading.amend),
    "openOrders.cancelAll": (trading.CANCEL_OPEN, trading.cancel_open),
    "orderList.place": (lists.PLACE_OLD_OCO, lists.place_old_oco),
    "orderList.place.oco": (lists.PLACE_OCO, lists.place_oco),
    "orderList.place.oto": (lists.PLACE_OTO, lists.place_oto),
    "orderList.place.otoco": (lists.PLACE_OTOCO, lists.place_otoco),
    "orderList.cancel": (lists.ORDER_LIST["DELETE"], lists.cancel),
}


def place(call: Call) -> Made:
    """order.place."""
    new = order_params.read_new_order(call.values)
    command = order_entry.place_command(
        account_id=call.caller.account_id, order=new.request, deadline_us=call.caller.deadline_us
    )

    def interpret(result: Result) -> dict[str, Any]:
        made = order_entry.read_placed(result)
        if made.duplicate:
            raise refuse(errors.DUPLICATE)
        return shapes.placed_json(made, new.market, new.response)

    return command, interpret


def cancel(call: Call) -> Made:
    """order.cancel."""
    listed = symbols.listed(call.values["symbol"])
    caller = call.caller
    order, name = trading.named_to_cancel(caller.account_id, listed, order_params.read_name(call.values))
    command = order_entry.cancel_command(
        account_id=caller.account_id, name=name, deadline_us=caller.deadline_us,
        only=call.get("cancelRestrictions", commands.ANY),
    )  # fmt: skip

    def interpret(result: Result) -> dict[str, Any]:
        canceled = order_entry.read_canceled(result)
        client_id = call.get("newClientOrderId") or trading.new_client_id()
        left = trading.as_canceled(caller.account_id, order, name, canceled)
        return shapes.canceled_json(
            left, listing.by_id(canceled.market_id), client_id=client_id, time_us=canceled.time_us
        )  # fmt: skip

    return command, interpret


COMMANDS: Final[dict[str, tuple[Endpoint, Prepare]]] = {
    "order.place": (trading.ORDER["POST"], place),
    "order.cancel": (trading.ORDER["DELETE"], cancel),
}


# These keep the client's order; what only reads is answered as it gets ready.
IN_LINE: Final = frozenset({*COMMANDS, *WRITES})


def endpoint_of(method: str) -> Endpoint:
    """Raises Refusal -1020 for a method that is not served."""
    if method in READS:
        return READS[method]
    found = COMMANDS.get(method) or WRITES.get(method)
    if found is None:
        raise refuse(errors.UNSUPPORTED)
    return found[0]


def identification(served: Endpoint, session: Session) -> Callable[[Work], Call]:
    """Who asks and with what parameters: judged once, when the request comes. Raises Refusal."""

    def identify(work: Work) -> Call:
        call = Call({})
        values = work.request.values
        is_public = served.access == PUBLIC
        if served.access == KEYED:
            auth.known_key(values.get("apiKey") or (session.known.key if session.known else None), session.ip)
        elif not is_public:
            call = Call({}, caller_of(values, session))
            auth.require(call.caller, served.access)
        call.values = params.read(own(values, is_public=is_public), served.fields, served.required)
        return call

    return identify


def preparation(method: str, served: Endpoint) -> Callable[[Work, Call], Any]:
    """What to do for a known caller: make the command, begin a write's steps, or read."""
    command, steps = COMMANDS.get(method), WRITES.get(method)

    def prepare(work: Work, call: Call) -> Any:
        if command is not None:
            made, interpret = command[1](call)
            return Prepared(
                made, gate.question(call.caller, units=max(1, served.places), placed=served.places), interpret
            )
        if steps is None:
            return served.run(call)
        allowance = endpoint.admit(call.caller, {}, places=served.places)
        tell_orders(work, call.caller.tier, allowance.placed_in_window, allowance.placed_today)
        return Flow(steps[1](call))

    return prepare


def own(values: dict[str, str], *, is_public: bool = False) -> dict[str, str]:
    """A method's own parameters."""
    taken = {"returnRateLimits"} if is_public else ENVELOPE
    return {name: value for name, value in values.items() if name not in taken}


def caller_of(values: dict[str, str], session: Session) -> Caller:
    """Who asks: by the request's own key and signature, or by the socket's. Raises Refusal."""
    now_us = time.time_ns() // 1_000
    if "apiKey" in values or "signature" in values or session.known is None:
        if "apiKey" not in values:
            raise params.missing("apiKey")
        known = auth.known_key(values["apiKey"], session.ip)
        return auth.authenticate(
            known=known, message=signed_text(values), signature=values.get("signature"),
            timestamp=values.get("timestamp"), window=values.get("recvWindow"), now_us=now_us,
        )  # fmt: skip
    caller = auth.session_caller(session.known, now_us)
    if "timestamp" not in values:
        return caller
    sent_us = params.milliseconds("timestamp", values["timestamp"]) * 1_000
    window_us = params.window_us(values.get("recvWindow"))
    if sent_us >= now_us + auth.AHEAD_US_MAX:
        raise refuse(errors.AHEAD)
    if now_us - sent_us > window_us:
        raise refuse(errors.OUTSIDE_WINDOW)
    return auth.session_caller(session.known, sent_us + window_us - auth.signing.WINDOW_MS_DEFAULT * 1_000)


def log_on(values: dict[str, str], session: Session) -> KnownKey:
    """session.logon: the key, if the request is signed by it and it is of Ed25519. Raises Refusal."""
    caller = caller_of(values, Session(None, session.ip))
    known = auth.known_key(caller.key, session.ip)
    if not isinstance(known.public_key, Ed25519PublicKey):
        raise Refusal(-4056, f"{'HMAC_SHA256' if known.public_key is None else 'RSA'} API key is not supported.")
    params.read(own(values), {})
    # Who has heard a log-on cannot say it again.
    gate.admit(caller, units=0)
    return known
