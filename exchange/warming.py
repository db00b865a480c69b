"""What a web process does before it serves: whatever is made at its first use, so that no client waits for it.

Many clients at once on a process that has answered nothing yet would all wait for its imports, its first connections
and each other, longer than a request may wait for its turn (ADR 0094). What does not answer yet, a database that is
still being started, say, is left to the first request that needs it.
"""

import io
import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final

from django.db import connections

from accounts import gate, signing, vault
from matching import collector, gateway
from orders import listing

log = logging.getLogger(__name__)

WARM_S_MAX: Final = 5.0
# What no key is: as long, and unknown to the database.
NO_KEY: Final = "0" * 32
ORDER_PATHS: Final = ("/api/v1/orders", "/api/v3/order")

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def warm_up(application: Application) -> None:
    """Go the way of an order with everything but the order. Returns after WARM_S_MAX at the latest."""
    thread = threading.Thread(target=_warm_up, args=(application,), name="warming", daemon=True)
    thread.start()
    thread.join(WARM_S_MAX)
    collector.settle()


def _warm_up(application: Application) -> None:
    steps: tuple[Callable[[], object], ...] = (
        *(lambda path=path: _place_unknown(application, path) for path in ORDER_PATHS),
        lambda: vault.decrypt(vault.encrypt("")),
        listing.all_markets,
        gate.begin_remembering,
        gateway.prepare,
    )
    for step in steps:
        try:
            step()
        except Exception as error:
            log.info("not warm yet: %s", error)
    # Back to the pool.
    connections.close_all()


def _place_unknown(application: Application, path: str) -> None:
    """An order that is refused since nobody has its key: routing, views, body, signature and database on the way."""
    body = b"{}"
    headers = signing.headers(
        key=NO_KEY, secret="", timestamp_ms=0, method="POST", path_with_query=path, body=body
    )  # fmt: skip
    answer = application(
        {
            "REQUEST_METHOD": "POST", "PATH_INFO": path, "QUERY_STRING": "", "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)), "SERVER_NAME": "localhost", "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "", "wsgi.input": io.BytesIO(body), "wsgi.url_scheme": "http",
            "HTTP_X_MBX_APIKEY": NO_KEY,
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
        },
        lambda status, headers: None,
    )  # fmt: skip
    for _ in answer:
        pass
    close = getattr(answer, "close", None)
    if close is not None:
        close()
