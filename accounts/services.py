"""Writes of accounts and API keys; the audit row stands in the same transaction."""

import secrets
from collections.abc import Iterable
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from accounts import keys, kinds, vault
from accounts.models import PERMISSIONS, READ, TRADE, WITHDRAW, Account, ApiKey, AuditEntry
from accounts.problems import Problem

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# Words of this app that other apps use too; its models they don't.
__all__ = ["PERMISSIONS", "READ", "TRADE", "WITHDRAW", "Account", "create_account", "create_api_key", "revoke_api_key"]

MAX_KEYS_PER_ACCOUNT = 50
MAX_NETWORKS_PER_KEY = 32


def create_account(
    *, name: str = "main", user: "User | None" = None, is_system: bool = False, rate_tier: str = "standard"
) -> Account:
    """A new trading account; its id is the engine's account id. A name is taken once per user.

    `rate_tier` is a key of settings.RATE_LIMITS.
    """
    return Account.objects.create(user=user, name=name, is_system=is_system, rate_tier=rate_tier)


def create_api_key(
    *, account: Account, permissions: Iterable[str], label: str = "", ip_allow: Iterable[str] = (),
    public_key: str = "", actor_id: int | None = None, ip: str | None = None,
) -> tuple[str, str]:  # fmt: skip
    """A new key and its secret, which nobody can read again. With a public key (PEM) there is no secret: it is empty.

    Raises Problem: invalid_request (permission, network or public key not understood), too_many_keys.
    """
    granted = _checked_permissions(permissions)
    networks = _checked_networks(ip_allow)
    kind, kept_public_key = kinds.read_public_key(public_key) if public_key else (kinds.HMAC, "")
    key, secret = secrets.token_hex(16), "" if public_key else secrets.token_urlsafe(32)
    with transaction.atomic():
        # The lock makes the count exact when two requests come at once.
        Account.objects.select_for_update().get(pk=account.pk)
        if ApiKey.objects.filter(account=account, revoked_at=None).count() >= MAX_KEYS_PER_ACCOUNT:
            raise Problem("too_many_keys")
        ApiKey.objects.create(
            account=account, key=key, kind=kind, encrypted_secret=vault.encrypt(secret) if secret else b"",
            public_key=kept_public_key, label=label[:64], permissions=granted, ip_allow=networks,
        )  # fmt: skip
        _audit(
            "api_key.created", key, account, actor_id, ip, kind=kind, permissions=granted, ip_allow=networks,
            label=label[:64],
        )  # fmt: skip
    return key, secret


def revoke_api_key(*, account: Account, key: str, actor_id: int | None = None, ip: str | None = None) -> None:
    """Nothing signed with the key is taken from now on. Raises Problem unknown_key."""
    with transaction.atomic():
        revoked = ApiKey.objects.filter(account=account, key=key, revoked_at=None).update(revoked_at=timezone.now())
        if not revoked:
            raise Problem("unknown_key")
        _audit("api_key.revoked", key, account, actor_id, ip)
        transaction.on_commit(lambda: keys.announce_revoked(key))


def _audit(
    action: str, subject: str, account: Account, actor_id: int | None, ip: str | None, **detail: Any
) -> None:  # fmt: skip
    AuditEntry.objects.create(action=action, subject=subject, account=account, actor_id=actor_id, ip=ip, detail=detail)


def _checked_permissions(permissions: Iterable[str]) -> list[str]:
    asked = set(permissions)
    if not asked or not asked <= set(PERMISSIONS):
        raise Problem("invalid_request", f"permissions are one or more of {', '.join(PERMISSIONS)}")
    return [name for name in PERMISSIONS if name in asked]


def _checked_networks(networks: Iterable[str]) -> list[str]:
    checked = []
    for text in networks:
        try:
            checked.append(str(ip_network(text)))
        except ValueError as error:
            raise Problem("invalid_request", f"ip_allow: {error}") from None
    if len(checked) > MAX_NETWORKS_PER_KEY:
        raise Problem("invalid_request", f"ip_allow takes at most {MAX_NETWORKS_PER_KEY} networks")
    return checked
