"""How a request is signed. Pure: the exchange, the demo traders, the docs and the tests share it."""

import hashlib
import hmac

WINDOW_MS_DEFAULT = 5_000
WINDOW_MS_MAX = 60_000
SOCKET_METHOD = "GET"
SOCKET_PATH = "/ws/v1"


def canonical(timestamp_ms: int, method: str, path_with_query: str, body: bytes, window_ms: int | None = None) -> bytes:
    """The bytes that are signed: time, method and path on a line each, then the body as sent.

    A window, when the request names one, follows the time after a dot: unsigned, whoever gets hold
    of a request could keep it alive for longer than its sender wanted.
    """
    time = str(timestamp_ms) if window_ms is None else f"{timestamp_ms}.{window_ms}"
    return f"{time}\n{method}\n{path_with_query}\n".encode() + body


def sign(  # noqa: PLR0917  the parts of the signed text, in its order
    secret: str, timestamp_ms: int, method: str, path_with_query: str, body: bytes = b"", window_ms: int | None = None
) -> str:
    """Hex HMAC-SHA256 of the request under the secret; what goes into PVX-SIGN."""
    message = canonical(timestamp_ms, method.upper(), path_with_query, body, window_ms)
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def headers(
    *, key: str, secret: str, timestamp_ms: int, method: str, path_with_query: str, body: bytes = b"",
    window_ms: int | None = None,
) -> dict[str, str]:  # fmt: skip
    """The signed request's headers, ready to send."""
    signed = {
        "PVX-KEY": key,
        "PVX-TIMESTAMP": str(timestamp_ms),
        "PVX-SIGN": sign(secret, timestamp_ms, method, path_with_query, body, window_ms),
    }
    if window_ms is not None:
        signed["PVX-WINDOW"] = str(window_ms)
    return signed
