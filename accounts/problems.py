"""Every error an interface of the exchange can answer with: one table, stable codes.

REST answers RFC 9457 problems made from it, sockets put the same code into their error frames, and
docs/errors.md is checked against it. A code is never renamed; its detail is for people and may change.
The engine's rejection codes (docs/protocol.md section 4) are codes of this table.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import psycopg
from django.db import Error as DatabaseError


class Kind(NamedTuple):
    """HTTP status, a title that never varies, and what a client should know."""

    status: int
    title: str
    meaning: str


PROBLEMS: Final[dict[str, Kind]] = {
    # --- the request itself
    "malformed_json": Kind(400, "Malformed JSON", "The body is not JSON, or not of the encoding UTF-8."),
    "invalid_request": Kind(
        400, "Invalid request", "A field is missing, unknown, or of the wrong type; `errors` names it."
    ),
    "invalid_number": Kind(
        400,
        "Not a decimal number",
        "Amounts and prices are strings like '0.015': no NaN, no infinity, no exponent, at most 60 characters.",
    ),
    "invalid_cursor": Kind(
        400, "Invalid cursor", "A cursor is taken from `next_cursor` of an earlier answer, unchanged."
    ),
    "invalid_parameter": Kind(
        400, "Parameters do not fit together", "The matcher refused the combination of type, time in force and amounts."
    ),
    "batch_refused": Kind(503, "Batch refused", "The matcher refused the commands unexecuted. Try again."),
    "not_found": Kind(404, "No such address", "Nothing is served here."),
    "method_not_allowed": Kind(405, "Method not allowed", "The address exists; `Allow` names its methods."),
    "not_acceptable": Kind(406, "Not acceptable", "Answers are JSON."),
    "length_required": Kind(411, "Length required", "A body is announced by Content-Length; chunks are not read."),
    "body_too_large": Kind(413, "Body too large", "A body has at most 1 MiB; it was not read."),
    "unsupported_media_type": Kind(415, "Unsupported media type", "Bodies are `application/json`."),
    "batch_too_large": Kind(400, "Batch too large", "A batch has 1 to 500 items."),
    # --- who asks
    "not_authenticated": Kind(401, "Not authenticated", "Sign the request with an API key, or sign in."),
    "invalid_key": Kind(401, "Unknown API key", "The key does not exist or was revoked."),
    "invalid_signature": Kind(
        401, "Wrong signature", "The signature does not fit time, method, path with query, and body as sent."
    ),
    "invalid_timestamp": Kind(
        401,
        "Invalid timestamp",
        "PVX-TIMESTAMP is in milliseconds since the epoch and may lie at most a second ahead of the "
        "exchange's clock; PVX-WINDOW is 1 to 60000.",
    ),
    "signature_expired": Kind(
        401, "Signature expired", "The request arrived later than its timestamp plus its window."
    ),
    "signature_replayed": Kind(
        401, "Signature already used", "This very request was received before; a new one needs a new timestamp."
    ),
    "signature_stale": Kind(
        401,
        "Signature from before a restart",
        "Signatures that were used before this timestamp are not remembered any more, so this one may have been: "
        "send the request with a new timestamp.",
    ),
    "ip_not_allowed": Kind(
        403, "Address not allowed", "The key's allow-list does not hold the address the request came from."
    ),
    "permission_denied": Kind(403, "Permission denied", "The key lacks the permission this needs."),
    "csrf_failed": Kind(403, "CSRF check failed", "A browser session sends the X-CSRFToken header with every write."),
    "session_required": Kind(403, "Only for signed-in users", "API keys cannot manage API keys."),
    "no_account": Kind(403, "No trading account", "The signed-in user has no trading account."),
    "rate_limited": Kind(429, "Too many requests", "Wait for the seconds in `Retry-After`."),
    "too_many_keys": Kind(409, "Too many API keys", "An account has at most 50 keys; revoke one."),
    "unknown_key": Kind(404, "No such API key", "The account has no such key, or it was revoked."),
    # --- prices and sizes
    "unknown_market": Kind(404, "No such market", "Markets are listed at /api/v1/markets."),
    "unknown_asset": Kind(404, "No such asset", "Assets are listed at /api/v1/assets."),
    "price_not_on_tick": Kind(422, "Price not on tick", "A price is a multiple of the market's tick size."),
    "size_not_on_lot": Kind(422, "Size not on lot", "A size is a multiple of the market's lot size."),
    "too_precise": Kind(422, "Too many decimals", "An amount has at most the decimals of its asset."),
    "invalid_amount": Kind(422, "Invalid amount", "An amount is above zero and within bounds."),
    "invalid_price": Kind(422, "Invalid price", "A limit order needs a price above zero."),
    "invalid_size": Kind(422, "Invalid size", "A limit order needs a size above zero."),
    "invalid_expiry": Kind(422, "Invalid expiry", "A GTD order expires in the future."),
    "price_too_large": Kind(422, "Price too large", "The price is beyond what the matcher counts."),
    "size_too_large": Kind(422, "Size too large", "The size is above the market's maximum."),
    "size_too_small": Kind(422, "Size too small", "The size is below the market's minimum."),
    "notional_too_large": Kind(422, "Order value too large", "Price times size is beyond what the matcher counts."),
    "notional_too_small": Kind(422, "Order value too small", "Price times size is below the market's minimum."),
    "price_band": Kind(
        422, "Price outside the band", "A limit price keeps within the market's band around the last price."
    ),
    # --- the order and the state of things
    "stop_would_trigger": Kind(
        422,
        "Stop would trigger at once",
        "A buy stop lies above the last price, a sell stop below it; a take-profit the other way round.",
    ),
    "too_many_orders": Kind(422, "Too many open orders", "The account has the market's maximum of open orders."),
    "post_only_would_cross": Kind(
        422, "Post-only order would trade", "The price crosses the book, and the order may only rest."
    ),
    "insufficient_balance": Kind(422, "Insufficient balance", "The account has less available than the order needs."),
    "balance_overflow": Kind(422, "Balance too large", "The asset's total would be beyond what the exchange counts."),
    "market_halted": Kind(409, "Market halted", "Only cancels are taken until the market opens again."),
    "market_cancel_only": Kind(409, "Market in cancel-only", "Only cancels and reductions are taken."),
    "market_post_only": Kind(409, "Market in post-only", "Only post-only orders are taken."),
    "too_many_parts": Kind(
        422, "Iceberg with too many parts", "An iceberg's size is at most 10 times its display size."
    ),
    "invalid_list": Kind(
        422,
        "Orders do not make such a list",
        "An oco has two orders of one side and size, one above and one below the market, at least one of them "
        "conditional; an oto begins with a limit order that is not conditional; an otoco is an oto of an oco.",
    ),
    "unknown_order": Kind(404, "No such order", "The account has no such order, or none that is still open."),
    "not_amendable": Kind(
        409, "Order cannot be amended", "A conditional order that waits, or an order of a live list, is placed anew."
    ),
    "cancel_restricted": Kind(
        409, "Order not in that state", "It was to be canceled only if nothing, or only if a part of it, was filled."
    ),
    "would_lose_priority": Kind(
        409, "Order would lose its place", "Only a smaller size at the same price keeps the place in the queue."
    ),
    "client_order_id_reused": Kind(
        409, "Client order id already used", "Another order of the account has this client id, with other content."
    ),
    "invalid_account": Kind(403, "Account may not trade", "The matcher knows no such trading account."),
    "unknown_withdrawal": Kind(404, "No such withdrawal", "The account has no such withdrawal."),
    "withdrawal_in_progress": Kind(
        409, "Withdrawal in progress", "It is being asked for, carried out or ended; look again in a moment."
    ),
    "withdrawal_ended": Kind(409, "Withdrawal has ended", "It has left, was given back, or was refused."),
    "unknown_account": Kind(404, "No such account", "No trading account has this number."),
    "already_applied": Kind(409, "Already done", "This very movement was applied before; it was not applied again."),
    "reference_reused": Kind(
        409, "Reference already used", "Another movement of the account has this reference, with other content."
    ),
    "index_gap": Kind(409, "Deposit out of order", "Deposits of a source are applied in the order of their index."),
    # --- the rollup
    "signature_required": Kind(
        403, "Signature required", "The account is in self custody: its user signs what it spends."
    ),
    "not_self_custody": Kind(
        403, "Not in self custody", "The exchange signs for this account; send the plain request."
    ),
    "bad_signature": Kind(
        422, "Wrong signature of what is spent", "It is not this account's key that signed, or not this message."
    ),
    "key_changed": Kind(409, "Key changed", "The account has another key by now; sign with that one."),
    "signature_mismatch": Kind(
        422, "Signed something else", "The totals or the id that were signed are not those of the order."
    ),
    "order_id_used": Kind(
        409, "Order id used", "A signed id exceeds the last one of its leaf, and the order there has ended."
    ),
    "fee_cap_too_low": Kind(422, "Fee cap too low", "The signed cap is below the account's fees in this market."),
    "invalid_nonce": Kind(409, "Wrong nonce", "A signed transfer or withdrawal carries the account's next nonce."),
    "account_not_registered": Kind(409, "Account not registered", "The account has no number in the rollup yet."),
    "unknown_source": Kind(409, "Unknown source", "Once accounts are in the rollup, value comes from its queue alone."),
    "balances_exist": Kind(
        409, "Balances exist", "The first account is registered with the rollup before anything was deposited."
    ),
    "invalid_address": Kind(
        422, "Not an address", "0x and 40 hexadecimal digits; in mixed case with the right checksum; not address 0."
    ),
    "no_chain": Kind(404, "No chain", "This exchange is not connected to a chain."),
    "account_registered": Kind(
        409,
        "Account registered",
        "The account has a number and a key already; its owner sets another key on the chain.",
    ),
    "key_announced": Kind(409, "Key announced", "Another account announced the same key with the same owner."),
    "not_claimable": Kind(409, "Not claimable", "A withdrawal is claimed after its block is final, and once."),
    "unknown_block": Kind(404, "No such block", "Blocks are listed at /api/v1/blocks."),
    "not_proven": Kind(404, "No proof yet", "The block has not been proven yet; its `status` says how far it is."),
    "unknown_l2_account": Kind(404, "No such account in the rollup", "No account of the rollup has this number."),
    "no_final_block": Kind(404, "No final block yet", "There is no root on the chain to prove anything against."),
    "invalid_token": Kind(401, "Unknown token", "Provers send `Authorization: Bearer` with a token of the exchange."),
    "lease_lost": Kind(
        409, "Lease lost", "The lease has ended, or is another's: the block was given out again. Ask for a new one."
    ),
    "proof_refused": Kind(
        422, "Proof refused", "It does not prove the block's public inputs. The lease is over; nothing was changed."
    ),
    "keys_not_ready": Kind(503, "No proving keys yet", "The exchange is still making them. Try again."),
    "unknown_key_file": Kind(404, "No such key file", "The exchange has other keys by now: list them anew."),
    "invalid_range": Kind(
        416, "Invalid range", "Send `Range: bytes=START-`, with the first byte that is wanted, within the file."
    ),
    # --- sockets alone
    "text_only": Kind(400, "Text frames only", "A binary frame was ignored; send JSON as text."),
    "unknown_op": Kind(400, "Unknown op", "docs/sockets.md lists the ops."),
    "unknown_channel": Kind(404, "No such channel", "docs/sockets.md lists the channels."),
    "already_subscribed": Kind(409, "Already subscribed", "This socket hears this channel already."),
    "not_subscribed": Kind(409, "Not subscribed", "This socket does not hear this channel."),
    "too_many_subscriptions": Kind(429, "Too many subscriptions", "A socket hears at most 200 channels."),
    "too_many_in_flight": Kind(
        429, "Too many commands in flight", "A socket has at most 1,000 unanswered commands; wait for replies."
    ),
    "already_authenticated": Kind(409, "Already authenticated", "A socket speaks for one account; open another."),
    "too_many_connections": Kind(503, "Too many connections", "This process serves no more sockets. Try again."),
    # --- the exchange's own trouble
    "deadline_passed": Kind(
        503, "Came too late", "The matcher reached the command after timestamp plus window; it was not executed."
    ),
    "overloaded": Kind(503, "Overloaded", "The command was surely not executed. Try again in a moment."),
    "unknown_outcome": Kind(
        504,
        "Outcome unknown",
        "No answer came in time; the command may still be executed. Ask by client id, or send the "
        "same again with the same client id.",
    ),
    "unavailable": Kind(503, "Unavailable", "A part of the exchange does not answer. Nothing was executed."),
    "not_yet": Kind(503, "Not yet there", "The read model has not reached X-Min-Sequence in time. Try again."),
    "internal_error": Kind(500, "Internal error", "Ours, not yours; it is logged. `request_id` finds it."),
}


class Problem(Exception):
    """An answer other than success. `code` is a key of PROBLEMS, `detail` a sentence for people.

    `extra` members go into the problem document, `headers` into the response.
    """

    def __init__(
        self, code: str, detail: str = "", *, headers: dict[str, str] | None = None, **extra: Any
    ) -> None:  # fmt: skip
        self.code = code if code in PROBLEMS else "internal_error"
        self.detail = detail or PROBLEMS[self.code].meaning
        self.headers = headers or {}
        self.extra = extra
        super().__init__(f"{self.code}: {self.detail}")

    @property
    def status(self) -> int:
        """The HTTP status."""
        return PROBLEMS[self.code].status

    def document(self) -> dict[str, Any]:
        """The members of the problem document (RFC 9457)."""
        kind = PROBLEMS[self.code]
        return {
            "type": f"/docs/errors#{self.code}",
            "title": kind.title,
            "status": kind.status,
            "detail": self.detail,
            "code": self.code,
            **self.extra,
        }


def markdown() -> str:
    """The table as docs/errors.md, which a test keeps equal to it."""
    lines = [
        "# Errors",
        "",
        "Every interface names an error by a stable `code`. Over REST it comes as `application/problem+json`",
        "(RFC 9457) with `type`, `title`, `status`, `detail` and `code`, and, where they help, `errors` (by field,",
        "what is wrong), `sequence` (of the refused command in the journal) and `request_id`. Over sockets it stands",
        "in `error`. Codes never change their meaning; `title` and `detail` are for people.",
        "",
        "Unless the status is 500 or 504, an error means that nothing was executed.",
        "",
        "Made from `accounts/problems.py` by `manage.py error_codes`.",
        "",
        "| code | status | title | meaning |",
        "|---|---|---|---|",
    ]
    rows = [f"| `{code}` | {kind.status} | {kind.title} | {kind.meaning} |" for code, kind in PROBLEMS.items()]
    return "\n".join([*lines, *rows]) + "\n"


@contextmanager
def executed() -> Iterator[None]:
    """Around what needs the database after the matcher's answer: a failure there must not say "nothing happened".

    Raises Problem unknown_outcome in place of a database error.
    """
    try:
        yield
    except (DatabaseError, psycopg.Error, LookupError) as error:
        raise Problem("unknown_outcome") from error
