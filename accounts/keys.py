"""API keys as the hot path sees them: cached in this process, revocations told through Redis.

A cached key is trusted for CACHE_S seconds without asking the database. Writing requests ask Redis in the
same round trip as the replay check (accounts/gate.py), so a revoked key stops trading at once and stops
reading within CACHE_S.
"""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeVar

from django.db.models import Q
from django.utils import timezone

from accounts import failures, redis_client, vault
from accounts.kinds import HMAC, PublicKey, load_public_key
from accounts.models import ApiKey
from matching import borrowing

T = TypeVar("T")
CACHE_S = 5.0
CACHE_KEYS_MAX = 10_000
LAST_USED_PRECISION = timedelta(minutes=1)
# Longer than any process can trust its cache.
REVOKED_TTL_S = 60
# Pub/sub: each revoked key. Sockets of that key are closed.
REVOKED_CHANNEL = "api:revoked"


@dataclass(frozen=True, slots=True)
class KnownKey:
    """What is needed to judge a signed request."""

    key: str
    secret: str
    account_id: int
    permissions: frozenset[str]
    tier: str
    networks: tuple[IPv4Network | IPv6Network, ...]
    # In place of a secret.
    public_key: PublicKey | None = None


# Known and unknown keys, each until when it is trusted. Apart, so that guesses push no real key out.
_cache: OrderedDict[str, tuple[float, KnownKey]] = OrderedDict()
_unknown: OrderedDict[str, float] = OrderedDict()
_lock = threading.Lock()


def find(key: str, *, address: str = "") -> KnownKey | None:
    """The key if it exists and isn't revoked; unknown ones are remembered for a moment, too.

    Whoever asks from an `address` may fail only so often before its guesses are not looked up any more: raises
    Problem rate_limited.
    """
    # What no key looks like must not reach the database: it refuses a NUL, for one.
    if len(key) > 64 or not (key.isascii() and key.isalnum()):
        return None
    now = time.monotonic()
    hit = _cache.get(key)
    if hit is not None and hit[0] > now:
        return hit[1]
    if _unknown.get(key, 0) > now:
        return None
    if address:
        failures.require_patience(address)
    known = _load(key)
    # A request that trades has no other query: it must not keep the connection to its end.
    borrowing.give_back()
    if known is None and address:
        failures.note(address)
    with _lock:
        if known is None:
            _cache.pop(key, None)
            _put(_unknown, key, now + CACHE_S)
        else:
            _unknown.pop(key, None)
            _put(_cache, key, (now + CACHE_S, known))
    return known


def _put(cache: "OrderedDict[str, T]", key: str, value: T) -> None:
    """As the newest entry; the oldest ones make room."""
    cache[key] = value
    cache.move_to_end(key)
    while len(cache) > CACHE_KEYS_MAX:
        cache.popitem(last=False)


def forget(key: str | None = None) -> None:
    """Drop one key, or all, from this process's cache."""
    with _lock:
        if key is None:
            _cache.clear()
            _unknown.clear()
        else:
            _cache.pop(key, None)
            _unknown.pop(key, None)


def revoked_name(key: str) -> str:
    """The Redis key that says that an API key was revoked a moment ago."""
    return f"api:revoked:{key}"


def announce_revoked(key: str) -> None:
    """Tell every process; caches that miss it expire by themselves."""
    forget(key)
    redis_client.get().set(revoked_name(key), 1, ex=REVOKED_TTL_S)
    redis_client.get().publish(REVOKED_CHANNEL, key)


def _load(key: str) -> KnownKey | None:
    # A key dies with its user: whoever may not sign in may not trade by key.
    owner_active = Q(account__user=None) | Q(account__user__is_active=True)
    row = ApiKey.objects.filter(owner_active, key=key, revoked_at=None).select_related("account").first()
    if row is None:
        return None
    now = timezone.now()
    if row.last_used_at is None or row.last_used_at < now - LAST_USED_PRECISION:
        ApiKey.objects.filter(pk=row.pk).update(last_used_at=now)
    return KnownKey(
        key=row.key,
        secret=vault.decrypt(bytes(row.encrypted_secret)) if row.kind == HMAC else "",
        public_key=load_public_key(row.public_key) if row.public_key else None,
        account_id=row.account_id,
        permissions=frozenset(row.permissions),
        tier=row.account.rate_tier,
        networks=tuple(ip_network(text) for text in row.ip_allow),
    )
