"""Test tokens for accounts on a dev chain: made by the treasury and paid in through the contract, as anybody's money.

A funding is a row first. The treasury makes tokens when it lacks some, and a surplus stays with it; so only the
deposit must happen once, and its signed bytes are committed with the row before they leave.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from django.db.models import Q
from eth_account.signers.local import LocalAccount
from web3.contract.contract import ContractFunction

from wallets import outbox
from wallets.chain import transactions
from wallets.chain.client import Chain, ChainRefused, sending
from wallets.chain.deployment import Deployment
from wallets.models import ChainTransaction, L2Account, TestFunding

log = logging.getLogger(__name__)

AT_ONCE: Final = 50
# How the purposes of the treasury's own transactions begin.
MINT: Final = "mint"
APPROVE: Final = "approve"
UNBOUNDED: Final = 2**256 - 1
# The contract's words that will be the same tomorrow.
FOR_EVER: Final = frozenset(
    {"unknown_token", "unknown_account", "below_minimum", "amount_out_of_range", "too_much_locked"}
)


def send_wanted(chain: Chain, deployment: Deployment) -> int:
    """Pay in what is wanted for accounts that are registered; how many deposits left.

    Raises ChainUnreachable, ChainRefused: all that is not done is tried again.
    """
    sent = 0
    with outbox.locked("treasury of the chain"):
        _take_back_lost()
        registered = L2Account.objects.filter(status=L2Account.Status.REGISTERED).values("account_id")
        wanted = TestFunding.objects.filter(status=TestFunding.Status.WANTED, account_id__in=registered)
        rows = list(wanted.order_by("id")[:AT_ONCE])
        if rows:
            _make_tokens(chain, deployment, rows)
        for funding in rows:
            sent += _deposit(chain, deployment, funding)
    return sent


def _take_back_lost() -> None:
    """What can never be mined is wanted anew."""
    failed = (ChainTransaction.Status.LOST, ChainTransaction.Status.REVERTED)
    lost = TestFunding.objects.filter(status=TestFunding.Status.SENDING, transaction__status__in=failed)
    lost.update(status=TestFunding.Status.WANTED)


def _make_tokens(chain: Chain, deployment: Deployment, rows: Sequence[TestFunding]) -> None:
    """Let the treasury have what it pays in, and the contract take it."""
    key = deployment.key("treasury")
    # One that is still on its way, since the chain asked too much for it, need not be made twice.
    for sent in _under_way(key.address):
        transactions.finish(chain, sent)
    needed: dict[int, int] = defaultdict(int)
    for funding in rows:
        needed[funding.asset_id] += funding.amount
    for asset_id, amount in needed.items():
        token = deployment.token(asset_id)
        balance = chain.call(token.functions.balanceOf(key.address))
        if balance < amount:
            _send(chain, key, token.functions.mint(key.address, amount - balance), f"{MINT} {amount - balance}")
        if chain.call(token.functions.allowance(key.address, deployment.address)) < amount:
            _send(chain, key, token.functions.approve(deployment.address, UNBOUNDED), f"{APPROVE} the contract")


def _under_way(sender: str) -> list[ChainTransaction]:
    rows = ChainTransaction.objects.filter(sender=sender, status=ChainTransaction.Status.SENDING).order_by("nonce")
    return list(rows.filter(Q(purpose__startswith=MINT) | Q(purpose__startswith=APPROVE)))


def _send(chain: Chain, key: LocalAccount, call: ContractFunction, purpose: str) -> None:
    """Send what may be done twice and wait for it. Kept like others: after a reorg its nonce must not be missing."""
    with sending(key.address):
        sent = transactions.record(chain.prepare(key, call), purpose=purpose)
    transactions.finish(chain, sent)


def _deposit(chain: Chain, deployment: Deployment, funding: TestFunding) -> bool:
    """Whether the deposit left. Raises ChainRefused for what may pass: a full queue, a pause, no gas."""
    number = L2Account.objects.values_list("number", flat=True).get(account_id=funding.account_id)
    call = deployment.rollup.functions.deposit(number, funding.asset_id, funding.amount)
    treasury = deployment.key("treasury")
    try:
        with sending(treasury.address):
            signed = chain.prepare(treasury, call)
            funding.transaction = transactions.record(signed, purpose=f"deposit for account {funding.account_id}")
            funding.status, funding.code = TestFunding.Status.SENDING, ""
            funding.save(update_fields=["transaction", "status", "code", "updated_at"])
    except ChainRefused as error:
        refused = error.reason in FOR_EVER
        TestFunding.objects.filter(pk=funding.pk).update(
            code=error.reason[:200], status=TestFunding.Status.REFUSED if refused else TestFunding.Status.WANTED
        )
        if refused:
            log.warning("test funding %s was refused: %s", funding.pk, error.reason)
            return False
        raise
    transactions.advance(chain, funding.transaction)
    return True
