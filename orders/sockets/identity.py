"""Who is at the other end of a socket. Everything here asks the database and therefore runs in a thread."""

import time
from typing import Any

from django.contrib import auth as django_auth
from django.http import HttpRequest

from accounts import auth, failures, gate, keys, selectors
from accounts.auth import Caller
from accounts.problems import Problem
from accounts.services import PERMISSIONS
from accounts.sessions import SessionStore
from accounts.signing import SOCKET_METHOD, SOCKET_PATH


def by_key(*, key: str, timestamp: str, signature: str, window: str | None, ip: str) -> Caller:
    """The caller of a signed `auth`, which is taken once. Raises Problem as accounts.auth and accounts.gate do."""
    caller = auth.authenticate(
        key=key, timestamp=timestamp, signature=signature, window=window, method=SOCKET_METHOD,
        path_with_query=SOCKET_PATH, body=b"", ip=ip, now_ms=time.time_ns() // 1_000_000,
    )  # fmt: skip
    gate.admit(caller, units=0)
    return caller


def by_session(session_key: str, *, ip: str = "") -> Caller:
    """The caller of a browser's session. Raises Problem not_authenticated, no_account; of an address, rate_limited."""
    if ip:
        failures.require_patience(ip)
    request = HttpRequest()
    request.session = SessionStore(session_key)
    user: Any = django_auth.get_user(request)
    if not user.is_authenticated or not user.is_active:
        if ip:
            failures.note(ip)
        raise Problem("not_authenticated", "the session is over")
    account = selectors.account_of_user(user)
    return Caller(account_id=account.pk, permissions=frozenset(PERMISSIONS), tier="standard", deadline_us=0)


def is_still(caller: Caller, session_key: str) -> bool:
    """Whether the key or the session is still good, and still for the same account."""
    try:
        if caller.key:
            known = keys.find(caller.key)
            return known is not None and known.account_id == caller.account_id
        return by_session(session_key).account_id == caller.account_id
    except Problem:
        return False
