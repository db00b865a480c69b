"""Assets, balances and movements of money as JSON."""

from collections.abc import Mapping
from typing import Any

from matching.money import format_atoms
from wallets.deposit_address import DepositAddress
from wallets.models import (
    Asset,
    Balance,
    Deposit,
    InternalTransfer,
    LedgerEntry,
    Movement,
    QueueEntry,
    TestFunding,
    Withdrawal,
)

Assets = Mapping[int, Asset]


def asset_json(asset: Asset) -> dict[str, Any]:
    """An asset; amounts of it have at most `scale` decimals."""
    return {"code": asset.code, "scale": asset.scale}


def balance_json(balance: Balance, assets: Assets) -> dict[str, Any]:
    """What an account has of an asset."""
    asset = assets[balance.asset_id]
    return {
        "asset": asset.code,
        "available": format_atoms(balance.available, asset.scale),
        "held": format_atoms(balance.held, asset.scale),
    }


def entry_json(entry: LedgerEntry, assets: Assets) -> dict[str, Any]:
    """One leg of a posting; `amount` is negative when it left the account."""
    asset = assets[entry.asset_id]
    return {
        "id": entry.id,
        "asset": asset.code,
        "amount": format_atoms(entry.amount, asset.scale),
        "kind": LedgerEntry.Kind(entry.kind).label,
        "reference": entry.reference,
        "time": entry.time_us // 1000,
        "sequence": entry.sequence,
    }


def deposit_json(deposit: Deposit, assets: Assets, entry: QueueEntry | None) -> dict[str, Any]:
    """A deposit, and where it stands on the chain if it came by it."""
    return _movement(deposit, assets, deposit.status) | {
        "entry": entry.index if entry else None,
        "tx": entry.tx_hash if entry else None,
        "chain_block": entry.block if entry else None,
    }


def withdrawal_json(withdrawal: Withdrawal, assets: Assets) -> dict[str, Any]:
    """A withdrawal, and what became of it on the chain."""
    return _movement(withdrawal, assets, withdrawal.status) | {
        "address": withdrawal.address or None,
        "block": withdrawal.l2_block,
        "chain_status": withdrawal.l1_status or None,
    }


def deposit_address_json(at: DepositAddress) -> dict[str, Any]:
    """Where to pay in."""
    return {
        "account_number": at.number,
        "status": at.status,
        "custody": "exchange" if at.custody else "user",
        "owner": at.owner or None,
        "chain_id": at.chain_id,
        "contract": at.contract,
        "confirmations": at.confirmations,
        "tokens": [{"asset": code, "address": address} for code, address in at.tokens.items()],
    }


def test_funding_json(row: TestFunding, assets: Assets) -> dict[str, Any]:
    """Test tokens on their way."""
    asset = assets[row.asset_id]
    return {"asset": asset.code, "amount": format_atoms(row.amount, asset.scale), "status": row.status}


def transfer_json(transfer: InternalTransfer, assets: Assets) -> dict[str, Any]:
    """A transfer between two accounts."""
    shape = _movement(transfer, assets, transfer.status)
    return shape | {"from_account": transfer.from_account_id, "to_account": transfer.to_account_id}


def _movement(movement: Movement, assets: Assets, status: str) -> dict[str, Any]:
    asset = assets[movement.asset_id]
    return {
        "id": movement.pk,
        "asset": asset.code,
        "amount": format_atoms(movement.amount, asset.scale),
        "reference": movement.reference,
        "status": status,
        "code": movement.code or None,
        "created_at": round(movement.created_at.timestamp() * 1000),
        "updated_at": round(movement.updated_at.timestamp() * 1000),
        "sequence": movement.sequence,
    }
