"""How many movements an account may ask for where there is a chain.

Trades are netted, but each withdrawal takes a slot of a block and each transfer two, and costs their user nothing. A
block takes seconds to prove and must reach the contract within its window: one account that moves an atom to and fro as
fast as orders are taken would keep everybody's balances from the chain, for good.
"""

import math
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from accounts.problems import Problem
from wallets.chain.wake import has_chain
from wallets.models import FEES_ACCOUNT, InternalTransfer, Withdrawal

WINDOW_S: Final = 3_600
# These took no slot.
NEVER_LEFT: Final = ("refused", "released")


def check(model: type[InternalTransfer] | type[Withdrawal], *, reference: str | None, **of_account: int) -> None:
    """Raises Problem rate_limited when an account has had its movements of a kind in this hour.

    `of_account`: the field that names the account, and its number. One that is asked for again, by its reference, is no
    new one.
    """
    limit = settings.MOVEMENTS_PER_HOUR
    if not has_chain() or FEES_ACCOUNT in of_account.values():
        return
    rows = model.objects.filter(**of_account)
    if reference is not None and rows.filter(reference=reference).exists():
        return
    taken = rows.exclude(status__in=NEVER_LEFT).order_by("-id").values_list("created_at", flat=True)
    oldest = taken[limit - 1 : limit].first()
    wait_s = (oldest + timedelta(seconds=WINDOW_S) - timezone.now()).total_seconds() if oldest else 0
    if wait_s > 0:
        raise Problem(
            "rate_limited", f"at most {limit} of an account in an hour", headers={"Retry-After": str(math.ceil(wait_s))}
        )
