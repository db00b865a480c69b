"""Asking for an account's number in the rollup. The registrar (wallets.chain.registration) gets it."""

from accounts.problems import Problem
from wallets import outbox
from wallets.chain.addresses import write_address
from wallets.models import SELF_CUSTODY, L2Account

Status = L2Account.Status


def want(*, account_id: int) -> L2Account:
    """The account's row in the rollup; without one it will be registered soon, with a key of the exchange."""
    row, _ = L2Account.objects.get_or_create(account_id=account_id)
    return row


def announce(*, account_id: int, x: int, y: int, owner: int) -> L2Account:
    """Say that the account's user will register this key on the chain, with this owner; before doing so.

    Raises Problem account_registered when it has a number already, key_announced when another account said the same.
    """
    address = write_address(owner)
    with outbox.locked("announced keys"):
        same = L2Account.objects.filter(x=x, y=y, owner=address).exclude(account_id=account_id)
        if same.exists():
            raise Problem("key_announced")
        row, created = L2Account.objects.get_or_create(
            account_id=account_id, defaults={"x": x, "y": y, "owner": address, "custody": SELF_CUSTODY}
        )
        if not created:
            # Nothing was sent yet for one that is wanted and has no transaction: it may still be the user's own.
            free = L2Account.objects.filter(pk=row.pk, status=Status.WANTED, transaction=None)
            if not free.update(x=x, y=y, owner=address, custody=SELF_CUSTODY, seed=None):
                raise Problem("account_registered")
            row.refresh_from_db()
    return row
