"""Money that came and went, as the dialect lists it: transfers within the exchange are deposits and withdrawals there.

Newest first, the latest thousand of each kind.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db.models import QuerySet

from accounts.binance.amounts import amount_text
from wallets import selectors
from wallets.models import Asset, Deposit, InternalTransfer, Movement, Withdrawal

ROWS_MAX: Final = 1_000
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)
INTERNAL, OUTSIDE = 1, 0
DEPOSIT_STATUS: Final = {"pending": 0, "credited": 1, "refused": 2, "requested": 0, "done": 1}
WITHDRAWAL_STATUS: Final = {
    "requested": 2, "held": 4, "sending": 4, "releasing": 4, "completing": 4, "refused": 3, "released": 1,
    "completed": 6, "done": 6,
}  # fmt: skip


class Span(NamedTuple):
    """From `start` on and before `end`; None: no bound."""

    start: datetime | None
    end: datetime | None


def time_of(time_ms: int | None) -> datetime | None:
    """A time from its milliseconds. Raises OverflowError beyond the year 9999."""
    return None if time_ms is None else EPOCH + time_ms * MILLISECOND


def account_address(account_id: int) -> str:
    """Where money for an account is sent to; a bare number would be no address to clients that check them."""
    return f"PVX{account_id}"


def withdrawal_id(row: Withdrawal) -> str:
    """What the dialect calls a withdrawal; transfers are counted apart."""
    return f"W{row.pk}"


def transfer_id(row: InternalTransfer) -> str:
    """What it calls a transfer."""
    return f"T{row.pk}"


def incoming(account_id: int, span: Span) -> list[dict[str, Any]]:
    """Deposits, and transfers to the account."""
    assets = {asset.id: asset for asset in selectors.list_assets()}
    shown = [
        _deposit_json(row, f"D{row.pk}", f"{row.source}:{row.index or row.pk}", OUTSIDE, assets)
        for row in _within(Deposit.objects.filter(account_id=account_id), span)
    ]
    # What was refused never was on its way to the receiver.
    arrived = InternalTransfer.objects.filter(to_account_id=account_id, status=InternalTransfer.Status.DONE)
    shown += [
        _deposit_json(row, transfer_id(row), f"Internal transfer {row.pk}", INTERNAL, assets)
        for row in _within(arrived, span)
    ]
    for shape in shown:
        shape["address"] = account_address(account_id)
    shown.sort(key=lambda item: -item["insertTime"])
    return shown


def outgoing(account_id: int, span: Span) -> list[dict[str, Any]]:
    """Withdrawals, and transfers from the account."""
    assets = {asset.id: asset for asset in selectors.list_assets()}
    found: list[tuple[datetime, dict[str, Any]]] = [
        (
            row.created_at,
            _withdrawal_json(row, withdrawal_id(row), "", OUTSIDE, assets)
            | {"network": row.network, "address": row.address, "addressTag": row.address_tag},
        )
        for row in _within(Withdrawal.objects.filter(account_id=account_id), span)
    ]
    found += [
        (
            row.created_at,
            _withdrawal_json(row, transfer_id(row), f"Internal transfer {row.pk}", INTERNAL, assets)
            | {"network": "PROVEX", "address": account_address(row.to_account_id), "addressTag": ""},
        )
        for row in _within(InternalTransfer.objects.filter(from_account_id=account_id), span)
    ]
    found.sort(key=lambda item: item[0], reverse=True)
    return [shape for _, shape in found]


def _within(rows: QuerySet[Any], span: Span) -> list[Any]:
    if span.start is not None:
        rows = rows.filter(created_at__gte=span.start)
    if span.end is not None:
        rows = rows.filter(created_at__lt=span.end)
    return list(rows.order_by("-pk")[:ROWS_MAX])


def _deposit_json(row: Movement, id: str, tx_id: str, transfer_type: int, assets: dict[int, Asset]) -> dict[str, Any]:
    asset = assets[row.asset_id]
    return {
        "id": id,
        "amount": amount_text(int(row.amount), asset.scale),
        "coin": asset.code,
        "network": "PROVEX",
        "status": DEPOSIT_STATUS[row.status],  # type: ignore[attr-defined]  # each kind of movement has its own
        "addressTag": "",
        "txId": tx_id,
        "insertTime": _ms(row.created_at),
        "completeTime": _ms(row.updated_at),
        "transferType": transfer_type,
        "confirmTimes": "1/1",
        "unlockConfirm": 0,
        "walletType": 0,
    }


def _withdrawal_json(
    row: Movement, id: str, tx_id: str, transfer_type: int, assets: dict[int, Asset]
) -> dict[str, Any]:  # fmt: skip
    asset = assets[row.asset_id]
    status = row.status  # type: ignore[attr-defined]  # each kind of movement has its own
    shape = {
        "id": id,
        "amount": amount_text(int(row.amount), asset.scale),
        "transactionFee": "0",
        "coin": asset.code,
        "status": WITHDRAWAL_STATUS[status],
        "txId": tx_id,
        "applyTime": _utc_text(row.created_at),
        "transferType": transfer_type,
        "withdrawOrderId": row.reference or "",
        "info": row.code,
        "confirmNo": 0,
        "walletType": 0,
        "txKey": "",
    }
    if status in {"completed", "done"}:
        shape["completeTime"] = _utc_text(row.updated_at)
    return shape


def _utc_text(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _ms(at: datetime) -> int:
    return (at - EPOCH) // MILLISECOND
