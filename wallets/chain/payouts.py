"""What blocks of the rollup pay out, read from the data they were submitted with, as the contract has it claimed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from django.db import connection

from wallets.models import L2Payout

WITHDRAW: Final = 6
FORCED_EXIT: Final = 9
# Bits of a slot's first word: op, account, two tokens, amount.
OP_MASK: Final = 2**4 - 1
ACCOUNT_AT, ACCOUNT_MASK = 4, 2**24 - 1
TOKEN_AT, TOKEN_MASK = 28, 2**8 - 1
AMOUNT_AT, AMOUNT_MASK = 44, 2**96 - 1

# Which of its block's payouts a withdrawal is. Those that are alike in everything are as good as each other.
MATCHED: Final = """
UPDATE wallets_withdrawal AS w SET l2_position = p.position, updated_at = now()
FROM (
    SELECT w.id, w.l2_block, a.number, w.recipient, w.asset_id, w.amount, row_number() OVER (
        PARTITION BY w.l2_block, w.account_id, w.recipient, w.asset_id, w.amount ORDER BY w.id
    ) AS place
    FROM wallets_withdrawal AS w JOIN wallets_l2account AS a ON a.account_id = w.account_id
    WHERE w.recipient IS NOT NULL AND w.l1_status = 'in_block' AND w.l2_position IS NULL
) AS open
JOIN (
    SELECT p.block, p.position, p.number, p.recipient, p.asset_id, p.amount, row_number() OVER (
        PARTITION BY p.block, p.number, p.recipient, p.asset_id, p.amount ORDER BY p.position
    ) AS place
    FROM wallets_l2payout AS p WHERE p.recipient IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM wallets_withdrawal AS w WHERE w.l2_block = p.block AND w.l2_position = p.position
    )
) AS p ON p.block = open.l2_block AND p.number = open.number AND p.recipient = open.recipient
    AND p.asset_id = open.asset_id AND p.amount = open.amount AND p.place = open.place
WHERE w.id = open.id
"""


class Payout(NamedTuple):
    """A withdrawal or an exit of a block: the slot's first and third word, of which the contract keeps a hash."""

    word: int
    third: int

    @property
    def number(self) -> int:
        """The account's number in the rollup."""
        return self.word >> ACCOUNT_AT & ACCOUNT_MASK

    @property
    def token(self) -> int:
        """The token's number, which is the asset's id."""
        return self.word >> TOKEN_AT & TOKEN_MASK

    @property
    def amount(self) -> int:
        """Atoms; of an exit 0 if there was nothing."""
        return self.word >> AMOUNT_AT & AMOUNT_MASK

    @property
    def recipient(self) -> int | None:
        """A withdrawal's address; None for an exit, which pays the account's owner."""
        return self.third if self.word & OP_MASK == WITHDRAW else None


def payouts_of(arguments: Mapping[str, Any]) -> list[Payout]:
    """A block's payouts in their order, from the arguments of its submit_block as the contract's ABI decodes them."""
    return of_slots(arguments["slots"])


def of_slots(slots: Sequence[Sequence[int]]) -> list[Payout]:
    """Payouts among slots of three words."""
    return [Payout(slot[0], slot[2]) for slot in slots if slot[0] & OP_MASK in (WITHDRAW, FORCED_EXIT)]


def keep(block: int, listed: Iterable[Payout]) -> None:
    """Keep a block's payouts. Told twice, as after a reorg, they change nothing."""
    rows = [
        L2Payout(
            block=block, position=position, word=one.word, third=one.third, number=one.number,
            recipient=one.recipient, asset_id=one.token, amount=one.amount,
        )
        for position, one in enumerate(listed)
    ]  # fmt: skip
    L2Payout.objects.bulk_create(rows, ignore_conflicts=True)


def match_withdrawals() -> int:
    """Find which payout each withdrawal is whose block the chain has; how many were found."""
    with connection.cursor() as cursor:
        cursor.execute(MATCHED)
        return cursor.rowcount
