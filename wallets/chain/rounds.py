"""One round of the chain's worker: register, read, apply, pay in, claim. What fails is tried again by the next one."""

import logging
from collections.abc import Callable

from wallets.chain import (
    claims,
    client,
    deployment,
    funding,
    registration,
    reorg,
    transactions,
    watcher,
    withdrawals,
)
from wallets.chain.client import Chain, ChainRefused, ChainUnreachable
from wallets.chain.deployment import Deployment
from wallets.chain.registration import NewKey
from wallets.chain.watcher import OtherContract
from wallets.models import ChainWatch

log = logging.getLogger(__name__)


def run(make_key: Callable[[], NewKey], *, stop: Callable[[], bool] = lambda: False) -> None:
    """Do all that can be done now, until `stop()`. Raises GatewayError when the engine does not answer."""
    if not reorg.is_under_way():
        withdrawals.complete_held()
    try:
        chain, deployed = client.connect(), deployment.current()
    except ChainUnreachable as error:
        ChainWatch.objects.filter(pk=1).update(state=ChainWatch.State.DOWN, reason=str(error)[:500])
        return
    try:
        watcher.tick(chain, deployed)
    except OtherContract:
        return  # what would be sent is for another chain; the row says so
    withdrawals.note_claimed()
    works: list[Callable[[], int | None]]
    if reorg.is_under_way():
        # What is new could take the numbers of what is to come back.
        works = [lambda: _send_back(chain, deployed)]
    else:
        works = [
            lambda: transactions.follow(chain),
            lambda: registration.register_wanted(chain, deployed, make_key),
            lambda: funding.send_wanted(chain, deployed),
            lambda: claims.send_wanted(chain, deployed),
        ]
    troubles = []
    for work in works:
        if stop():
            return
        try:
            if work():
                # On a chain that mines at once what was sent can be read already.
                watcher.tick(chain, deployed)
        except (ChainUnreachable, ChainRefused) as error:
            log.warning("chain: not sent: %s", error)
            troubles.append(str(error))
    ChainWatch.objects.filter(pk=1).update(sending_reason="; ".join(troubles)[:500])


def _send_back(chain: Chain, deployed: Deployment) -> None:
    """Send again what a reorganisation took away, however deep it was."""
    block, _ = reorg.common_block(chain, deployed)
    transactions.follow(chain, since_block=block)
