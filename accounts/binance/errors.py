"""Errors as this dialect tells them: {"code", "msg"}, and what each problem of ours is called there.

Clients match codes and some of the words, so the words are part of the interface. A refusal by the matcher is
-2010 of a new order and -2011 of a cancel; before the matcher it is -1xxx.
"""

from typing import Any, Final, NamedTuple

import orjson
from django.http import HttpResponse

from accounts.api.errors import problem_of
from accounts.problems import PROBLEMS


class Kind(NamedTuple):
    """Code, message and HTTP status."""

    code: int
    msg: str
    status: int = 400


class Refusal(Exception):
    """An answer other than success. `data` stands beside code and msg; `headers` go into the response."""

    def __init__(
        self, code: int, msg: str, status: int = 400, *, data: Any = None, headers: dict[str, str] | None = None
    ) -> None:  # fmt: skip
        self.code, self.msg, self.status, self.data = code, msg, status, data
        self.headers = headers or {}
        super().__init__(f"{code}: {msg}")

    def document(self) -> dict[str, Any]:
        """The members of the answer."""
        told: dict[str, Any] = {"code": self.code, "msg": self.msg}
        if self.data is not None:
            told["data"] = self.data
        return told


UNKNOWN: Final = Kind(-1000, "An unknown error occurred while processing the request.", 500)
BUSY: Final = Kind(-1008, "Server is currently overloaded with other requests. Please try again in a few minutes.", 503)
DISCONNECTED: Final = Kind(-1001, "Internal error; unable to process your request. Please try again.", 503)
TIMEOUT: Final = Kind(
    -1007, "Timeout waiting for response from backend server. Send status unknown; execution status unknown.", 504
)
TOO_MANY: Final = Kind(-1003, "Too many requests; wait and try again.", 429)
BAD_KEY: Final = Kind(-2015, "Invalid API-key, IP, or permissions for action.", 401)
BAD_KEY_FORMAT: Final = Kind(-2014, "API-key format invalid.", 401)
BAD_SIGNATURE: Final = Kind(-1022, "Signature for this request is not valid.")
OUTSIDE_WINDOW: Final = Kind(-1021, "Timestamp for this request is outside of the recvWindow.")
AHEAD: Final = Kind(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
BAD_SYMBOL: Final = Kind(-1121, "Invalid symbol.")
MALFORMED: Final = Kind(-1100, "Illegal characters found in a parameter.")
BAD_BODY: Final = Kind(-1102, "A mandatory parameter was not sent, was empty/null, or malformed.")
BAD_PARAMETER: Final = Kind(-1130, "Data sent for a parameter is not valid.")
UNSUPPORTED: Final = Kind(-1020, "This operation is not supported.")
ORDER_COMBINATION: Final = Kind(-1014, "Unsupported order combination.")
CLOSED: Final = Kind(-1013, "Market is closed.")
NO_FUNDS: Final = Kind(-2010, "Account has insufficient balance for requested action.")
DUPLICATE: Final = Kind(-2010, "Duplicate order sent.")
PRICES_RELATION: Final = Kind(-2010, "The relationship of the prices for the orders is not correct.")
NO_SUCH_ORDER: Final = Kind(-2013, "Order does not exist.")
UNKNOWN_ORDER: Final = Kind(-2011, "Unknown order sent.")
NO_ROUTE: Final = Kind(-1000, "Not found.", 404)
NO_TRADING: Final = Kind(-2010, "This account may not place or cancel orders.")
REJECTED: Final = Kind(-2010, "NEW_ORDER_REJECTED")
# Of a withdrawal; clients know it by the words.
NO_FUNDS_TO_WITHDRAW: Final = Kind(-4026, NO_FUNDS.msg)


def _filter(name: str) -> Kind:
    return Kind(-1013, f"Filter failure: {name}")


# Every code of accounts.problems.PROBLEMS; a test holds both together.
OF_PROBLEM: Final[dict[str, Kind]] = {
    "malformed_json": Kind(-1135, "Invalid JSON Request"),
    "invalid_request": BAD_PARAMETER,
    "invalid_number": MALFORMED,
    "invalid_cursor": BAD_PARAMETER,
    "invalid_parameter": ORDER_COMBINATION,
    "batch_refused": DISCONNECTED,
    "not_found": NO_ROUTE,
    "method_not_allowed": Kind(-1000, "Request method is not supported here.", 405),
    "not_acceptable": Kind(-1000, "Answers are JSON.", 406),
    "length_required": Kind(-1000, "A body is announced by Content-Length.", 411),
    "body_too_large": Kind(-1000, "The body is too large.", 413),
    "unsupported_media_type": Kind(-1000, "Bodies are application/x-www-form-urlencoded.", 415),
    "batch_too_large": BAD_PARAMETER,
    "not_authenticated": BAD_KEY_FORMAT,
    "invalid_key": BAD_KEY,
    "invalid_signature": BAD_SIGNATURE,
    "invalid_timestamp": AHEAD,
    "signature_expired": OUTSIDE_WINDOW,
    "signature_replayed": BAD_SIGNATURE,
    "signature_stale": OUTSIDE_WINDOW,
    "ip_not_allowed": BAD_KEY,
    "permission_denied": BAD_KEY,
    "csrf_failed": BAD_KEY,
    "session_required": BAD_KEY,
    "no_account": BAD_KEY,
    "rate_limited": TOO_MANY,
    "too_many_keys": UNSUPPORTED,
    "unknown_key": BAD_KEY,
    "unknown_market": BAD_SYMBOL,
    "unknown_asset": Kind(-1105, "Parameter 'coin' was empty."),
    "price_not_on_tick": _filter("PRICE_FILTER"),
    "size_not_on_lot": _filter("LOT_SIZE"),
    "too_precise": Kind(-1111, "Parameter 'amount' has too much precision."),
    "invalid_amount": Kind(-1013, "Invalid amount."),
    "invalid_price": Kind(-1013, "Invalid price."),
    "invalid_size": Kind(-1013, "Invalid quantity."),
    "invalid_expiry": BAD_PARAMETER,
    "price_too_large": _filter("PRICE_FILTER"),
    "size_too_large": _filter("LOT_SIZE"),
    "size_too_small": _filter("LOT_SIZE"),
    "notional_too_large": _filter("NOTIONAL"),
    "notional_too_small": _filter("NOTIONAL"),
    "price_band": _filter("PERCENT_PRICE"),
    "stop_would_trigger": Kind(-2010, "Order would trigger immediately."),
    "too_many_orders": _filter("MAX_NUM_ORDERS"),
    "too_many_parts": _filter("ICEBERG_PARTS"),
    "invalid_list": PRICES_RELATION,
    "post_only_would_cross": Kind(-2010, "Order would immediately match and take."),
    "insufficient_balance": NO_FUNDS,
    "balance_overflow": UNSUPPORTED,
    "market_halted": CLOSED,
    "market_cancel_only": CLOSED,
    "market_post_only": CLOSED,
    "unknown_order": NO_SUCH_ORDER,
    "not_amendable": Kind(-2010, "Order cannot be amended."),
    "cancel_restricted": Kind(-2011, "Order was not canceled due to cancel restrictions."),
    "would_lose_priority": Kind(-2038, "Order amend (quantity increase) is not supported."),
    "client_order_id_reused": DUPLICATE,
    "invalid_account": NO_TRADING,
    "unknown_withdrawal": BAD_PARAMETER,
    "withdrawal_ended": UNSUPPORTED,
    "withdrawal_in_progress": UNSUPPORTED,
    "unknown_account": BAD_PARAMETER,
    "already_applied": UNSUPPORTED,
    "reference_reused": Kind(-1130, "Data sent for parameter 'withdrawOrderId' is not valid."),
    "index_gap": UNSUPPORTED,
    # Of accounts in self custody, whose users sign what they spend: not by this dialect.
    "signature_required": NO_TRADING,
    **dict.fromkeys(
        (
            "not_self_custody",
            "signature_mismatch",
            "order_id_used",
            "fee_cap_too_low",
            "invalid_nonce",
            "account_not_registered",
            "unknown_source",
            "balances_exist",
            "no_chain",
            "account_registered",
            "key_announced",
            "not_claimable",
            "unknown_block",
            "not_proven",
            "unknown_l2_account",
            "no_final_block",
            "invalid_token",
            "lease_lost",
            "proof_refused",
            "bad_signature",
            "key_changed",
            "invalid_range",
            "unknown_key_file",
        ),
        UNSUPPORTED,
    ),
    "invalid_address": BAD_PARAMETER,
    "text_only": MALFORMED,
    "unknown_op": UNSUPPORTED,
    "unknown_channel": BAD_PARAMETER,
    "already_subscribed": BAD_PARAMETER,
    "not_subscribed": BAD_PARAMETER,
    "too_many_subscriptions": Kind(-1191, "Too many subscriptions.", 429),
    "too_many_in_flight": Kind(-1003, "Too many requests queued.", 429),
    "already_authenticated": UNSUPPORTED,
    "too_many_connections": BUSY,
    "deadline_passed": OUTSIDE_WINDOW,
    "overloaded": BUSY,
    "unknown_outcome": TIMEOUT,
    "unavailable": DISCONNECTED,
    "not_yet": DISCONNECTED,
    "keys_not_ready": DISCONNECTED,
    "internal_error": UNKNOWN,
}
# Where what was asked for changes what a problem is called. A request that is sent once more, byte for byte, would
# there meet the order that the first one made, or the lack of the one that it canceled.
OF_ACTION: Final[dict[str, dict[str, Kind]]] = {
    "place": {"signature_replayed": DUPLICATE, "unknown_order": UNKNOWN_ORDER},
    # A leg on the wrong side of the market.
    "oco": {
        "signature_replayed": DUPLICATE,
        "stop_would_trigger": PRICES_RELATION,
        "post_only_would_cross": PRICES_RELATION,
    },
    "cancel": {"signature_replayed": UNKNOWN_ORDER, "unknown_order": UNKNOWN_ORDER},
    "amend": {"unknown_order": UNKNOWN_ORDER, "signature_replayed": UNKNOWN_ORDER},
    "withdraw": {"insufficient_balance": NO_FUNDS_TO_WITHDRAW},
}


def kind_of(code: str, action: str = "") -> Kind:
    """What a problem's code is called; `action` is a key of OF_ACTION, or empty for reads."""
    return OF_ACTION.get(action, {}).get(code) or OF_PROBLEM[code]


def refuse(kind: Kind, **more: Any) -> Refusal:
    """A refusal of that kind, to raise."""
    return Refusal(kind.code, kind.msg, kind.status, **more)


def refusal_of(error: BaseException, action: str = "") -> Refusal:
    """The refusal an exception stands for; what nobody expected is logged as it is under /api/v1."""
    if isinstance(error, Refusal):
        return error
    problem = problem_of(error)
    kept = {name: value for name, value in problem.headers.items() if name in {"Retry-After", "Allow"}}
    return refuse(kind_of(problem.code, action), headers=kept)


def response_of(refusal: Refusal) -> HttpResponse:
    """The refusal as a response."""
    body = orjson.dumps(refusal.document())
    return HttpResponse(body, status=refusal.status, content_type="application/json", headers=refusal.headers)


def missing_codes() -> set[str]:
    """Codes of ours that have no name in this dialect, or no meaning any more; empty, as a test sees to."""
    return set(PROBLEMS) ^ set(OF_PROBLEM)
