"""Funded accounts for demonstrations, scripts and tests.

Without a chain their money comes out of thin air, by deposits; with a (dev) chain it is test tokens, paid in through
the contract as anybody's money is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from accounts import keys, selectors, services
from accounts.problems import Problem
from accounts.services import PERMISSIONS, Account
from orders.scales import amount_to_atoms
from wallets import selectors as wallets
from wallets import services as wallet_services
from wallets import test_funds
from wallets.chain.wake import has_chain

KEY_LABEL = "demo_account"
NAME_LENGTH_MAX = 64
# Later reads of the balance should find the money, but a projector that is down must not stop the script.
PROJECTED_WITHIN_MS = 10_000
# By way of the chain it takes some rounds of the chain's worker; other accounts may be in front.
CREDITED_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An account's engine id and a key with every permission."""

    account: int
    key: str
    secret: str


def demo_account(
    *, name: str, balances: Sequence[tuple[str, str]] = (), rate_tier: str = "standard", is_system: bool = False
) -> DemoAccount:  # fmt: skip
    """The account of this name, made if there is none, with the balances added to what it has.

    `balances` are (asset code, decimal text). All are checked before anything is done.
    Raises Problem (invalid_request, unknown_asset, invalid_number, too_precise, invalid_amount) and GatewayError.
    """
    if not 1 <= len(name.strip()) <= NAME_LENGTH_MAX or not name.isprintable():
        raise Problem("invalid_request", f"a name has 1 to {NAME_LENGTH_MAX} printable characters")
    amounts = [(code, _atoms(code, text)) for code, text in balances]
    account = _ensure_account(name.strip(), rate_tier, is_system)
    fund(account_id=account.pk, amounts=amounts)
    key, secret = _ensure_key(account)
    return DemoAccount(account=account.pk, key=key, secret=secret)


def fund(*, account_id: int, amounts: Sequence[tuple[str, int]], reference: str | None = None) -> None:
    """Deposit atoms of assets, and wait until the balances can be read. With a `reference` each asset at most once.

    Raises Problem (unknown_asset, invalid_amount, unknown_outcome…) and GatewayError.
    """
    deposits: list[dict[str, Any]] = [
        {
            "account_id": account_id, "asset_code": code, "amount_atoms": atoms,
            "reference": f"{reference}-{code}" if reference else None,
        }
        for code, atoms in amounts
    ]  # fmt: skip
    if has_chain():
        # All are asked for before the first is waited for: the worker pays them in together.
        sequence = test_funds.wait([test_funds.request(**deposit) for deposit in deposits], timeout_s=CREDITED_WITHIN_S)
    else:
        sequence = max((wallet_services.credit_deposit(**deposit).sequence or 0 for deposit in deposits), default=0)
    wallets.wait_for_sequence(sequence, timeout_ms=PROJECTED_WITHIN_MS)


def _atoms(code: str, text: str) -> int:
    try:
        asset = wallets.get_asset(code=code)
        return amount_to_atoms(text, asset.scale)
    except Problem as problem:
        raise Problem(problem.code, f"{code}={text[:80]}: {problem.detail}") from None


def _ensure_account(name: str, rate_tier: str, is_system: bool) -> Account:
    try:
        with transaction.atomic():
            return services.create_account(name=name, rate_tier=rate_tier, is_system=is_system)
    except IntegrityError:
        return selectors.get_account(name=name, user=None)


def _ensure_key(account: Account) -> tuple[str, str]:
    """A key that was made here before, else a new one."""
    for row in selectors.list_api_keys(account_id=account.pk):
        known = keys.find(row.key) if row.label == KEY_LABEL and row.revoked_at is None else None
        if known is not None:
            return known.key, known.secret
    return services.create_api_key(account=account, permissions=PERMISSIONS, label=KEY_LABEL)
