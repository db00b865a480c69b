"""Claims that the exchange sends for its users: what became claimable is paid to their addresses."""

from wallets import outbox
from wallets.chain import transactions
from wallets.chain.addresses import write_address
from wallets.chain.client import Chain, ChainRefused, sending
from wallets.chain.deployment import Deployment
from wallets.models import ChainTransaction, ClaimRequest

Status = ClaimRequest.Status


def request(*, recipient: int, asset_id: int) -> ClaimRequest:
    """Have all paid that is claimable of an asset for a recipient; one that is under way already counts."""
    row, _ = ClaimRequest.objects.get_or_create(
        recipient=write_address(recipient), asset_id=asset_id, status__in=(Status.WANTED, Status.SENDING),
        defaults={"status": Status.WANTED},
    )  # fmt: skip
    return row


def send_wanted(chain: Chain, deployment: Deployment) -> int:
    """Send the claims that are wanted; how many left. Raises ChainUnreachable, ChainRefused for a lack of gas."""
    sent = 0
    with outbox.locked("claims on the chain"):
        for row in ClaimRequest.objects.filter(status=Status.SENDING).select_related("transaction"):
            _learn(row)
        for row in ClaimRequest.objects.filter(status=Status.WANTED).order_by("id"):
            sent += _send(chain, deployment, row)
    return sent


def _learn(row: ClaimRequest) -> None:
    """What became of a claim that left."""
    assert row.transaction is not None
    ended = {
        ChainTransaction.Status.MINED: Status.DONE,
        # Somebody else claimed in between.
        ChainTransaction.Status.REVERTED: Status.REFUSED,
        ChainTransaction.Status.LOST: Status.WANTED,
    }
    if row.transaction.status in ended:
        row.status = ended[ChainTransaction.Status(row.transaction.status)]
        row.save(update_fields=["status", "updated_at"])


def _send(chain: Chain, deployment: Deployment, row: ClaimRequest) -> int:
    treasury = deployment.key("treasury")
    call = deployment.rollup.functions.claim(row.recipient, row.asset_id)
    try:
        with sending(treasury.address):
            signed = chain.prepare(treasury, call)
            row.transaction = transactions.record(signed, purpose=f"claim for {row.recipient}")
            row.status = Status.SENDING
            row.save(update_fields=["transaction", "status", "updated_at"])
    except ChainRefused as error:
        if error.reason != "nothing_to_claim":
            raise
        ClaimRequest.objects.filter(pk=row.pk).update(status=Status.REFUSED, code=error.reason)
        return 0
    transactions.advance(chain, row.transaction)
    _learn(row)
    return 1
