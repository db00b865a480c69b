"""Test tokens for accounts, on a dev chain: asked for here, paid in by the chain's worker like anybody's deposit."""

import time
from collections.abc import Sequence
from typing import Final

from django.conf import settings

from accounts.problems import Problem
from matching import borrowing
from matching.money import parse_decimal
from wallets import outbox
from wallets.chain import numbers
from wallets.chain.wake import has_chain, wake
from wallets.models import QueueEntry, TestFunding

POLL_S: Final = 0.05
WAKE_EVERY_S: Final = 0.5


def request(*, account_id: int, asset_code: str, amount_atoms: int, reference: str | None = None) -> TestFunding:
    """Ask for test tokens, with a `reference` at most once; the account gets a number in the rollup if it has none.

    Raises Problem no_chain, unknown_asset, invalid_amount, reference_reused.
    """
    if not has_chain():
        raise Problem("no_chain")
    outbox.check_amount(amount_atoms)
    asset = outbox.find_asset(asset_code)
    numbers.want(account_id=account_id)
    row = outbox.record(
        TestFunding, reference=reference, key=[], account_id=account_id, asset_id=asset.id, amount=amount_atoms
    )
    wake()
    return row


def grant(*, account_id: int) -> list[TestFunding]:
    """Some of each asset for whoever tries the exchange out, once an hour; asked again, the same.

    Raises Problem no_chain also where tokens are not ours to make.
    """
    if not settings.TEST_FUNDS:
        raise Problem("no_chain", "there are no test tokens here")
    hour = int(time.time()) // 3600
    return [
        request(
            account_id=account_id, asset_code=code, amount_atoms=parse_decimal(text, outbox.find_asset(code).scale),
            reference=f"gift-{account_id}-{code}-{hour}",
        )
        for code, text in settings.TEST_FUNDS.items()
    ]  # fmt: skip


def wait(fundings: Sequence[TestFunding], *, timeout_s: float) -> int:
    """Wait until all are credited; the sequence of the last credit.

    Raises Problem invalid_amount when the contract refuses one for good, and unknown_outcome after `timeout_s`: what
    was asked for stands and is credited later all the same.
    """
    until, wake_at = time.monotonic() + timeout_s, time.monotonic() + WAKE_EVERY_S
    wanted = [row.pk for row in fundings]
    while True:
        applied = TestFunding.objects.filter(
            pk__in=wanted, entry__status=QueueEntry.Status.APPLIED, entry__sequence__isnull=False
        )
        if TestFunding.objects.filter(pk__in=wanted, status=TestFunding.Status.REFUSED).exists():
            raise Problem("invalid_amount", _trouble(wanted))
        sequences = [row.entry.sequence or 0 for row in applied.select_related("entry") if row.entry]
        if len(sequences) == len(wanted):
            return max(sequences, default=0)
        now = time.monotonic()
        if now > until:
            raise Problem("unknown_outcome", _trouble(wanted))
        if now > wake_at:
            wake()
            wake_at = now + WAKE_EVERY_S
        borrowing.give_back()
        time.sleep(POLL_S)


def _trouble(wanted: Sequence[int]) -> str:
    """Which fundings are late, and what is known of why."""
    late = TestFunding.objects.filter(pk__in=wanted).exclude(entry__status=QueueEntry.Status.APPLIED)
    said = ", ".join(f"{row.pk} is {row.status} {row.code}".rstrip() for row in late)
    return f"not paid in by way of the chain: funding {said}"
