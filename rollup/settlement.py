"""Bringing proven blocks to the chain: in order, each by one transaction, and following them until they are final.

The contract takes a block only on the root before it, so no block can be taken twice whatever is sent. Beyond that a
transaction is kept before it is broadcast, and the same bytes go out again after a crash or a reorganisation: another
is signed only when the first can never be mined, or as a dearer version of it where the chain asks more for gas
than it offers (wallets.chain.versions). What stands on the chain is believed before what stands in our rows.

One pass (`settle`) does all that can be done now; beat asks for one every second. What goes wrong stands in words in
the `reason` of the block that waits, and is tried again by the next pass.
"""

import logging
from datetime import timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from matching import borrowing
from rollup import deployment as contracts
from rollup.calldata import submit_arguments
from rollup.models import Block, ProvingTask, Submission
from wallets.chain import client, deployment, versions
from wallets.chain.client import ChainRefused, ChainUnreachable
from wallets.chain.deployment import Deployment, NotDeployed
from wallets.chain.fees import TOO_LOW

logger = logging.getLogger(__name__)

# Whoever settles holds this lock of PostgreSQL's: there is one at a time, wherever it runs.
LOCK_KEY: Final = 0x50565853
REASON_CHARACTERS_MAX: Final = 256
# Between two transactions of one block, the first of which reverted.
REVERTED_WAIT_S: Final = 5
REVERTED_WAIT_S_MAX: Final = 600

_Status = Block.Status
_LIVE: Final = (Submission.Status.SENT, Submission.Status.MINED, Submission.Status.FOUND)


def settle() -> None:
    """One pass. Nothing happens while another one runs, or where no contract was deployed yet."""
    # The lock is the connection's, so the thread keeps that one until it is over.
    with borrowing.keeping(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_KEY])
        if not cursor.fetchone()[0]:
            return
        try:
            _pass()
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK_KEY])


def _pass() -> None:
    try:
        _Settler(deployment.current()).run()
    except NotDeployed as error:
        _say(_waiting(), f"not_deployed: {error}")
    except ChainUnreachable as error:
        _say(_waiting(), f"chain_unreachable: {error}")
    except ChainRefused as error:
        _say(_waiting(), error.reason)


class _Settler:
    """One pass over one contract."""

    def __init__(self, deployed: Deployment) -> None:
        self.deployed = deployed
        self.chain = deployed.chain
        self.contract = deployed.rollup
        self.operator = deployed.key("operator")
        self.confirmed = self.chain.confirmed_head()
        # The last block that the contract has taken, as of the head.
        self.taken = int(self.chain.call(self.contract.functions.block_number()))

    def run(self) -> None:
        if not self.deployed.row.verifying_keys:
            # The first proving keys are made in the background: the contract waits for them, trading does not.
            contracts.deploy_verifiers(say=logger.info)
        self._notice_what_was_lost()
        for submission in Submission.objects.filter(status__in=_LIVE).select_related("block").order_by("block_id"):
            try:
                self._follow(submission)
            except ChainRefused as error:
                _say(submission.block, error.reason)
        block = _waiting()
        if block is None:
            return
        if self.taken >= block.number:
            self._adopt(block)
        elif self.taken == block.number - 1 and block.status == _Status.PROVED:
            self._submit(block)

    def _notice_what_was_lost(self) -> None:
        """A reorganisation deeper than the confirmations took final blocks away: they go to the chain again."""
        lost = Block.objects.filter(status=_Status.FINAL, number__gt=self.taken)
        for block in lost.order_by("number"):
            logger.critical("block %s was final and is not on the chain any more", block.number)
            with transaction.atomic():
                Submission.objects.filter(block=block, status=Submission.Status.FINAL).update(
                    status=Submission.Status.MINED
                )
                Block.objects.filter(number=block.number).update(
                    status=_Status.SUBMITTED, final_at=None, reason="reorganised: it was final"
                )

    def _follow(self, submission: Submission) -> None:
        """Learn what became of a transaction; send it again if the chain does not have it."""
        found = versions.mined(self.chain, submission.tx_hash)
        if found is None:
            self._send_again(submission)
            return
        if found.hash != submission.tx_hash:
            _become(submission, found.hash, versions.raw_of(found.hash))
        receipt = found.receipt
        if not receipt.status:
            # A reorganisation may still make it succeed: only a confirmed failure is one.
            if receipt.block_number <= self.confirmed:
                self._over(submission, Submission.Status.REVERTED, "reverted")
        else:
            is_final = receipt.block_number <= self.confirmed
            with transaction.atomic():
                Submission.objects.filter(pk=submission.pk).update(
                    status=Submission.Status.FINAL if is_final else Submission.Status.MINED, updated_at=Now(),
                    l1_block=receipt.block_number, l1_hash=receipt.block_hash, gas=receipt.gas_used,
                )  # fmt: skip
                Block.objects.filter(number=submission.block_id, status=_Status.SUBMITTED).update(
                    l1_block=receipt.block_number, gas=receipt.gas_used, reason="",
                    **({"status": _Status.FINAL, "final_at": Now()} if is_final else {}),
                )  # fmt: skip
            if is_final:
                logger.info("block %s is final on the chain's block %s", submission.block_id, receipt.block_number)

    def _send_again(self, submission: Submission) -> None:
        if submission.raw is None or self._is_lost(submission):
            self._over(submission, Submission.Status.DROPPED, "dropped")
            return
        since = submission.updated_at
        if submission.status != Submission.Status.SENT:
            since = timezone.now()
            logger.warning("block %s: the chain has lost its transaction %s", submission.block_id, submission.tx_hash)
            Submission.objects.filter(pk=submission.pk).update(status=Submission.Status.SENT, updated_at=Now())
            _say(submission.block, "reorganised: sent again")
        raw = bytes(submission.raw)
        replacement = versions.dearer(self.chain, raw, since=since)
        if replacement is not None:
            with transaction.atomic():
                times = versions.keep((submission.tx_hash, raw), replacement)
                _become(submission, replacement.hash, replacement.raw)
            _say(submission.block, f"{TOO_LOW}: bumped {times} {'times' if times > 1 else 'time'}")
            raw = replacement.raw
        self.chain.broadcast(raw)

    def _is_lost(self, submission: Submission) -> bool:
        """Whether another transaction of the operator has its nonce, for good."""
        return self.chain.nonce(self.operator.address, at_block=self.confirmed) > (submission.nonce or 0)

    def _over(self, submission: Submission, status: str, reason: str) -> None:
        """This transaction will not bring the block to the chain; another one may."""
        logger.warning("block %s: transaction %s: %s", submission.block_id, submission.tx_hash, reason)
        with transaction.atomic():
            Submission.objects.filter(pk=submission.pk).update(status=status, reason=reason, updated_at=Now())
            Block.objects.filter(number=submission.block_id, status=_Status.SUBMITTED).update(
                status=_Status.PROVED, reason=f"{reason}: {submission.tx_hash}", l1_tx="", submitted_at=None
            )

    def _adopt(self, block: Block) -> None:
        """The contract has this block already, by a transaction that our rows do not know: of a lost database, say."""
        found = [
            event
            for event in self.chain.events(self.deployed.from_block, self.chain.head())
            if event.name == "BlockSubmitted" and event.args["number"] == block.number
        ]
        if not found:
            return
        event = found[-1]
        if event.args["new_root"] != block.new_root:
            _fail(block, "conflict: the contract has another block of this number")
            return
        with transaction.atomic():
            content = {"l1_block": event.block_number, "l1_hash": event.block_hash, "reason": ""}
            Submission.objects.update_or_create(
                tx_hash=event.tx_hash, defaults={"block": block, "status": Submission.Status.FOUND, **content}
            )
            Block.objects.filter(number=block.number).update(
                status=_Status.SUBMITTED, submitted_at=Now(), l1_tx=event.tx_hash, reason=""
            )

    def _submit(self, block: Block) -> None:
        """Sign the block's transaction, keep it, send it. What the contract says against it is raised before that."""
        if _must_wait(block):
            return
        proof = ProvingTask.objects.get(block=block).proof or []
        arguments = submit_arguments([int(word) for word in block.data], block.h, [int(point) for point in proof])
        call = self.contract.functions.submit_block(*arguments)
        with client.sending(self.operator.address):
            signed = self.chain.prepare(self.operator, call)
            Submission.objects.create(block=block, tx_hash=signed.hash, nonce=signed.nonce, raw=signed.raw)
            Block.objects.filter(number=block.number, status=_Status.PROVED).update(
                status=_Status.SUBMITTED, submitted_at=Now(), l1_tx=signed.hash, reason=""
            )
        self.chain.broadcast(signed.raw)
        logger.info("block %s submitted by %s", block.number, signed.hash)


def _become(submission: Submission, tx_hash: str, raw: bytes) -> None:
    """Another version of the transaction is the one that counts."""
    with transaction.atomic():
        Submission.objects.filter(pk=submission.pk).update(tx_hash=tx_hash, raw=raw, updated_at=Now())
        Block.objects.filter(number=submission.block_id).update(l1_tx=tx_hash)
    submission.tx_hash = tx_hash


def _must_wait(block: Block) -> bool:
    """After a transaction that reverted the next one is not sent at once: each costs gas."""
    reverted = Submission.objects.filter(block=block, status=Submission.Status.REVERTED)
    wait_s = min(REVERTED_WAIT_S * 2 ** min(reverted.count(), 10), REVERTED_WAIT_S_MAX)
    return reverted.filter(updated_at__gt=Now() - timedelta(seconds=wait_s)).exists()


def _waiting() -> Block | None:
    """The first block that is not on its way to the chain."""
    return Block.objects.exclude(status__in=[_Status.SUBMITTED, _Status.FINAL]).order_by("number").first()


def _fail(block: Block, reason: str) -> None:
    """What only an operator can mend."""
    logger.critical("block %s failed: %s", block.number, reason)
    Block.objects.filter(number=block.number).update(status=_Status.FAILED, reason=reason)


def _say(block: Block | None, reason: str) -> None:
    """Put into words what a block waits for. What it says of its proof is not written over."""
    if block is None or block.status not in (_Status.PROVED, _Status.SUBMITTED):
        return
    reason = reason[:REASON_CHARACTERS_MAX]
    if Block.objects.filter(number=block.number).exclude(reason=reason).update(reason=reason):
        logger.warning("block %s waits: %s", block.number, reason)
