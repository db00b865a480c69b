"""What follows from the address that the world sees (PUBLIC_URL), and how mail leaves (EMAIL_URL)."""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

YEAR_S: Final = 365 * 24 * 3600


@dataclass(frozen=True)
class PublicAddress:
    """The one origin of a deployment: pages, REST and, at /ws/v1, sockets, behind a proxy that ends TLS."""

    scheme: str
    host: str  # as in an origin: with the port, if it is not the scheme's own

    @property
    def is_secure(self) -> bool:
        """Whether browsers come by https."""
        return self.scheme == "https"

    @property
    def origin(self) -> str:
        """For CSRF, sockets and the Content-Security-Policy."""
        return f"{self.scheme}://{self.host}"

    @property
    def socket_origin(self) -> str:
        """The same for sockets."""
        return f"{'wss' if self.is_secure else 'ws'}://{self.host}"

    @property
    def name(self) -> str:
        """The host without its port."""
        return urlsplit(self.origin).hostname or ""


def read_public_url(url: str) -> PublicAddress:
    """Raises ValueError for what is no origin."""
    parts = urlsplit(url.rstrip("/"))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query or parts.username:
        raise ValueError(f"PUBLIC_URL is an origin like https://exchange.example, not {url!r}")
    return PublicAddress(parts.scheme, parts.netloc.lower())


def secure_settings(*, hsts_s: int) -> dict[str, Any]:
    """Django's settings behind a proxy that ends TLS, sets X-Forwarded-Proto, and lets no client set it.

    Cookies with the prefix __Host- are taken by browsers from this very host over https alone: no neighbour under the
    same domain can plant a session.
    """
    return {
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_NAME": "__Host-sessionid",
        "CSRF_COOKIE_SECURE": True,
        "CSRF_COOKIE_NAME": "__Host-csrftoken",
        "SECURE_HSTS_SECONDS": hsts_s,
        "ACCOUNT_DEFAULT_HTTP_PROTOCOL": "https",
    }


def email_settings(url: str) -> dict[str, Any]:
    """Django's settings of EMAIL_URL: console:, smtp://[user:password@]host[:port][?tls=1], or smtps://… (TLS at once).

    Raises ValueError for anything else.
    """
    parts = urlsplit(url)
    if url in ("console:", "console://"):
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("EMAIL_URL is console:, smtp://user:password@host:587?tls=1 or smtps://user:password@host")
    is_secure = parts.scheme == "smtps"
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if is_secure else 25),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": is_secure,
        "EMAIL_USE_TLS": not is_secure and dict(parse_qsl(parts.query)).get("tls") == "1",
        "EMAIL_TIMEOUT": 10,
    }
