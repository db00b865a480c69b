"""Failed attempts to say who one is, counted by address before the next one may cost a query of the database.

Only what failed counts, and only what would ask the database is refused: a key or a session that this process knows
is not held up by others of its address.
"""

from typing import Final

from accounts import limits, network
from accounts.limits import Limit

FAILURES: Final = Limit(50, 10)


def require_patience(address: str) -> None:
    """Raises Problem rate_limited when too much of this address has failed in this window."""
    limits.require(_name(address), FAILURES)


def note(address: str) -> None:
    """One more has failed. Never refuses."""
    limits.count(_name(address), FAILURES)


def _name(address: str) -> str:
    return f"failed {network.party(address)}"
