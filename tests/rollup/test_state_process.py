"""The real way: a matcher, the process of the state manager killed at any moment, and a chain that does not answer."""

import random
import time
from collections.abc import Iterator

import pytest
from django.core.management import call_command

from matching import journal, projection
from matching.engine import commands as c
from rollup import blocks
from rollup.accounts import make_key
from rollup.models import Block, ProvingTask
from rollup.projection import NAME
from rollup.state.ledger import Ledger
from rollup.state.parameters import DEV
from rollup.state.published import apply_block
from tests.matching.harness import execute
from tests.processes import Command
from tests.projections import catch_up
from tests.rollup.exchange import all_proven
from tests.rollup.journals import REGISTRY, totals_of
from tests.stack import wait_until
from wallets import selectors as wallets
from wallets.chain import deployment
from wallets.models import L2Account
from wallets.projection import make_projection as make_wallets

pytestmark = pytest.mark.process

ACCOUNTS = range(1, 6)
BTC, USDT = 1, 2
NOBODY_LISTENS = "http://127.0.0.1:1"


@pytest.fixture
def manager(matcher, database_url) -> Iterator[Command]:
    deployment.record(
        chain_id=31337, address="0x" + "12" * 20, from_block=0, parameters=DEV.name, abi=[], token_abi=[]
    )  # fmt: skip
    manager = Command(
        "project", "rollup", database_url=database_url, CHAIN_RPC_URL=NOBODY_LISTENS, ROLLUP_PARAMETERS=DEV.name
    )
    manager.start()
    try:
        yield manager
    finally:
        manager.kill()


def register_and_fund() -> None:
    """As the watcher of the chain does, by the same commands."""
    index = 0
    batch = []
    for account in (0, *ACCOUNTS):
        key = make_key()
        L2Account.objects.create(
            account_id=account, number=account, x=key.x, y=key.y, seed=key.encrypted_seed, status="registered"
        )
        index += 1
        batch.append(
            c.key(source=REGISTRY, index=index, account=account, l2=account, custody=c.CUSTODIAL, x=key.x, y=key.y)
        )
    for account in ACCOUNTS:
        for asset, amount in ((BTC, 10**12), (USDT, 10**15)):
            index += 1
            batch.append(c.deposit(source=REGISTRY, index=index, account=account, asset=asset, amount=amount))
    assert {result.events[-1][0] for result in execute(*batch)} == {"key", "deposit"}


def some_orders(chance: random.Random, count: int) -> list:
    return [
        c.place(
            account=chance.choice(ACCOUNTS), market=1, side=chance.randint(0, 1),
            price=600_000 + chance.randint(-20, 20), size=chance.randint(100, 400), tif=chance.choice((0, 0, 1)),
        )
        for _ in range(count)
    ]  # fmt: skip


def published() -> dict[tuple[int, int], int]:
    ledger = Ledger(DEV, 0)
    for data in Block.objects.order_by("number").values_list("data", flat=True):
        apply_block(ledger, [int(word) for word in data])
    return totals_of(ledger)


def close_all() -> None:
    """Until all that the journal has is in a block."""
    wait_until(lambda: projection.offset(NAME) >= journal.head(), "the state manager at the journal's head")
    all_proven()
    blocks.request_block()
    wait_until(lambda: not blocks.BlockRequest.objects.exists(), "the open block closed")


def test_blocks_follow_the_matcher_though_their_process_is_killed_and_the_chain_is_away(manager, settings):
    settings.ROLLUP_PARAMETERS = DEV.name
    chance = random.Random(3)
    register_and_fund()
    for _ in range(4):
        for _ in range(3):
            execute(*some_orders(chance, 40))
        close_all()
        execute(*some_orders(chance, 40))
        all_proven()
        blocks.request_block()
        # It may be folding, sealing or writing.
        time.sleep(chance.random() / 10)
        manager.kill()
        execute(*some_orders(chance, 40))
        manager.start()
    close_all()
    catch_up(make_wallets())
    balances = {key: sum(amounts) for key, amounts in wallets.all_balances().items() if sum(amounts)}
    assert published() == balances
    numbers = list(Block.objects.order_by("number").values_list("number", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    assert ProvingTask.objects.count() == len(numbers) > 3
    assert sum(Block.objects.values_list("trades", flat=True)) > 100
    call_command("rebuild", "rollup")


def test_sigterm_ends_it_cleanly(manager):
    register_and_fund()
    wait_until(lambda: projection.offset(NAME) >= journal.head(), "the state manager at the journal's head")
    assert manager.terminate() == 0
