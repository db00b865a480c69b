"""Who may open a socket, and who is at its other end."""

import time
import urllib.request
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from accounts.signing import SOCKET_METHOD, SOCKET_PATH, sign
from tests.patience import PATIENCE_S
from tests.sockets.client import Client
from tests.stack import Stack

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def account(stack: Stack) -> dict[str, Any]:
    return stack.account("socket-auth", USDT="1000")


def signed(account: dict[str, Any], **changes: Any) -> dict[str, Any]:
    timestamp = time.time_ns() // 1_000_000 + changes.pop("late_ms", 0)
    signature = sign(account["secret"], timestamp, SOCKET_METHOD, SOCKET_PATH, window_ms=changes.get("window"))
    return {"key": account["key"], "timestamp": timestamp, "sign": signature} | changes


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"key": "0" * 32}, "invalid_key"),
        ({"key": 5}, "invalid_request"),
        ({"sign": "0" * 64}, "invalid_signature"),
        ({"sign": "ü" * 64}, "invalid_signature"),
        ({"sign": None}, "invalid_request"),
        ({"timestamp": "soon"}, "invalid_timestamp"),
        ({"timestamp": 1.5}, "invalid_timestamp"),
        ({"timestamp": None}, "invalid_timestamp"),
        ({"late_ms": -10_000}, "signature_expired"),
        ({"late_ms": 60_000}, "invalid_timestamp"),
        ({"window": 60_001}, "invalid_timestamp"),
        ({"extra": 1}, "invalid_request"),
    ],
)
def test_a_wrong_auth_gives_nothing(stack: Stack, account: dict[str, Any], changes: dict[str, Any], code: str) -> None:
    with Client(stack.socket_url) as client:
        assert client.code("auth", **signed(account, **changes)) == code
        for channel in ("orders", "fills", "balances"):
            assert client.code("subscribe", channel=channel) == "not_authenticated"
        assert client.code("order.cancel_all", params={}) == "not_authenticated"
        # The socket lives, and a right auth is taken.
        assert client.auth(account)["account"] == account["account"]


def test_an_auth_message_is_taken_once(stack: Stack, account: dict[str, Any]) -> None:
    message = signed(account, window=60_000)
    with Client(stack.socket_url) as client:
        client.ok("auth", **message)
        assert client.code("auth", **signed(account)) == "already_authenticated"
    with Client(stack.socket_url) as thief:
        assert thief.code("auth", **message) == "signature_replayed"
        assert thief.code("subscribe", channel="balances") == "not_authenticated"


def test_without_a_session_there_is_no_bare_auth(stack: Stack) -> None:
    with Client(stack.socket_url) as client:
        assert client.code("auth") == "not_authenticated"
    # Without an Origin no cookie counts.
    with Client(stack.socket_url, additional_headers={"Cookie": "sessionid=x"}) as client:
        assert client.code("auth") == "not_authenticated"


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:1", "http://127.0.0.1.evil.example"]
)
def test_a_foreign_origin_is_refused_in_the_handshake(stack: Stack, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        Client(stack.socket_url, origin=origin)
    assert refused.value.response.status_code == 403


def test_another_path_is_refused_in_the_handshake(stack: Stack) -> None:
    for path in ("/ws/v2", "/", "/ws/v1/x"):
        with pytest.raises(InvalidStatus) as refused:
            Client(stack.socket_url.replace("/ws/v1", path))
        assert refused.value.response.status_code == 403


def test_our_own_origin_is_welcome(stack: Stack) -> None:
    with Client(stack.socket_url, origin=stack.base_url) as client:
        assert client.ok("ping")["time"] > 0
        assert client.code("auth") == "not_authenticated"


def test_a_browsers_session_is_its_account(stack: Stack) -> None:
    made = session_of(stack, "socket-browser")
    with Client(
        stack.socket_url, origin=stack.base_url, additional_headers={"Cookie": f"sessionid={made['session']}"}
    ) as client:
        assert client.ok("auth")["account"] == made["account"]
        client.ok("subscribe", channel="balances")
        assert client.on("balances", "snapshot")["balances"] == []
        forget_session(stack, made["session"])
        code, reason = client.closed()
    assert (code, reason.partition(":")[0]) == (4001, "signed_out")


def test_a_revoked_key_closes_its_sockets_at_once(stack: Stack) -> None:
    account = stack.account("socket-revoked", USDT="1000")
    with Client(stack.socket_url) as client, Client(stack.socket_url) as other:
        client.auth(account)
        other.auth(stack.account("socket-kept", USDT="1000"))
        shell(
            stack,
            "from accounts.models import Account;from accounts.services import revoke_api_key;"
            f"revoke_api_key(account=Account.objects.get(pk={account['account']}), key='{account['key']}')",
        )
        code, reason = client.closed()
        assert (code, reason.partition(":")[0]) == (4001, "signed_out")
        assert other.ok("ping")["time"] > 0
    with Client(stack.socket_url) as client:
        assert client.code("auth", **signed(account)) == "invalid_key"


def test_health_on_the_sockets_port(stack: Stack) -> None:
    base = stack.socket_url.replace("ws://", "http://").removesuffix("/ws/v1")
    for path in ("/health/live", "/health/ready"):
        with urllib.request.urlopen(base + path, timeout=PATIENCE_S) as answer:
            assert answer.status == 200
    with pytest.raises(urllib.error.HTTPError) as missing:
        urllib.request.urlopen(base + "/admin/", timeout=PATIENCE_S)
    assert missing.value.code == 404


def shell(stack: Stack, code: str) -> str:
    return stack.manage("shell", "--verbosity", "0", "-c", code)


def session_of(stack: Stack, name: str) -> dict[str, Any]:
    """A signed-in browser's session: {"account", "session"}."""
    printed = shell(
        stack,
        "from django.contrib.auth.models import User;from django.contrib.auth import SESSION_KEY,BACKEND_SESSION_KEY,"
        "HASH_SESSION_KEY;from django.contrib.sessions.backends.db import SessionStore;from accounts import services;"
        f"u=User.objects.create_user('{name}');"
        "from accounts.models import Account;"
        "a=Account.objects.filter(user=u).first() or services.create_account(user=u);s=SessionStore();"
        "s[SESSION_KEY]=str(u.pk);s[BACKEND_SESSION_KEY]='django.contrib.auth.backends.ModelBackend';"
        "s[HASH_SESSION_KEY]=u.get_session_auth_hash();s.save();print('MADE',a.pk,s.session_key)",
    )
    words = printed[printed.index("MADE") :].split()
    return {"account": int(words[1]), "session": words[2]}


def forget_session(stack: Stack, session: str) -> None:
    shell(stack, f"from django.contrib.sessions.models import Session;Session.objects.filter(pk='{session}').delete()")
