"""Numbering and sending deposits: a source's deposits reach the engine in order, without a gap, once each."""

import logging

from django.db.models import F, Max

from matching.engine import commands
from matching.gateway import Result
from matching.rows import BATCH_COMMANDS_MAX
from wallets import outbox
from wallets.models import Deposit

log = logging.getLogger(__name__)


class NumberingLost(RuntimeError):
    """The engine has taken a number that this outbox never sent: the two do not belong together."""


def send_pending(source: int) -> None:
    """Send the source's pending deposits, oldest first. Raises GatewayError; what was not answered stays pending."""
    with outbox.locked(f"deposits of {source}"):
        while rows := _numbered(source):
            sent_before = [row.deadline_us > 0 for row in rows]
            answers = outbox.send(rows, [_command(row) for row in rows])
            progress = [
                _settle(row, result, final, was_sent)
                for row, (result, final), was_sent in zip(rows, answers, sent_before, strict=True)
            ]
            if not any(progress):
                return


def _command(row: Deposit) -> commands.Command:
    assert row.index is not None
    return commands.deposit(
        source=row.source, index=row.index, account=row.account_id, asset=row.asset_id, amount=row.amount
    )


def _numbered(source: int) -> list[Deposit]:
    """Pending deposits with their numbers, committed: sent again they will have the same."""
    pending = Deposit.objects.filter(source=source, status=Deposit.Status.PENDING)
    rows = list(pending.order_by(F("index").asc(nulls_last=True), "id")[:BATCH_COMMANDS_MAX])
    last = Deposit.objects.filter(source=source).aggregate(last=Max("index"))["last"] or 0
    new = [row for row in rows if row.index is None]
    for number, row in enumerate(new, last + 1):
        row.index = number
    Deposit.objects.bulk_update(new, ["index"])
    return rows


def _settle(row: Deposit, result: Result, final: bool, was_sent: bool) -> bool:
    """Write down what became of a deposit; whether it is worth going on at once."""
    code = outbox.refusal(result)
    mine = Deposit.objects.filter(pk=row.pk, status=Deposit.Status.PENDING)
    if not code:
        mine.update(status=Deposit.Status.CREDITED, sequence=result.sequence)
        return True
    if code == outbox.APPLIED:
        if not was_sent:
            raise NumberingLost(f"deposit {row.pk}: number {row.index} of source {row.source} is taken")
        # Its sequence comes from the journal (wallets.projection.movements).
        mine.update(status=Deposit.Status.CREDITED)
        return True
    if not final:
        return False
    if code == "index_gap":
        # One before it was refused, so it moves up.
        return bool(mine.update(index=None))
    if code in outbox.TRANSIENT:
        return False
    log.warning("deposit %s was refused: %s", row.pk, code)
    return bool(mine.update(status=Deposit.Status.REFUSED, code=code, index=None))
