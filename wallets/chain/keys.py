"""Keys of the exchange's own addresses on the chain.

Production gives them by the environment: CHAIN_OWNER_KEY and so on, 32 bytes in hex; the owner's is only needed to
deploy. Without it they are made at first run under var/secrets, unsafe for real funds.
"""

import os
import secrets
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from django.conf import settings

from accounts.secret_file import read_or_make

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

Name = Literal["owner", "operator", "treasury", "custody"]

# owner: administers the contract. operator: submits blocks, registers accounts. treasury: mints test tokens and pays
# them in. custody: owns, on the chain, the accounts whose keys the exchange holds.
NAMES: Final[tuple[Name, ...]] = ("owner", "operator", "treasury", "custody")
# Whose transactions are kept, and may have to offer more for their gas.
SENDERS: Final[tuple[Name, ...]] = ("operator", "treasury")
NOTICE: Final = "Development keys of this data directory's chain. UNSAFE FOR REAL FUNDS. Never commit, never reuse."


@cache
def key(name: Name) -> "LocalAccount":
    """The key of one of our addresses; it signs, and has `.address`."""
    from eth_account import Account

    given = os.environ.get(f"CHAIN_{name.upper()}_KEY")
    return Account.from_key(given or _made(settings.VAR_DIR / "secrets" / "chain-keys.json")[name])


def of_address(address: str) -> "LocalAccount | None":
    """The key of whoever of ours sends by an address; None for one that is nobody's (any more)."""
    return next((found for name in SENDERS if (found := key(name)).address == address), None)


def _made(path: Path) -> dict[str, str]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return read_or_make(path, lambda: {"notice": NOTICE} | {name: "0x" + secrets.token_hex(32) for name in NAMES})
