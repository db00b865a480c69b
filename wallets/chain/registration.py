"""Numbers of accounts in the rollup: those whose keys the exchange holds are registered on the chain in batches.

A wanted account gets a key, and its row is committed with the signed transaction that registers it. Until the
watcher sees the contract's event those very bytes are sent again, so that a crash registers nobody twice.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from wallets import outbox
from wallets.chain import transactions
from wallets.chain.client import Chain, sending
from wallets.chain.deployment import Deployment
from wallets.models import FEES_ACCOUNT, ChainTransaction, L2Account

# As many as the contract takes at once.
BATCH_MAX: Final = 32
Status = L2Account.Status


class NewKey(NamedTuple):
    """A public key, and its 32 secret bytes, encrypted."""

    x: int
    y: int
    encrypted_seed: bytes


def register_wanted(chain: Chain, deployment: Deployment, make_key: Callable[[], NewKey]) -> int:
    """Send registrations for the accounts that are wanted; how many left.

    Raises ChainUnreachable, ChainRefused: what is not done is tried again.
    """
    with outbox.locked("registrar"):
        _take_back_lost()
        sent = _give_key_to_fees(chain, deployment, make_key)
        for rows in _batches():
            for row in rows:
                _ensure_key(row, make_key)
            keys = [[row.x, row.y] for row in rows]
            owner = deployment.key("custody").address
            call = deployment.rollup.functions.register_many(keys, owner)
            _send(chain, deployment, call, rows, f"register {len(rows)} accounts", owner)
            sent += len(rows)
    return sent


def _take_back_lost() -> None:
    """Accounts whose transaction can never be mined are wanted anew, with the keys they have."""
    failed = (ChainTransaction.Status.LOST, ChainTransaction.Status.REVERTED)
    lost = L2Account.objects.filter(status=Status.REGISTERING, transaction__status__in=failed)
    lost.update(status=Status.WANTED)


def _give_key_to_fees(chain: Chain, deployment: Deployment, make_key: Callable[[], NewKey]) -> int:
    """Account 0 is in the contract from its start, and only needs a key."""
    row, _ = L2Account.objects.get_or_create(account_id=FEES_ACCOUNT, defaults={"number": 0})
    if row.status != Status.WANTED:
        return 0
    _ensure_key(row, make_key)
    call = deployment.rollup.functions.set_key(0, row.x, row.y)
    _send(chain, deployment, call, [row], "key of account 0", deployment.key("operator").address)
    return 1


def _batches() -> Iterator[list[L2Account]]:
    """Wanted accounts whose keys the exchange holds, a batch at a time."""
    wanted = L2Account.objects.filter(status=Status.WANTED, custody=1, number=None).order_by("created_at", "account_id")
    while rows := list(wanted[:BATCH_MAX]):
        yield rows


def _ensure_key(row: L2Account, make_key: Callable[[], NewKey]) -> None:
    # One that was sent before, and lost, keeps its key.
    if row.seed is None:
        key = make_key()
        row.x, row.y, row.seed = key.x, key.y, key.encrypted_seed


def _send(  # noqa: PLR0917  two of what is called, three of what is kept
    chain: Chain, deployment: Deployment, call: Any, rows: list[L2Account], purpose: str, owner: str
) -> None:  # fmt: skip
    operator = deployment.key("operator")
    with sending(operator.address):
        signed = chain.prepare(operator, call)
        sent = transactions.record(signed, purpose=purpose)
        for row in rows:
            content = {
                "x": row.x, "y": row.y, "seed": row.seed, "owner": owner, "transaction": sent,
                "status": Status.REGISTERING,
            }  # fmt: skip
            # Its user may have announced a key of his own in between.
            mine = L2Account.objects.filter(pk=row.pk, status=Status.WANTED, custody=1)
            if not mine.update(**content):
                raise RuntimeError(f"account {row.account_id} changed while it was registered")
    transactions.advance(chain, sent)
