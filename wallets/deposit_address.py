"""Where an account is paid in: its number in the contract, which it gets when it is first asked for."""

from dataclasses import dataclass

from django.conf import settings

from accounts.problems import Problem
from wallets import selectors
from wallets.chain import numbers
from wallets.chain.wake import has_chain, wake
from wallets.models import L2Account


@dataclass(frozen=True, slots=True)
class DepositAddress:
    """`number` is None until the account has one. `tokens`: the address of each asset's token, by the asset's code."""

    number: int | None
    status: str
    custody: int
    owner: str
    chain_id: int
    contract: str
    confirmations: int
    tokens: dict[str, str]


def deposit_address(*, account_id: int) -> DepositAddress:
    """Where to pay in for an account: approve the contract, then `deposit(number, asset id, atoms)`.

    Raises Problem no_chain.
    """
    deployed = selectors.chain_deployment() if has_chain() else None
    if deployed is None:
        raise Problem("no_chain")
    row = numbers.want(account_id=account_id)
    if row.status == L2Account.Status.WANTED:
        wake()
    assets = {asset.id: asset.code for asset in selectors.list_assets()}
    return DepositAddress(
        number=row.number, status=row.status, custody=row.custody, owner=row.owner, chain_id=deployed.chain_id,
        contract=deployed.address, confirmations=settings.CHAIN_CONFIRMATIONS,
        tokens={assets[int(id)]: address for id, address in deployed.tokens.items() if int(id) in assets},
    )  # fmt: skip
