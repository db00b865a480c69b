"""Which block has which withdrawal, and which of them can be claimed because their block is final."""

from django.db.models import Q

from rollup.models import Block
from wallets.chain import withdrawals


def follow() -> None:
    """Tell wallets what has become of withdrawals in blocks."""
    for withdrawal_id, sequence, ordinal in withdrawals.without_block():
        block = _block_of(sequence, ordinal)
        if block is None:
            break  # later ones are not in a block either
        withdrawals.place(withdrawal_id=withdrawal_id, block=block)
    # Blocks become final in their order.
    last = Block.objects.filter(status=Block.Status.FINAL).order_by("-number").values_list("number", flat=True).first()
    if last is not None:
        withdrawals.mark_claimable(up_to_block=last)


def _block_of(sequence: int, ordinal: int) -> int | None:
    """The block that covers an event of the journal."""
    at_or_after = Q(last_sequence__gt=sequence) | Q(last_sequence=sequence, last_ordinal__gte=ordinal)
    return Block.objects.filter(at_or_after).order_by("number").values_list("number", flat=True).first()
