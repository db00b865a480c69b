"""Entries of the contract's queue reach the engine in their order, without a gap, once each."""

import logging
from typing import Final

from matching.engine import commands
from matching.gateway import Result
from matching.rows import BATCH_COMMANDS_MAX
from wallets import outbox
from wallets.models import L1_SOURCE, Deposit, QueueEntry

log = logging.getLogger(__name__)

# The worker must be able to stop soon; what was not answered is sent again anyway.
ANSWER_S: Final = 2.0
OPEN: Final = (QueueEntry.Status.SEEN, QueueEntry.Status.BLOCKED)


class QueueStuck(RuntimeError):
    """An entry cannot be applied; the message says which and why. Everything behind it waits."""


def send_seen() -> int:
    """Send what the watcher has seen and the engine has not; how many entries were applied.

    Raises GatewayError (they are sent again), QueueStuck.
    """
    applied = 0
    with outbox.locked("entries of the chain"):
        while rows := _next_entries():
            sent_before = [row.deadline_us > 0 for row in rows]
            answers = outbox.send(rows, [_command(row) for row in rows], timeout_s=ANSWER_S)
            for row, (result, final), was_sent in zip(rows, answers, sent_before, strict=True):
                if not _settle(row, result, final, was_sent):
                    return applied
                applied += 1
    return applied


def _next_entries() -> list[QueueEntry]:
    rows = list(QueueEntry.objects.filter(status__in=OPEN).order_by("index")[:BATCH_COMMANDS_MAX])
    # Behind one that is blocked nothing can be applied.
    return rows[:1] if rows and rows[0].status == QueueEntry.Status.BLOCKED else rows


def _command(row: QueueEntry) -> commands.Command:
    if row.kind == QueueEntry.Kind.DEPOSIT:
        assert row.asset_id is not None and row.amount is not None
        return commands.deposit(
            source=L1_SOURCE, index=row.index, account=row.account_id, asset=row.asset_id, amount=row.amount
        )
    if row.kind == QueueEntry.Kind.EXIT:
        assert row.asset_id is not None
        return commands.exit_all(source=L1_SOURCE, index=row.index, account=row.account_id, asset=row.asset_id)
    assert row.custody is not None and row.x is not None and row.y is not None
    return commands.key(
        source=L1_SOURCE, index=row.index, account=row.account_id, l2=row.number, custody=row.custody, x=row.x, y=row.y
    )


def _settle(row: QueueEntry, result: Result, final: bool, was_sent: bool) -> bool:
    """Write down what became of an entry; whether the next one may follow."""
    code = outbox.refusal(result)
    if code and code != outbox.APPLIED:
        if not final or code in outbox.TRANSIENT:
            return False
        QueueEntry.objects.filter(pk=row.pk).update(status=QueueEntry.Status.BLOCKED, code=code)
        raise QueueStuck(f"entry {row.index} ({row.kind} of account {row.account_id}) was refused: {code}")
    if code and not was_sent:
        raise QueueStuck(
            f"entry {row.index} was applied before it was sent: the journal belongs to another chain or database"
        )
    told = {} if code else {"sequence": result.sequence}
    QueueEntry.objects.filter(pk=row.pk).update(status=QueueEntry.Status.APPLIED, code="", **told)
    if row.kind == QueueEntry.Kind.DEPOSIT:
        pending = Deposit.objects.filter(source=L1_SOURCE, index=row.index, status=Deposit.Status.PENDING)
        pending.update(status=Deposit.Status.CREDITED, **told)
    return True
