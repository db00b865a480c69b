"""Withdrawals to addresses of the chain: completed by themselves below a limit, then followed to their claim."""

import logging
from typing import Final

from django.conf import settings
from django.db import connection
from django.db.models import Q

from accounts.problems import Problem
from matching.money import parse_decimal
from wallets import selectors, services
from wallets.chain import claims, payouts
from wallets.models import LedgerEntry, Withdrawal

log = logging.getLogger(__name__)

AT_ONCE: Final = 100
Status, L1Status = Withdrawal.Status, Withdrawal.L1Status

CLAIMED: Final = """
UPDATE wallets_withdrawal AS w SET l1_status = 'claimed', updated_at = now()
WHERE w.recipient IS NOT NULL AND w.l1_status IN ('in_block', 'claimable') AND EXISTS (
    SELECT 1 FROM wallets_claim AS c WHERE c.l2_block = w.l2_block AND c.position = w.l2_position
)
"""
# The ledger says which event took it out of the account.
UNPLACED: Final = f"""
SELECT w.id, l.sequence, l.ordinal FROM wallets_withdrawal AS w
JOIN wallets_ledgerentry AS l ON l.sequence = w.sequence AND l.account_id = w.account_id AND l.reference = w.id
    AND l.kind = {LedgerEntry.Kind.WITHDRAWAL.value}
WHERE w.recipient IS NOT NULL AND w.l1_status = '' AND w.status = '{Status.COMPLETED.value}'
ORDER BY w.sequence, w.id
"""  # noqa: S608  constants only


def complete_held() -> int:
    """Complete held withdrawals that need no operator's approval; how many. Raises GatewayError.

    settings.WITHDRAWAL_APPROVAL_ABOVE has the largest amount by asset; of an asset that is not there all wait.
    """
    limits = {
        asset.id: parse_decimal(text, asset.scale)
        for asset in selectors.list_assets()
        if (text := settings.WITHDRAWAL_APPROVAL_ABOVE.get(asset.code)) is not None
    }
    small = Q(pk=None)
    for asset_id, limit in limits.items():
        small |= Q(asset_id=asset_id, amount__lte=limit)
    held = Withdrawal.objects.filter(small, status=Status.HELD, recipient__isnull=False).order_by("id")
    completed = 0
    for row in held[:AT_ONCE]:
        try:
            services.complete_withdrawal(withdrawal_id=row.pk)
        except Problem as problem:
            # Its owner canceled it at this moment, or the answer is not known yet and it is sent again.
            log.info("withdrawal %s was not completed now: %s", row.pk, problem.code)
            continue
        completed += 1
    return completed


def note_claimed() -> int:
    """Note which withdrawals have been claimed, by the events that were read; how many."""
    payouts.match_withdrawals()
    with connection.cursor() as cursor:
        cursor.execute(CLAIMED)
        return cursor.rowcount


def claim(*, account_id: int, withdrawal_id: int) -> Withdrawal:
    """Have a claimable withdrawal paid to its address. Raises Problem unknown_withdrawal, not_claimable."""
    row = selectors.get_withdrawal(account_id, withdrawal_id)
    if row.l1_status != L1Status.CLAIMABLE or row.l2_block is None or row.l2_position is None:
        raise Problem("not_claimable")
    claims.request(block=row.l2_block, position=row.l2_position)
    return row


def without_block() -> list[tuple[int, int, int]]:
    """Completed withdrawals to the chain that are in no block of the rollup as far as known.

    As (withdrawal, sequence, ordinal) of the event that completed each, in the journal's order.
    """
    with connection.cursor() as cursor:
        cursor.execute(UNPLACED)
        return list(cursor.fetchall())


def place(*, withdrawal_id: int, block: int) -> None:
    """A block of the rollup has the withdrawal."""
    Withdrawal.objects.filter(pk=withdrawal_id, l2_block=None).update(l2_block=block, l1_status=L1Status.IN_BLOCK)


def mark_claimable(*, up_to_block: int) -> int:
    """Blocks up to this one are final: what they pay can be claimed. How many withdrawals that makes.

    Those whose block was not read from the chain yet wait: a claim presents what was read.
    """
    payouts.match_withdrawals()
    final = Withdrawal.objects.filter(l1_status=L1Status.IN_BLOCK, l2_block__lte=up_to_block, l2_position__isnull=False)
    return final.update(l1_status=L1Status.CLAIMABLE)
