"""Dumps of the format before this one: a journal goes on where a program with the former rules stopped (ADR 63)."""

from typing import Any, Final

FORMER: Final = 2
# An order's dump had its client id here; what its user signed comes before it now.
_CLIENT_ID: Final = 11


def from_former(dump: dict[str, Any]) -> dict[str, Any]:
    """The dump of version 2 as of version 3: nobody was registered, nothing signed, no queue left behind."""
    return dump | {
        "format": FORMER + 1,
        "registry": None,
        "leaves": 0,
        "accounts": [[*row, []] for row in dump["accounts"]],
        "withdrawals": [[*row, 0] for row in dump["withdrawals"]],
        "markets": [_market(market) for market in dump["markets"]],
    }


def _market(dump: dict[str, Any]) -> dict[str, Any]:
    return dump | {
        "backlog": 0,
        "bids": [_order(row) for row in dump["bids"]],
        "asks": [_order(row) for row in dump["asks"]],
        "waiting": [[what, _order(row)] for what, row in dump["waiting"]],
    }


def _order(row: list[Any]) -> list[Any]:
    return [*row[:_CLIENT_ID], 0, 0, *row[_CLIENT_ID:]]
