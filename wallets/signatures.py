"""Signatures of movements by users who hold their own keys: kept with the row, so that it can be sent again.

Whether one is good was verified before (rollup.signed); here it is carried along.
"""

from typing import Any, NamedTuple

from matching.engine import commands
from matching.engine.commands import Command
from wallets.models import InternalTransfer, Withdrawal


class MovementSignature(NamedTuple):
    """The key it was verified with, the account's nonce that it uses up, and the signature: a point R, a number S."""

    x: int
    y: int
    nonce: int
    r_x: int
    r_y: int
    s: int


def written(signature: MovementSignature | None) -> dict[str, str] | None:
    """As a row has it: numbers beyond 64 bits are text."""
    return None if signature is None else {name: str(value) for name, value in signature._asdict().items()}


def transfer_command(row: InternalTransfer) -> Command:
    """The command of a transfer, signed or not."""
    fields: dict[str, Any] = {
        "transfer": row.pk, "source": row.from_account_id, "to": row.to_account_id, "asset": row.asset_id,
        "amount": row.amount,
    }  # fmt: skip
    if row.signature is None:
        return commands.transfer(**fields)
    return commands.signed_transfer(**_read(row.signature), **fields)


def withdrawal_command(row: Withdrawal) -> Command:
    """The command that a withdrawal begins with; one that its user signed ends with it too."""
    fields: dict[str, Any] = {
        "withdrawal": row.pk, "account": row.account_id, "asset": row.asset_id, "amount": row.amount,
        "recipient": row.recipient or 0,
    }  # fmt: skip
    if row.signature is None:
        return commands.hold(**fields)
    return commands.signed_withdraw(**_read(row.signature), **fields)


def _read(record: dict[str, str]) -> dict[str, Any]:
    kept = MovementSignature(**{name: int(value) for name, value in record.items()})
    return {"key": (kept.x, kept.y), "nonce": kept.nonce, "r_x": kept.r_x, "r_y": kept.r_y, "s": kept.s}
