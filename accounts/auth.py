"""Who sends a signed request: the checks that REST and sockets share. No database on the hot path."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from accounts import keys, kinds, signing
from accounts.problems import Problem

if TYPE_CHECKING:
    from accounts.keys import KnownKey

# A client's clock may run ahead of ours by this much.
AHEAD_MS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, what they may do, and until when their command may run (µs since the epoch)."""

    account_id: int
    permissions: frozenset[str]
    tier: str
    deadline_us: int
    # What was signed, once and for all: empty for a browser session.
    key: str = ""
    signature: str = ""
    signed_ms: int = 0
    expires_ms: int = 0
    # Who is signed in, of a browser session.
    user_id: int | None = None

    def require(self, permission: str) -> None:
        """Raises Problem permission_denied."""
        if permission not in self.permissions:
            raise Problem("permission_denied", f"the key lacks the permission {permission!r}")


def authenticate(
    *, key: str, timestamp: str, signature: str, window: str | None, method: str, path_with_query: str,
    body: bytes, ip: str, now_ms: int,
) -> Caller:  # fmt: skip
    """The caller behind a signed request, from its headers as sent.

    Raises Problem: rate_limited (too many unknown keys from this address), invalid_key, invalid_timestamp,
    signature_expired, invalid_signature, ip_not_allowed.
    Whether the request was received before is asked separately (accounts/gate.py), of writes only.
    """
    known = keys.find(key, address=ip)
    if known is None:
        raise Problem("invalid_key")
    timestamp_ms = _integer(timestamp)
    window_ms = None if window is None else _integer(window)
    if window_ms is not None and not 1 <= window_ms <= signing.WINDOW_MS_MAX:
        raise Problem("invalid_timestamp")
    expires_ms = timestamp_ms + (signing.WINDOW_MS_DEFAULT if window_ms is None else window_ms)
    if timestamp_ms > now_ms + AHEAD_MS_MAX:
        raise Problem("invalid_timestamp", f"the timestamp lies {timestamp_ms - now_ms} ms ahead", time=now_ms)
    if now_ms > expires_ms:
        raise Problem("signature_expired", time=now_ms)
    message = signing.canonical(timestamp_ms, method.upper(), path_with_query, body, window_ms)
    verified = kinds.verified(known.secret, known.public_key, message, signature)
    if not verified:
        raise Problem("invalid_signature")
    check_network(known, ip)
    return Caller(
        account_id=known.account_id,
        permissions=known.permissions,
        tier=known.tier,
        deadline_us=expires_ms * 1_000,
        key=key,
        signature=verified,
        signed_ms=timestamp_ms,
        expires_ms=expires_ms,
    )


def _integer(text: str) -> int:
    """A header's count of milliseconds; only digits, since int() also takes "1_0", " 7" and "٣"."""
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise Problem("invalid_timestamp")
    return int(text)


def check_network(known: "KnownKey", ip: str) -> None:
    """Raises Problem ip_not_allowed."""
    if not known.networks:
        return
    try:
        address = ip_address(ip)
    except ValueError:
        raise Problem("ip_not_allowed", "the request has no address the exchange can tell") from None
    if not any(address in network for network in known.networks):
        raise Problem("ip_not_allowed", f"{ip} is not on the key's allow-list")
