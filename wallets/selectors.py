"""Reads of assets, balances, the ledger and movements of money.

Lists come newest first, `limit` at most, and go on before the id of the last one seen. Amounts are atoms;
balances and ledger are as of `sequence()`.
"""

from typing import Any

from django.db.models import Max, Q, QuerySet, Sum

from accounts.problems import Problem
from matching import projection
from matching.fields import AmountField
from wallets.models import OUTSIDE_ACCOUNT as _OUTSIDE_ACCOUNT
from wallets.models import (
    Asset,
    Balance,
    ChainDeployment,
    Deposit,
    InternalTransfer,
    L2Account,
    LedgerEntry,
    Signer,
    Withdrawal,
)
from wallets.projection import NAME

# The ledger's counterpart of deposits and withdrawals.
OUTSIDE_ACCOUNT = _OUTSIDE_ACCOUNT


def sequence() -> int:
    """The sequence up to which balances and ledger are complete."""
    return projection.offset(NAME)


def wait_for_sequence(sequence: int, timeout_ms: int | None = None) -> int:
    """Wait until the rows are complete up to `sequence`, `timeout_ms` at most (READ_WAIT_MS); how far they are."""
    return projection.wait_for(NAME, sequence, timeout_ms=timeout_ms)


def list_assets() -> list[Asset]:
    """All assets, by id."""
    return list(Asset.objects.order_by("id"))


def get_asset(*, code: str) -> Asset:
    """An asset by its code. Raises Problem unknown_asset."""
    asset = Asset.objects.filter(code=code).first()
    if asset is None:
        raise Problem("unknown_asset")
    return asset


def balances(account_id: int) -> list[Balance]:
    """What an account has of each asset it ever had, by asset."""
    return list(Balance.objects.filter(account_id=account_id).order_by("asset_id"))


def all_balances() -> dict[tuple[int, int], tuple[int, int]]:
    """(available, held) of every account, by (account, asset)."""
    rows = Balance.objects.values_list("account_id", "asset_id", "available", "held")
    return {(account, asset): (available, held) for account, asset, available, held in rows.iterator()}


def ledger(
    account_id: int, *, asset_id: int | None = None, kind: int | None = None, before_id: int | None = None,
    limit: int = 100,
) -> list[LedgerEntry]:  # fmt: skip
    """The account's ledger entries."""
    rows = LedgerEntry.objects.filter(account_id=account_id)
    return list(_narrowed(rows, asset_id=asset_id, kind=kind, id__lt=before_id).order_by("-id")[:limit])


def ledger_sums(*, after_id: int = 0, up_to_id: int | None = None) -> dict[tuple[int, int], int]:
    """The sum of the legs after an id, up to another, of every account, by (account, asset)."""
    total = Sum("amount", output_field=AmountField(max_digits=40))
    legs = _narrowed(LedgerEntry.objects.filter(id__gt=after_id), id__lte=up_to_id)
    sums = legs.order_by().values_list("account_id", "asset_id").annotate(total=total)
    return {(account, asset): amount for account, asset, amount in sums}


def last_ledger_id(*, position: tuple[int, int] | None = None) -> int:
    """The id of the ledger's last leg, of all or up to an event (sequence, ordinal); 0 if there is none."""
    legs = LedgerEntry.objects.all()
    if position is not None:
        sequence, ordinal = position
        legs = legs.filter(Q(sequence__lt=sequence) | Q(sequence=sequence, ordinal__lte=ordinal))
    return legs.aggregate(last=Max("id"))["last"] or 0


def taken_out(*, up_to_id: int | None = None) -> dict[int, int]:
    """What has left the exchange by withdrawals and exits, up to a leg of the ledger, by asset."""
    total = Sum("amount", output_field=AmountField(max_digits=40))
    kinds = (LedgerEntry.Kind.WITHDRAWAL, LedgerEntry.Kind.EXIT)
    legs = _narrowed(LedgerEntry.objects.filter(account_id=_OUTSIDE_ACCOUNT, kind__in=kinds), id__lte=up_to_id)
    return dict(legs.order_by().values_list("asset_id").annotate(total=total))


def list_deposits(account_id: int, *, before_id: int | None = None, limit: int = 100) -> list[Deposit]:
    """The account's deposits."""
    return _listed(Deposit.objects.filter(account_id=account_id), before_id, limit)


def list_withdrawals(account_id: int, *, before_id: int | None = None, limit: int = 100) -> list[Withdrawal]:
    """The account's withdrawals."""
    return _listed(Withdrawal.objects.filter(account_id=account_id), before_id, limit)


def get_withdrawal(account_id: int, withdrawal_id: int) -> Withdrawal:
    """A withdrawal of the account. Raises Problem unknown_withdrawal."""
    withdrawal = Withdrawal.objects.filter(account_id=account_id, id=withdrawal_id).first()
    if withdrawal is None:
        raise Problem("unknown_withdrawal")
    return withdrawal


def list_transfers(account_id: int, *, before_id: int | None = None, limit: int = 100) -> list[InternalTransfer]:
    """Transfers from and to the account."""
    rows = InternalTransfer.objects.filter(Q(from_account_id=account_id) | Q(to_account_id=account_id))
    return _listed(rows, before_id, limit)


def l2_account(account_id: int) -> L2Account | None:
    """The account's row in the rollup; None when it was never wanted there."""
    return L2Account.objects.filter(account_id=account_id).first()


def signer(account_id: int) -> Signer | None:
    """The account's key and next nonce as of the journal; None if it is not in the rollup yet."""
    return Signer.objects.filter(account_id=account_id).first()


def chain_deployment() -> ChainDeployment | None:
    """The contract that counts, as recorded; nothing is asked of its chain."""
    return ChainDeployment.objects.order_by("-id").first()


def l2_account_by_number(number: int) -> L2Account | None:
    """The account of this number in the rollup."""
    return L2Account.objects.filter(number=number).first()


def is_registered(account_id: int) -> bool:
    """Whether the account has a number in the rollup, as of the last block that was read."""
    return L2Account.objects.filter(account_id=account_id, status=L2Account.Status.REGISTERED).exists()


def encrypted_seed(*, number: int) -> bytes | None:
    """The encrypted secret of an account of the rollup; None when the exchange never held its key."""
    seed = L2Account.objects.filter(number=number).values_list("seed", flat=True).first()
    return None if seed is None else bytes(seed)


def _listed(rows: QuerySet[Any], before_id: int | None, limit: int) -> list[Any]:
    return list(_narrowed(rows, id__lt=before_id).order_by("-id")[:limit])


def _narrowed(rows: QuerySet[Any], **wanted: Any) -> QuerySet[Any]:
    """Only those rows that match; a value of None does not narrow."""
    return rows.filter(**{name: value for name, value in wanted.items() if value is not None})
