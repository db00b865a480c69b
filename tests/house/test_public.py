"""A deployment behind TLS: one setting turns on all that follows from it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client, override_settings

from accounts.adapter import AccountAdapter
from exchange import public

ROOT = Path(__file__).resolve().parents[2]
ASKED = (
    "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "SOCKET_ORIGINS", "SOCKET_PUBLIC_URL", "SESSION_COOKIE_SECURE",
    "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS", "SECURE_PROXY_SSL_HEADER", "STATIC_HASHED", "SESSION_COOKIE_NAME",
    "EMAIL_BACKEND", "EMAIL_HOST", "EMAIL_USE_TLS", "DEFAULT_FROM_EMAIL",
)  # fmt: skip


def settings_with(tmp_path: Path, **env: str) -> dict[str, Any]:
    """Settings of a process of its own."""
    code = (
        "import django.conf, json; s = django.conf.settings;"
        f"print(json.dumps({{n: getattr(s, n) for n in {ASKED!r}}} | {{'csp': s.CONTENT_SECURITY_POLICY}}))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "exchange.settings", "VAR_DIR": str(tmp_path)} | env,
    ).stdout  # fmt: skip
    return json.loads(printed)


def test_without_a_public_address_everything_is_plain(tmp_path: Path) -> None:
    found = settings_with(tmp_path)
    assert not found["SESSION_COOKIE_SECURE"] and not found["CSRF_COOKIE_SECURE"]
    assert (found["SECURE_HSTS_SECONDS"], found["SECURE_PROXY_SSL_HEADER"]) == (0, None)
    assert not found["STATIC_HASHED"]
    assert found["SESSION_COOKIE_NAME"] == "sessionid"
    assert found["EMAIL_BACKEND"].endswith("console.EmailBackend")


def test_https_turns_on_what_follows_from_it(tmp_path: Path) -> None:
    found = settings_with(
        tmp_path, PUBLIC_URL="https://exchange.example", EMAIL_URL="smtp://me:p%40ss@mail.example:587?tls=1"
    )
    assert "exchange.example" in found["ALLOWED_HOSTS"]
    assert found["CSRF_TRUSTED_ORIGINS"] == found["SOCKET_ORIGINS"] == ["https://exchange.example"]
    assert found["SOCKET_PUBLIC_URL"] == "wss://exchange.example/ws/v1"
    assert "wss://exchange.example" in found["csp"]["DIRECTIVES"]["connect-src"]
    assert found["SESSION_COOKIE_SECURE"] and found["CSRF_COOKIE_SECURE"] and found["STATIC_HASHED"]
    assert found["SECURE_HSTS_SECONDS"] == 365 * 24 * 3600
    assert found["SECURE_PROXY_SSL_HEADER"] == ["HTTP_X_FORWARDED_PROTO", "https"]
    assert (found["EMAIL_HOST"], found["EMAIL_USE_TLS"]) == ("mail.example", True)
    assert found["DEFAULT_FROM_EMAIL"] == "no-reply@exchange.example"


@pytest.mark.parametrize("url", ["exchange.example", "ftp://x", "https://", "https://x/path", "https://me@x"])
def test_a_public_address_is_an_origin(url: str) -> None:
    with pytest.raises(ValueError, match="PUBLIC_URL"):
        public.read_public_url(url)


def test_a_port_belongs_to_the_origin() -> None:
    address = public.read_public_url("https://Exchange.example:8443/")
    assert (address.origin, address.name) == ("https://exchange.example:8443", "exchange.example")
    assert address.socket_origin == "wss://exchange.example:8443"


@pytest.mark.parametrize("url", ["", "mail.example", "http://mail.example", "smtp://"])
def test_what_is_no_address_of_a_mail_server(url: str) -> None:
    with pytest.raises(ValueError, match="EMAIL_URL"):
        public.email_settings(url)


def test_mail_with_tls_at_once() -> None:
    found = public.email_settings("smtps://me:p%40ss@mail.example")
    assert (found["EMAIL_PORT"], found["EMAIL_USE_SSL"], found["EMAIL_USE_TLS"]) == (465, True, False)
    assert found["EMAIL_HOST_PASSWORD"] == "p@ss"


@pytest.mark.django_db
@override_settings(**public.secure_settings(hsts_s=3_600))
def test_cookies_and_headers_over_https(django_user_model: Any) -> None:
    django_user_model.objects.create_user("vera", password="correct-horse-9")
    client = Client(headers={"X-Forwarded-Proto": "https", "Host": "testserver"}, enforce_csrf_checks=True)
    page = client.get("/accounts/login/")
    assert page["Strict-Transport-Security"] == "max-age=3600"
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.content.decode())
    assert token is not None
    form = {"login": "vera", "password": "correct-horse-9", "csrfmiddlewaretoken": token[1]}
    assert client.post("/accounts/login/", form, headers={"Origin": "https://evil.example"}).status_code == 403
    answer = client.post("/accounts/login/", form, headers={"Origin": "https://testserver"})
    assert answer.status_code == 302
    cookie = answer.cookies["__Host-sessionid"]
    assert cookie["secure"] and cookie["httponly"] and cookie["path"] == "/" and not cookie["domain"]
    assert cookie["samesite"] == "Lax"
    assert answer.cookies["__Host-csrftoken"]["secure"]
    # The API takes the same cookie.
    assert client.get("/api/v1/keys").status_code in (200, 403)


def test_sign_in_counts_the_client_behind_our_proxy(rf: Any, settings: Any) -> None:
    request = rf.get("/", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.7"})
    settings.TRUSTED_PROXIES = []
    assert AccountAdapter(request).get_client_ip(request) == "10.0.0.1"
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    assert AccountAdapter(request).get_client_ip(request) == "203.0.113.7"


def test_hashed_modules_import_hashed_modules(tmp_path: Path) -> None:
    storage = {"BACKEND": "exchange.static_files.HashedFiles"}
    with override_settings(
        STATIC_ROOT=tmp_path, STATICFILES_FINDERS=["django.contrib.staticfiles.finders.FileSystemFinder"],
        STORAGES={"default": {"BACKEND": "django.core.files.storage.FileSystemStorage"}, "staticfiles": storage},
    ):  # fmt: skip
        call_command("collectstatic", interactive=False, verbosity=0)
    named = json.loads((tmp_path / "staticfiles.json").read_text())["paths"]
    seen, waiting = set(), [named["orders/market.js"], named["orders/markets.js"], named["accounts/keys.js"]]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        assert re.search(r"\.[0-9a-f]{12}\.js$", path), path
        text = (tmp_path / path).read_text()
        for target in re.findall(r"""(?:from|import)\s*\(?['"](\.{1,2}/[^'"]+)['"]""", text):
            waiting.append(str((tmp_path / path).parent.joinpath(target).resolve().relative_to(tmp_path.resolve())))
    assert len(seen) > 10
