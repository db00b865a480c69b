"""The clock, the account, and API keys."""

import time
from typing import Any, cast

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from accounts import kinds, limits, selectors, services
from accounts.api.authentication import SAFE_METHODS, BrowserSession, client_ip
from accounts.api.base import PrivateView, PublicView, answer
from accounts.api.openapi import Milliseconds, documented
from accounts.auth import Caller
from accounts.models import PERMISSIONS, READ, ApiKey
from accounts.problems import Problem


class Time(serializers.Serializer[Any]):
    """The exchange's clock."""

    time = Milliseconds()


class Account(serializers.Serializer[Any]):
    """A trading account and what the caller may do with it."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    permissions = serializers.ListField(child=serializers.ChoiceField(choices=PERMISSIONS))
    rate_tier = serializers.CharField()
    created_at = Milliseconds()


class NewKey(serializers.Serializer[Any]):
    """A key to make."""

    permissions = serializers.ListField(child=serializers.ChoiceField(choices=PERMISSIONS), min_length=1, max_length=3)
    label = serializers.CharField(required=False, allow_blank=True, max_length=64)  # type: ignore[assignment]  # a name
    ip_allow = serializers.ListField(
        child=serializers.CharField(max_length=64), required=False, max_length=services.MAX_NETWORKS_PER_KEY,
        help_text="Addresses or networks like 10.0.0.0/8; empty: any.",
    )  # fmt: skip
    public_key = serializers.CharField(
        required=False, max_length=kinds.PEM_LENGTH_MAX, trim_whitespace=True,
        help_text="PEM of an Ed25519 or RSA public key: then there is no secret, and signatures are base64.",
    )  # fmt: skip


class Key(serializers.Serializer[Any]):
    """An API key, without its secret."""

    key = serializers.CharField()
    kind = serializers.ChoiceField(choices=kinds.KINDS)
    label = serializers.CharField()  # type: ignore[assignment]  # a name
    permissions = serializers.ListField(child=serializers.ChoiceField(choices=PERMISSIONS))
    ip_allow = serializers.ListField(child=serializers.CharField())
    created_at = Milliseconds()
    last_used_at = Milliseconds(allow_null=True)
    revoked_at = Milliseconds(allow_null=True)


class MadeKey(serializers.Serializer[Any]):
    """A new key; the secret is shown this once. A key made from a public key has none."""

    key = serializers.CharField()
    secret = serializers.CharField(allow_null=True)


class KeyList(serializers.Serializer[Any]):
    """The account's keys, newest first."""

    keys = Key(many=True)


class TimeView(PublicView):
    """/time"""

    @documented("The exchange's clock", answer=Time, tags=["account"])
    def get(self, request: Request) -> HttpResponse:
        """Compare it with your own before signing."""
        return answer({"time": time.time_ns() // 1_000_000})


class AccountView(PrivateView):
    """/account"""

    @documented("The account", answer=Account, tags=["account"])
    def get(self, request: Request) -> HttpResponse:
        """Whose key or session this is."""
        account = selectors.get_account(account_id=self.caller.account_id)
        return answer(
            {
                "id": account.pk,
                "name": account.name,
                "permissions": [name for name in PERMISSIONS if name in self.caller.permissions],
                "rate_tier": account.rate_tier,
                "created_at": _ms(account.created_at),
            }
        )


class _KeysView(PrivateView):
    """Keys are managed by people who are signed in: a stolen key must not make others."""

    authentication_classes = [BrowserSession]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """As for all, but a key's signature does not count here, and a write is no order."""
        if "HTTP_PVX_KEY" in request.META:
            raise Problem("session_required")
        if request.method in SAFE_METHODS:
            super().initial(request, *args, **kwargs)
            return
        if request.auth is None:
            raise Problem("not_authenticated")
        self.caller = cast("Caller", request.auth)
        self.caller.require(READ)
        self.allowance = limits.take(f"account {self.caller.account_id}", limits.limit_of("standard", "requests"))


class KeysView(_KeysView):
    """/keys"""

    @documented("List API keys", answer=KeyList, tags=["keys"])
    def get(self, request: Request) -> HttpResponse:
        """Revoked ones too."""
        return answer({"keys": [_key_json(key) for key in selectors.list_api_keys(account_id=self.caller.account_id)]})

    @documented("Make an API key", body=NewKey, answer=MadeKey, status=201, tags=["keys"])
    def post(self, request: Request) -> HttpResponse:
        """The secret is in this answer and nowhere else."""
        fields = _read_new_key(self.json_object())
        key, secret = services.create_api_key(
            account=selectors.get_account(account_id=self.caller.account_id),
            actor_id=self.caller.user_id,
            ip=client_ip(request) or None,
            **fields,
        )
        return answer({"key": key, "secret": secret or None}, status=201)


class KeyView(_KeysView):
    """/keys/{key}"""

    @documented("Revoke an API key", answer=None, status=204, tags=["keys"])
    def delete(self, request: Request, key: str) -> HttpResponse:
        """Nothing signed with it is taken from now on."""
        services.revoke_api_key(
            account=selectors.get_account(account_id=self.caller.account_id),
            key=key,
            actor_id=self.caller.user_id,
            ip=client_ip(request) or None,
        )
        return HttpResponse(status=204)


def _read_new_key(body: dict[str, Any]) -> dict[str, Any]:
    """Fields of a new key. Raises Problem invalid_request with `errors`."""
    form = NewKey(data=body)
    unknown = set(body) - set(form.fields)
    if unknown or not form.is_valid():
        errors = {name[:64]: "no such field" for name in unknown}
        if not unknown:
            errors = {name: str(sentences) for name, sentences in form.errors.items()}
        raise Problem("invalid_request", "; ".join(f"{n}: {s}" for n, s in errors.items())[:500], errors=errors)
    return dict(form.validated_data)


def _key_json(key: ApiKey) -> dict[str, Any]:
    return {
        "key": key.key,
        "kind": key.kind,
        "label": key.label,
        "permissions": key.permissions,
        "ip_allow": key.ip_allow,
        "created_at": _ms(key.created_at),
        "last_used_at": _ms(key.last_used_at),
        "revoked_at": _ms(key.revoked_at),
    }


def _ms(at: Any) -> int | None:
    return None if at is None else round(at.timestamp() * 1000)
