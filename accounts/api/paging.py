"""Cursors: the place in a list where the next page begins, opaque to clients. And sequences that reads wait for."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any

from rest_framework.request import Request

from accounts.problems import Problem

LIMIT_DEFAULT = 100
LIMIT_MAX = 500
ID_MAX = 2**63 - 1


def encode_cursor(last_id: int) -> str:
    """The cursor of the page after the row `last_id`."""
    return base64.urlsafe_b64encode(f"after:{last_id}".encode()).decode().rstrip("=")


def decode_cursor(text: str) -> int:
    """The id that a cursor holds. Raises Problem invalid_cursor."""
    try:
        kind, _, number = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).partition(b":")
    except (ValueError, binascii.Error):
        raise Problem("invalid_cursor") from None
    if kind != b"after" or not number.isdigit() or len(number) > 19 or int(number) > ID_MAX:
        raise Problem("invalid_cursor")
    return int(number)


def next_cursor(rows: Sequence[Any], limit: int) -> str | None:
    """The cursor after these rows; None when they are fewer than asked for, so that there are no more."""
    return encode_cursor(rows[-1].id) if len(rows) == limit else None


def wait_for_rows(request: Request, wait: Callable[[int], int]) -> int:
    """How far the read model is, after waiting for X-Min-Sequence if the request names one.

    `wait` is a read model's wait_for_sequence. Raises Problem invalid_request.
    """
    text = request.META.get("HTTP_X_MIN_SEQUENCE", "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Problem("invalid_request", "X-Min-Sequence is a count", errors={"X-Min-Sequence": "a count"})
    return wait(int(text))
