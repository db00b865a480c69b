"""The client of the chain: what counts as confirmed, and what becomes of transactions that cannot be."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from eth_account import Account

from rollup.deployment import REGISTRATION_FEE_WEI as FEE
from rollup.state.babyjubjub import BASE
from tests.devchain import KeptChain
from tests.rollup.contracts.world import key
from tests.stack import wait_until
from wallets.chain import client, keys
from wallets.chain.client import Chain, ChainRefused, ChainUnreachable, OutOfGas, Reverted
from wallets.chain.deployment import Deployment

TREASURY = "treasury"


def register(deployed: Deployment, number: int = 1) -> Any:
    owner = deployed.key(TREASURY).address
    return deployed.rollup.functions.register(*key(number), owner)


def test_the_confirmed_head_has_its_confirmations(chain: Chain, dev_chain: KeptChain, settings: Any) -> None:
    settings.CHAIN_KEPT_FILE = ""
    for _ in range(5):
        dev_chain.dev.rpc("evm_mine")
    head = chain.head()
    for confirmations, expected in ((1, head), (3, head - 2), (head + 1, 0), (head + 10, -1)):
        settings.CHAIN_CONFIRMATIONS = confirmations
        assert chain.confirmed_head() == expected


def test_on_a_development_chain_only_what_is_kept_is_confirmed(
    chain: Chain, dev_chain: KeptChain, settings: Any, tmp_path: Path
) -> None:
    dev_chain.dev.rpc("evm_mine")
    kept = tmp_path / "kept"
    settings.CHAIN_KEPT_FILE = str(kept)
    assert chain.confirmed_head() == -1
    kept.write_text("0")
    assert chain.confirmed_head() == 0
    settings.CHAIN_KEPT_FILE = str(dev_chain.dev.kept_file)
    wait_until(lambda: chain.confirmed_head() == chain.head(), "the keeper")


def test_a_reorganisation_changes_hashes_and_takes_receipts_away(deployed: Deployment, dev_chain: KeptChain) -> None:
    chain = deployed.chain
    signed = chain.prepare(deployed.key(TREASURY), register(deployed), value=FEE)
    chain.broadcast(signed.raw)
    mined = chain.wait(signed.hash)
    assert chain.block_hash(mined.block_number) == mined.block_hash
    assert [event.name for event in chain.events(mined.block_number, mined.block_number)] == [
        "Claimable",
        "Queued",
        "Registered",
    ]
    dev_chain.dev.rpc("anvil_reorg", 1, [])
    assert chain.block_hash(mined.block_number) != mined.block_hash
    assert chain.events(mined.block_number, chain.head()) == []
    # The very same bytes bring it back.
    chain.broadcast(signed.raw)
    again = chain.wait(signed.hash)
    assert again.block_hash != mined.block_hash
    assert chain.call(deployed.rollup.functions.next_account()) == 2


def test_what_the_chain_has_is_handed_to_it_again_without_harm(deployed: Deployment) -> None:
    chain, treasury = deployed.chain, deployed.key(TREASURY)
    signed = chain.prepare(treasury, register(deployed), value=FEE)
    for _ in range(3):
        chain.broadcast(signed.raw)
        chain.wait(signed.hash)
    assert chain.nonce(treasury.address) == signed.nonce + 1
    assert chain.call(deployed.rollup.functions.next_account()) == 2


def test_a_call_that_the_contract_refuses_is_told_before_it_leaves(deployed: Deployment) -> None:
    chain, treasury = deployed.chain, deployed.key(TREASURY)
    nonce = chain.nonce(treasury.address)
    for call, value, reason in (
        (deployed.rollup.functions.register(BASE.x, BASE.y + 1, treasury.address), FEE, "key_off_curve"),
        (deployed.rollup.functions.register(*BASE, treasury.address), FEE - 1, "wrong_fee"),
        (deployed.rollup.functions.pause(), 0, "not_owner"),
    ):
        with pytest.raises(Reverted) as caught:
            chain.prepare(treasury, call, value=value)
        assert caught.value.reason == reason
    assert chain.nonce(treasury.address) == nonce


def test_a_transaction_that_reverts_when_it_is_mined_is_told_by_its_receipt(
    deployed: Deployment, dev_chain: KeptChain
) -> None:
    chain, owner = deployed.chain, deployed.key("owner")
    pause = deployed.rollup.functions.pause()
    first = chain.prepare(owner, pause)
    second = chain.prepare(owner, pause, nonce=first.nonce + 1)
    dev_chain.dev.rpc("evm_setAutomine", False)
    try:
        chain.broadcast(first.raw)
        chain.broadcast(second.raw)
        assert chain.receipt(first.hash) is None
        dev_chain.dev.rpc("evm_mine")
    finally:
        dev_chain.dev.rpc("evm_setAutomine", True)
    assert chain.wait(first.hash).status
    found = chain.receipt(second.hash)
    assert found is not None and not found.status
    with pytest.raises(Reverted, match="reverted in block"):
        chain.wait(second.hash)


def test_an_address_without_gas_is_told_so(deployed: Deployment) -> None:
    poor = Account.create()
    with pytest.raises(OutOfGas) as caught:
        deployed.chain.prepare(poor, deployed.rollup.functions.register(*key(1), poor.address), value=FEE)
    assert (caught.value.reason, isinstance(caught.value, ChainRefused)) == ("no_gas", True)


def test_a_chain_that_is_away_is_unreachable(chain: Chain, settings: Any) -> None:
    settings.CHAIN_RPC_URL = "http://127.0.0.1:9"
    away = client.connect()
    for ask in (away.head, away.confirmed_head, away.chain_id, lambda: away.block_hash(0)):
        with pytest.raises(ChainUnreachable):
            ask()


def test_an_answer_that_makes_no_sense_is_unreachable(chain: Chain, settings: Any, live_server: Any) -> None:
    settings.CHAIN_RPC_URL = f"{live_server.url}/nothing-here"
    with pytest.raises(ChainUnreachable):
        client.connect().head()


@pytest.mark.django_db(transaction=True)
def test_senders_at_once_never_take_the_same_nonce(dev_chain: KeptChain, settings: Any) -> None:
    from tests.devchain import deploy, use

    use(dev_chain, settings)
    deployed = deploy()
    treasury = deployed.key(TREASURY)
    first = deployed.chain.nonce(treasury.address)

    def send(number: int) -> bool:
        try:
            return client.connect().send(treasury, register(deployed, number), value=FEE).status
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(send, range(1, 13)))
    assert deployed.chain.nonce(treasury.address) == first + 12
    assert deployed.chain.call(deployed.rollup.functions.next_account()) == 13


def test_keys_are_made_once_and_kept_private(settings: Any) -> None:
    addresses = {name: keys.key(name).address for name in keys.NAMES}
    assert len(set(addresses.values())) == len(keys.NAMES)
    path = settings.VAR_DIR / "secrets" / "chain-keys.json"
    keys.key.cache_clear()
    assert {name: keys.key(name).address for name in keys.NAMES} == addresses
    if path.exists():
        assert path.stat().st_mode & 0o077 == 0
        assert "UNSAFE FOR REAL FUNDS" in path.read_text()
