"""The two ways to say who one is: a signed request, or a browser's session with its CSRF token."""

import time
from typing import Any

from django.conf import settings
from django.contrib import auth as django_auth
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.request import Request

from accounts import auth, failures, network, selectors, signing
from accounts.auth import Caller
from accounts.models import PERMISSIONS
from accounts.problems import Problem
from accounts.sessions import SessionStore
from matching import borrowing

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class SignedRequest(BaseAuthentication):
    """An API key: PVX-KEY, PVX-TIMESTAMP, PVX-SIGN and, if wanted, PVX-WINDOW. No database query."""

    def authenticate(self, request: Request) -> tuple[Caller, Caller] | None:
        """The caller, or None for a request without the headers."""
        # Django's own request: DRF's passes each attribute on in two steps.
        sent: HttpRequest = request._request
        meta = sent.META
        key = meta.get("HTTP_PVX_KEY")
        if key is None:
            return None
        caller = auth.authenticate(
            key=key,
            timestamp=meta.get("HTTP_PVX_TIMESTAMP", ""),
            signature=meta.get("HTTP_PVX_SIGN", ""),
            window=meta.get("HTTP_PVX_WINDOW"),
            method=sent.method or "",
            path_with_query=sent.get_full_path(),
            body=sent.body,
            ip=client_ip(sent),
            now_ms=time.time_ns() // 1_000_000,
        )
        return caller, caller


class BrowserSession(BaseAuthentication):
    """A signed-in browser. API paths pass no session middleware, so the session is opened here, when there is one."""

    def authenticate(self, request: Request) -> tuple[Caller, Caller] | None:
        """The caller, or None without a valid session. Writes need the CSRF token."""
        session = SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
        if session.session_key is None:
            return None
        address = client_ip(request)
        failures.require_patience(address)
        django_request: HttpRequest = request._request
        # Before the database is asked: a body that never comes must not keep one of the few connections.
        _ = django_request.body
        django_request.session = session
        user = django_auth.get_user(django_request)
        if not user.is_authenticated or not user.is_active:
            failures.note(address)
            return None
        if request.method not in SAFE_METHODS:
            _check_csrf(django_request)
        now_us = time.time_ns() // 1_000
        caller = Caller(
            account_id=selectors.account_of_user(user).pk,
            permissions=frozenset(PERMISSIONS),
            tier="standard",
            deadline_us=now_us + signing.WINDOW_MS_DEFAULT * 1_000,
            user_id=user.pk,
        )
        borrowing.give_back()
        return caller, caller


def _check_csrf(request: HttpRequest) -> None:
    check = CSRFCheck(lambda _: None)  # type: ignore[arg-type]  # its answer is never used
    check.process_request(request)
    reason: Any = check.process_view(request, None, (), {})  # type: ignore[arg-type]  # nor is the view
    if reason:
        raise Problem("csrf_failed", str(reason))


def client_ip(request: Any) -> str:
    """The address the request came from."""
    return network.client_ip(request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR", ""))
