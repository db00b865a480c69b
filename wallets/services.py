"""Writes of money: deposits, withdrawals, transfers. Each is an outbox row first and a command to the matcher then.

All raise accounts.problems.Problem with a code of its table, and matching.gateway.GatewayError when the
matcher does not answer: the row is then sent again by `send_pending`, or by the same call with the same
`reference`, and happens once. `reference` is the caller's own key: the same key with the same content gives
the same row, with other content Problem reference_reused. None may be called within a transaction.
"""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Final

from django.utils import timezone

from accounts.problems import Problem, executed
from matching import borrowing
from matching.engine import commands
from matching.engine.commands import Command
from matching.gateway import GatewayError
from wallets import deposits, outbox, pace, selectors, signatures
from wallets.chain import numbers, wake
from wallets.chain.addresses import read_address
from wallets.models import L1_SOURCE, SELF_CUSTODY, Deposit, InternalTransfer, Withdrawal
from wallets.signatures import MovementSignature

log = logging.getLogger(__name__)

ENDED: Final = frozenset({Withdrawal.Status.REFUSED, Withdrawal.Status.RELEASED, Withdrawal.Status.COMPLETED})
# While it is being ended: what it becomes, and by which command.
ENDINGS: Final[dict[str, tuple[str, Callable[..., Command]]]] = {
    Withdrawal.Status.RELEASING: (Withdrawal.Status.RELEASED, commands.release),
    Withdrawal.Status.COMPLETING: (Withdrawal.Status.COMPLETED, commands.complete),
}
# Deposits made by hand: demo money and operators' corrections.
MANUAL_SOURCE = 1
REGISTERED_WITHIN_S: Final = 4.0
POLL_S: Final = 0.05


def credit_deposit(
    *, account_id: int, asset_code: str, amount_atoms: int, source: int = MANUAL_SOURCE, reference: str | None = None
) -> Deposit:
    """Credit an account once. Raises Problem unknown_asset, invalid_amount, invalid_account, balance_overflow…"""
    outbox.check_amount(amount_atoms)
    asset = outbox.find_asset(asset_code)
    row = outbox.record(
        Deposit, reference=reference, key=["source"], source=source, account_id=account_id, asset_id=asset.id,
        amount=amount_atoms,
    )  # fmt: skip
    if row.status == Deposit.Status.PENDING:
        deposits.send_pending(source)
        row.refresh_from_db()
    if row.status == Deposit.Status.REFUSED:
        raise Problem(row.code)
    if row.status == Deposit.Status.PENDING:
        raise Problem("unknown_outcome")
    return row


def hold_withdrawal(
    *, account_id: int, asset_code: str, amount_atoms: int, reference: str | None = None, network: str = "",
    address: str = "", address_tag: str = "", signature: MovementSignature | None = None,
) -> Withdrawal:  # fmt: skip
    """Set an amount aside to leave the exchange, for an address of a network.

    With a chain the address is one of it, and the amount can be claimed there when its block is final. One that its
    user signed has left at once.
    Raises Problem unknown_asset, invalid_amount, invalid_address, insufficient_balance…
    """
    outbox.check_amount(amount_atoms)
    asset = outbox.find_asset(asset_code)
    recipient = _read_recipient(address) if wake.has_chain() else None
    pace.check(Withdrawal, reference=reference, account_id=account_id)
    row = outbox.record(
        Withdrawal, reference=reference, key=["account_id"], account_id=account_id, asset_id=asset.id,
        amount=amount_atoms, network=network, address=address, address_tag=address_tag, recipient=recipient,
        signature=signatures.written(signature),
    )  # fmt: skip
    # The row stands and will be carried out, whatever fails from here on.
    with executed():
        return _requested(_send_hold(row.pk))


def cancel_withdrawal(*, account_id: int, withdrawal_id: int) -> Withdrawal:
    """Give a held withdrawal back to its owner, who asks for it, once.

    Raises Problem unknown_withdrawal, withdrawal_in_progress (an operator carries it out), withdrawal_ended.
    """
    row = selectors.get_withdrawal(account_id, withdrawal_id)
    return _end(row.pk, Withdrawal.Status.RELEASED, allowed=(Withdrawal.Status.HELD,))


def take_withdrawal(*, withdrawal_id: int) -> Withdrawal:
    """Begin to carry a held withdrawal out: nobody else will, and its owner cannot cancel it any more.

    Raises Problem unknown_withdrawal, withdrawal_in_progress, withdrawal_ended.
    """
    with outbox.locked(f"withdrawal {withdrawal_id}"):
        row = _withdrawal(withdrawal_id)
        if row.status != Withdrawal.Status.HELD:
            raise _not_now(row)
        _set_status(row, Withdrawal.Status.SENDING)
    return row


def release_withdrawal(*, withdrawal_id: int) -> Withdrawal:
    """Refuse to carry a withdrawal out and give it back, once. Raises as take_withdrawal."""
    return _end(
        withdrawal_id, Withdrawal.Status.RELEASED, allowed=(Withdrawal.Status.HELD, Withdrawal.Status.SENDING)
    )  # fmt: skip


def complete_withdrawal(*, withdrawal_id: int) -> Withdrawal:
    """A withdrawal has left, once. Raises as take_withdrawal."""
    return _end(
        withdrawal_id, Withdrawal.Status.COMPLETED, allowed=(Withdrawal.Status.HELD, Withdrawal.Status.SENDING)
    )  # fmt: skip


def transfer(
    *, from_account_id: int, to_account_id: int, asset_code: str, amount_atoms: int, reference: str | None = None,
    signature: MovementSignature | None = None,
) -> InternalTransfer:  # fmt: skip
    """Move an amount between accounts. Raises Problem unknown_asset, invalid_amount, insufficient_balance…"""
    outbox.check_amount(amount_atoms)
    if from_account_id == to_account_id:
        raise Problem("invalid_parameter", "a transfer is between two accounts")
    pace.check(InternalTransfer, reference=reference, from_account_id=from_account_id)
    ensure_registered(account_id=to_account_id)
    asset = outbox.find_asset(asset_code)
    row = outbox.record(
        InternalTransfer, reference=reference, key=["from_account_id"], from_account_id=from_account_id,
        to_account_id=to_account_id, asset_id=asset.id, amount=amount_atoms, signature=signatures.written(signature),
    )  # fmt: skip
    with executed():
        return _requested(_send_transfer(row.pk))


def ensure_registered(*, account_id: int) -> None:
    """With a chain, an account has a number in the rollup before it receives anything: get it one.

    Raises Problem account_not_registered when that takes longer than a moment; it goes on meanwhile. At once when its
    user has announced a key of his own: only he can register it.
    """
    if not wake.has_chain() or selectors.is_registered(account_id):
        return
    if numbers.want(account_id=account_id).custody == SELF_CUSTODY:
        raise Problem("account_not_registered", "its user has announced a key, and not registered it yet")
    wake.wake()
    until = time.monotonic() + REGISTERED_WITHIN_S
    while not selectors.is_registered(account_id):
        if time.monotonic() > until:
            raise Problem("account_not_registered", "it gets its number in the rollup: try again in a few seconds")
        borrowing.give_back()
        time.sleep(POLL_S)


def send_pending(*, older_than_s: float = 5.0) -> int:
    """Send again what was asked for and not answered, and is older than that; how many rows were looked at.

    Ends at the first one that the matcher does not answer: the next call goes on.
    """
    before = timezone.now() - timedelta(seconds=older_than_s)
    sends: list[Callable[[], object]] = []
    # What comes by the chain is sent in the order of its queue, by wallets.chain.queue.
    pending = Deposit.objects.filter(status=Deposit.Status.PENDING, created_at__lt=before).exclude(source=L1_SOURCE)
    for source in pending.order_by("source").values_list("source", flat=True).distinct():
        sends.append(partial(deposits.send_pending, source))
    for withdrawal in Withdrawal.objects.filter(status=Withdrawal.Status.REQUESTED, created_at__lt=before):
        sends.append(partial(_send_hold, withdrawal.pk))
    for ending in Withdrawal.objects.filter(status__in=list(ENDINGS), updated_at__lt=before):
        sends.append(partial(_end_again, ending.pk))
    for asked in InternalTransfer.objects.filter(status=InternalTransfer.Status.REQUESTED, created_at__lt=before):
        sends.append(partial(_send_transfer, asked.pk))
    for done, send in enumerate(sends):
        try:
            send()
        except GatewayError:
            return done
    return len(sends)


def _read_recipient(address: str) -> int:
    """Raises Problem invalid_address, also for contracts that would take tokens and could never give them back."""
    recipient = read_address(address)
    deployed = selectors.chain_deployment()
    if deployed is not None and recipient in {int(ours, 16) for ours in (deployed.address, *deployed.tokens.values())}:
        raise Problem("invalid_address", "what is sent to this contract is lost")
    return recipient


def _send_hold(pk: int) -> Withdrawal:
    with outbox.locked(f"withdrawal {pk}"):
        row = Withdrawal.objects.get(pk=pk)
        if row.status != Withdrawal.Status.REQUESTED:
            return row
        done = Withdrawal.Status.COMPLETED if row.signature else Withdrawal.Status.HELD
        return _settle(row, signatures.withdrawal_command(row), done)


def _send_transfer(pk: int) -> InternalTransfer:
    with outbox.locked(f"transfer {pk}"):
        row = InternalTransfer.objects.get(pk=pk)
        if row.status != InternalTransfer.Status.REQUESTED:
            return row
        return _settle(row, signatures.transfer_command(row), InternalTransfer.Status.DONE)


def _settle(row: outbox.Row, command: Command, done: str) -> outbox.Row:
    """Send the command of a row that was asked for and write down what became of it."""
    ((result, final),) = outbox.send([row], [command])
    code = outbox.refusal(result)
    mine = type(row).objects.filter(pk=row.pk, status="requested")
    with executed():
        if not code:
            mine.update(status=done, sequence=result.sequence)
        elif code == outbox.APPLIED:
            mine.update(status=done)
        elif final and code not in outbox.TRANSIENT:
            mine.update(status="refused", code=code)
        row.refresh_from_db()
    return row


def _requested(row: outbox.Row) -> outbox.Row:
    """The row, unless it was refused or nobody knows yet."""
    if row.status == "refused":
        raise Problem(row.code)
    if row.status == "requested":
        raise Problem("unknown_outcome")
    return row


def _withdrawal(pk: int) -> Withdrawal:
    row = Withdrawal.objects.filter(pk=pk).first()
    if row is None:
        raise Problem("unknown_withdrawal")
    return row


def _set_status(row: Withdrawal, status: str) -> None:
    row.status = status
    row.save(update_fields=["status", "updated_at"])


def _not_now(row: Withdrawal) -> Problem:
    return Problem("withdrawal_ended" if row.status in ENDED else "withdrawal_in_progress")


def _end(pk: int, status: str, *, allowed: Sequence[str]) -> Withdrawal:
    """End a withdrawal in `status`, from one of the statuses allowed, or from where this was begun before."""
    with outbox.locked(f"withdrawal {pk}"):
        row = _withdrawal(pk)
        if row.status == status:
            return row
        ending = next(one for one, (end, _) in ENDINGS.items() if end == status)
        if row.status not in (*allowed, ending):
            raise _not_now(row)
        # Before the command leaves: whatever becomes of its answer, nobody ends the withdrawal otherwise.
        _set_status(row, ending)
        _send_ending(row)
    if row.status != status:
        raise Problem("unknown_outcome")
    return row


def _end_again(pk: int) -> None:
    with outbox.locked(f"withdrawal {pk}"):
        row = _withdrawal(pk)
        if row.status in ENDINGS:
            _send_ending(row)


def _send_ending(row: Withdrawal) -> None:
    """Send the command that ends a withdrawal, and write down what became of it."""
    status, make = ENDINGS[row.status]
    ((result, final),) = outbox.send([row], [make(withdrawal=row.pk)])
    code = outbox.refusal(result)
    if code and code != outbox.APPLIED:
        if final and code not in outbox.TRANSIENT:
            log.error("withdrawal %s is %s, and the matcher says %s: an operator must look", row.pk, row.status, code)
        return
    told = {} if code else {"sequence": result.sequence}
    with executed():
        Withdrawal.objects.filter(pk=row.pk).update(status=status, **told)
        row.refresh_from_db()
