"""Who sends a signed request in this dialect: X-MBX-APIKEY, and a signature over the parameters as they came.

The key is the same as PVX-KEY of /api/v1, of any kind (accounts/kinds.py).
"""

import re
from typing import Final

from accounts import auth, keys, kinds, signing
from accounts.auth import Caller
from accounts.binance import errors, params
from accounts.binance.errors import refuse
from accounts.keys import KnownKey
from accounts.problems import Problem

AHEAD_US_MAX: Final = 1_000_000
# From here on a timestamp is in microseconds.
MICROSECONDS_FROM: Final = 10**14
_HEX: Final = re.compile(r"[A-Fa-f0-9]{64}", re.ASCII)
_KEY: Final = re.compile(r"[A-Za-z0-9]{1,64}", re.ASCII)


def known_key(key: str | None, ip: str) -> KnownKey:
    """The key of a request. Raises Refusal -2014, -2015."""
    if not key or not _KEY.fullmatch(key):
        raise refuse(errors.BAD_KEY_FORMAT)
    known = keys.find(key, address=ip)
    if known is None:
        raise refuse(errors.BAD_KEY)
    try:
        auth.check_network(known, ip)
    except Problem:
        raise refuse(errors.BAD_KEY) from None
    return known


def signed_text(query: str, body: str = "") -> bytes:
    """What is signed: query and form as they came, one after the other, without the parameter `signature`."""
    return (_unsigned(query) + _unsigned(body)).encode("utf-8", "surrogateescape")


def _unsigned(text: str) -> str:
    if "signature=" not in text:
        return text
    return "&".join(pair for pair in text.split("&") if not pair.startswith("signature="))


def authenticate(
    *, known: KnownKey, message: bytes, signature: str | None, timestamp: str | None, window: str | None, now_us: int
) -> Caller:
    """The caller behind a signed request; its deadline is timestamp + recvWindow, to be checked by the matcher again.

    Raises Refusal: -1102 (no timestamp or signature), -1100, -1131 (recvWindow), -1021, -1022.
    """
    if not timestamp:
        raise params.missing("timestamp")
    if not signature:
        raise params.missing("signature")
    window_us = params.window_us(window or None)
    number = params.integer()("timestamp", timestamp)
    sent_us = number if number >= MICROSECONDS_FROM else number * 1_000
    if sent_us >= now_us + AHEAD_US_MAX:
        raise refuse(errors.AHEAD)
    if now_us - sent_us > window_us:
        raise refuse(errors.OUTSIDE_WINDOW)
    if known.public_key is None and not _HEX.fullmatch(signature):
        raise params.illegal("signature", "^[A-Fa-f0-9]{64}$")
    verified = kinds.verified(known.secret, known.public_key, message, signature)
    if not verified:
        raise refuse(errors.BAD_SIGNATURE)
    deadline_us = sent_us + window_us
    return Caller(
        account_id=known.account_id, permissions=known.permissions, tier=known.tier, deadline_us=deadline_us,
        # Two writes of one content and millisecond are two keys' or one request's: the key belongs to it.
        key=known.key, signature=f"b:{known.key}:{verified}", signed_ms=sent_us // 1_000,
        expires_ms=deadline_us // 1_000,
    )  # fmt: skip


def require(caller: Caller, permission: str) -> None:
    """Raises Refusal -2015 unless the key has the permission."""
    if permission not in caller.permissions:
        raise refuse(errors.BAD_KEY)


def session_caller(known: KnownKey, now_us: int) -> Caller:
    """The caller of a request on a socket that has logged on: unsigned, its deadline made here."""
    return Caller(
        account_id=known.account_id, permissions=known.permissions, tier=known.tier,
        deadline_us=now_us + signing.WINDOW_MS_DEFAULT * 1_000, key=known.key,
    )  # fmt: skip
