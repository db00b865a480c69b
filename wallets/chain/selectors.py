"""Reads of what is known of the chain. Amounts are atoms."""

from collections.abc import Iterable

from django.db.models import F, Max, Q, Sum

from matching.fields import AmountField
from wallets.models import (
    L1_SOURCE,
    ChainWatch,
    Claim,
    Deposit,
    L2Account,
    L2Payout,
    QueueEntry,
    TransactionVersion,
)


def chain_position() -> ChainWatch | None:
    """How far the chain was read; None before that began."""
    return ChainWatch.objects.first()


def registered_numbers() -> dict[int, int]:
    """Every account's number in the rollup."""
    rows = L2Account.objects.exclude(number=None).values_list("account_id", "number")
    return {account: number for account, number in rows if number is not None}


def deposits_not_applied(*, after_sequence: int) -> dict[int, int]:
    """Atoms by asset of deposits in the contract's queue that the journal did not have at a sequence."""
    total = Sum("amount", output_field=AmountField(max_digits=40))
    rows = QueueEntry.objects.filter(kind=QueueEntry.Kind.DEPOSIT)
    late = rows.filter(Q(sequence=None) | Q(sequence__gt=after_sequence))
    return dict(late.order_by().values_list("asset_id").annotate(total=total))


def claimed() -> dict[int, int]:
    """Atoms by asset that recipients have claimed on the chain, as far as it was read."""
    total = Sum("amount", output_field=AmountField(max_digits=40))
    return dict(Claim.objects.order_by().values_list("asset_id").annotate(total=total))


def paid_out(*, up_to_block: int) -> dict[int, int]:
    """Atoms by asset that the rollup's blocks pay out up to one of them, claimed or not, by their calldata."""
    total = Sum("amount", output_field=AmountField(max_digits=40))
    return dict(
        L2Payout.objects.filter(block__lte=up_to_block).order_by().values_list("asset_id").annotate(total=total)
    )


def last_queue_index() -> int:
    """The index of the last entry of the contract's queue that was read; 0 if there is none."""
    return QueueEntry.objects.aggregate(last=Max("index"))["last"] or 0


def open_entries() -> tuple[int, int]:
    """How many entries of the queue the engine does not have yet, and how many of them it refused."""
    rows = QueueEntry.objects.exclude(status=QueueEntry.Status.APPLIED)
    return rows.count(), rows.filter(status=QueueEntry.Status.BLOCKED).count()


def accounts_waiting() -> int:
    """How many accounts wait for their number in the rollup."""
    return L2Account.objects.exclude(status=L2Account.Status.REGISTERED).count()


def fee_bumps() -> int:
    """How many times a transaction of ours was sent anew with more for its gas, since ever."""
    return TransactionVersion.objects.exclude(hash=F("first")).count()


def entries_of(deposits: Iterable[Deposit]) -> dict[int, QueueEntry]:
    """The entries of the queue by which deposits came, by the deposit's id."""
    by_index = {row.index: row.pk for row in deposits if row.source == L1_SOURCE and row.index is not None}
    return {by_index[entry.index]: entry for entry in QueueEntry.objects.filter(index__in=list(by_index))}
