"""Cursors: the place in a list where the next page begins, opaque to clients."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from accounts.problems import Problem

LIMIT_DEFAULT = 100
LIMIT_MAX = 500
ID_MAX = 2**63 - 1


def encode_cursor(last_id: int) -> str:
    """The cursor of the page after the row `last_id`."""
    return base64.urlsafe_b64encode(f"after:{last_id}".encode()).decode().rstrip("=")


def decode_cursor(text: str | None) -> int | None:
    """The id that a cursor holds; None for none. Raises Problem invalid_cursor."""
    if text is None:
        return None
    try:
        kind, _, number = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).partition(b":")
        if kind != b"after" or not number.isdigit() or len(number) > 19 or int(number) > ID_MAX:
            raise Problem("invalid_cursor")
        return int(number)
    except (ValueError, binascii.Error):
        raise Problem("invalid_cursor") from None


def limit_of(query: Mapping[str, Any], *, default: int = LIMIT_DEFAULT, most: int = LIMIT_MAX) -> int:
    """The `limit` of a query string, 1 … most. Raises Problem invalid_request."""
    text = query.get("limit")
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= most):
        raise Problem("invalid_request", f"limit is 1 to {most}", errors={"limit": f"1 to {most}"})
    return int(text)
