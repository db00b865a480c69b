"""The fingerprint of an order's content: tells a repeated client order id from a re-used one."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from matching.rows import encode_json


def fingerprint(order_fields: Sequence[Any]) -> int:
    """63-bit hash of an order's fields, the same in every process and version; the engine only compares it.

    Pass what the client asked for (integers and text), without deadline or anything else that a retry changes.
    """
    digest = blake2b(encode_json(list(order_fields)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
