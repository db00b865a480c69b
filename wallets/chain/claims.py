"""Claims that the exchange sends for its users: payouts of blocks are paid to their addresses."""

from collections import defaultdict
from typing import Final

from wallets import outbox
from wallets.chain import transactions
from wallets.chain.client import Chain, Reverted, sending
from wallets.chain.deployment import Deployment
from wallets.models import ChainTransaction, ClaimRequest, L2Payout

Status = ClaimRequest.Status
# Each is a transfer of a token, and a transaction must fit into a block of the chain.
AT_ONCE: Final = 8


def request(*, block: int, position: int) -> ClaimRequest:
    """Have a payout paid to its recipient; a request that is under way already counts."""
    payout = L2Payout.objects.get(block=block, position=position)
    row, _ = ClaimRequest.objects.get_or_create(
        payout=payout, status__in=(Status.WANTED, Status.SENDING), defaults={"status": Status.WANTED}
    )  # fmt: skip
    return row


def send_wanted(chain: Chain, deployment: Deployment) -> int:
    """Send the claims that are wanted; how many payouts they are for.

    Raises ChainUnreachable, ChainRefused for a lack of gas.
    """
    sent = 0
    with outbox.locked("claims on the chain"):
        for row in ClaimRequest.objects.filter(status=Status.SENDING).select_related("transaction"):
            _learn(row)
        by_block: dict[int, list[ClaimRequest]] = defaultdict(list)
        for row in ClaimRequest.objects.filter(status=Status.WANTED).select_related("payout").order_by("id"):
            by_block[row.payout.block].append(row)
        for block, rows in by_block.items():
            for at in range(0, len(rows), AT_ONCE):
                sent += _send(chain, deployment, block, rows[at : at + AT_ONCE])
    return sent


def _learn(row: ClaimRequest) -> None:
    """What became of a claim that left."""
    assert row.transaction is not None
    ended = {
        ChainTransaction.Status.MINED: Status.DONE,
        # Somebody else claimed them in between, or a token refused to be sent.
        ChainTransaction.Status.REVERTED: Status.REFUSED,
        ChainTransaction.Status.LOST: Status.WANTED,
    }
    if row.transaction.status in ended:
        row.status = ended[ChainTransaction.Status(row.transaction.status)]
        row.save(update_fields=["status", "updated_at"])


def _send(chain: Chain, deployment: Deployment, block: int, rows: list[ClaimRequest]) -> int:
    """Claim some payouts of a block at once; one by one if the contract refuses them together."""
    treasury = deployment.key("treasury")
    listed = [[one.word, one.third] for one in L2Payout.objects.filter(block=block).order_by("position")]
    call = deployment.rollup.functions.claim(block, listed, [row.payout.position for row in rows])
    try:
        with sending(treasury.address):
            signed = chain.prepare(treasury, call)
            sent = transactions.record(signed, purpose=f"claim {len(rows)} payouts of block {block}")
            for row in rows:
                row.transaction, row.status, row.code = sent, Status.SENDING, ""
                row.save(update_fields=["transaction", "status", "code", "updated_at"])
    except Reverted as error:
        if len(rows) > 1:
            return sum(_send(chain, deployment, block, [row]) for row in rows)
        ClaimRequest.objects.filter(pk=rows[0].pk).update(status=Status.REFUSED, code=error.reason[:200])
        return 0
    transactions.advance(chain, sent)
    for row in rows:
        _learn(row)
    return len(rows)
