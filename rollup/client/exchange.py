"""The few requests that a user of self custody needs, over /api/v1."""

import json
import time
import urllib.error
import urllib.request
from typing import Any, Final

from accounts import signing

TIMEOUT_S: Final = 30


class Refused(Exception):
    """The exchange said no: `status`, and `code` of docs/errors.md."""

    def __init__(self, status: int, document: dict[str, Any]) -> None:
        super().__init__(f"{document.get('code')}: {document.get('detail')}")
        self.status = status
        self.code = str(document.get("code"))


class Exchange:
    """An API key at an exchange, with the permissions read, trade and, to move money, withdraw."""

    def __init__(self, url: str, key: str, secret: str) -> None:
        self._url = url.rstrip("/")
        self._key, self._secret = key, secret

    def terms(self) -> dict[str, Any]:
        """What a signer needs."""
        return self.request("GET", "/api/v1/signed")

    def link(self, body: dict[str, Any]) -> dict[str, Any]:
        """Announce a key; see Signer.link."""
        return self.request("POST", "/api/v1/l2/accounts", body)

    def place(self, body: dict[str, Any]) -> dict[str, Any]:
        """Place what Signer.order made."""
        return self.request("POST", "/api/v1/signed/orders", body)

    def amend(self, order_id: int, body: dict[str, Any]) -> dict[str, Any]:
        """Amend by what Signer.amend made."""
        return self.request("POST", f"/api/v1/signed/orders/{order_id}/amend", body)

    def transfer(self, body: dict[str, Any]) -> dict[str, Any]:
        """Send what Signer.transfer made."""
        return self.request("POST", "/api/v1/signed/transfers", body)

    def withdraw(self, body: dict[str, Any]) -> dict[str, Any]:
        """Send what Signer.withdrawal made."""
        return self.request("POST", "/api/v1/signed/withdrawals", body)

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Any request of /api/v1. Raises Refused, OSError."""
        data = b"" if body is None else json.dumps(body).encode()
        headers = signing.headers(
            key=self._key, secret=self._secret, timestamp_ms=time.time_ns() // 1_000_000, method=method,
            path_with_query=path, body=data,
        )  # fmt: skip
        asked = urllib.request.Request(  # noqa: S310  the user's own address
            self._url + path,
            data=data or None,
            method=method,
            headers=headers | {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(asked, timeout=TIMEOUT_S) as answer:  # noqa: S310
                document: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(error.code, json.load(error)) from None
        return document
