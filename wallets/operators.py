"""What operators do with withdrawals by hand, each with its rows in the audit, until a chain carries them out."""

from collections.abc import Callable

from accounts import operators
from accounts import selectors as accounts
from accounts.operators import Operator
from wallets import services
from wallets.models import Withdrawal


def take_withdrawal(*, withdrawal: Withdrawal, by: Operator) -> Withdrawal:
    """Begin to carry it out: nobody else will, and its owner cannot cancel it. Raises as services.take_withdrawal."""
    return _do("withdrawal.take", services.take_withdrawal, withdrawal, by)


def complete_withdrawal(*, withdrawal: Withdrawal, by: Operator) -> Withdrawal:
    """It has left. Raises as services.complete_withdrawal."""
    return _do("withdrawal.complete", services.complete_withdrawal, withdrawal, by)


def refuse_withdrawal(*, withdrawal: Withdrawal, by: Operator) -> Withdrawal:
    """It is not carried out, and its owner has it back. Raises as services.release_withdrawal."""
    return _do("withdrawal.refuse", services.release_withdrawal, withdrawal, by)


def _do(action: str, change: Callable[..., Withdrawal], withdrawal: Withdrawal, by: Operator) -> Withdrawal:
    account = accounts.find_account(account_id=withdrawal.account_id)
    subject = f"withdrawal {withdrawal.pk} of account {withdrawal.account_id}"
    with operators.audited(action=action, subject=subject, by=by, account=account) as outcome:
        row = change(withdrawal_id=withdrawal.pk)
        outcome |= {"sequence": row.sequence, "status": row.status}
    return row
