"""The exchange is gone: whoever had its keys for escapes gets out, with a node and nothing else."""

import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from eth_account import Account as Wallet

from rollup import deployment as rollup_deployment
from rollup.models import Block
from rollup.prover import keys
from rollup.prover.proving import Prover
from tests.devchain import KeptChain, deploy
from tests.rollup.contracts.test_proofs import PAID_IN, TAKEN_OUT, Settled, own_chain, prover  # noqa: F401  fixtures
from wallets.models import ChainDeployment

LEFT = PAID_IN - TAKEN_OUT


@pytest.fixture
def frozen(prover: Prover, own_chain: KeptChain, db: None) -> Settled:  # noqa: F811
    """An exit was asked for, and for a month nobody took it. The exchange and all its rows are gone."""
    settled = Settled(deploy(), prover)
    assert rollup_deployment.deploy_verifiers(say=lambda _: None)
    settled.submit(settled.prove(settled.first_slots()))
    treasury = settled.deployed.key("treasury")
    settled.chain.send(treasury, settled.rollup.request_exit(1, 2), value=rollup_deployment.EXIT_BOND_WEI)
    own_chain.dev.rpc("evm_increaseTime", rollup_deployment.WINDOW_S + 1)
    own_chain.dev.rpc("evm_mine")
    settled.chain.send(treasury, settled.rollup.freeze())
    ChainDeployment.objects.all().delete()
    assert not Block.objects.exists()
    return settled


def escape(settled: Settled, url: str, **more: Any) -> str:
    said = StringIO()
    where = {"node": url, "contract": settled.deployed.address, "parameters": "tiny"}
    call_command("escape", stdout=said, **(where | more))
    return said.getvalue()


def test_whoever_is_frozen_out_escapes(
    frozen: Settled,
    own_chain: KeptChain,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, owner = own_chain.dev.url, frozen.deployed.key("treasury").address
    assert "the contract takes proofs by these keys" in escape(frozen, url)
    said = escape(frozen, url, account=1, token=1)
    assert f"account 1 has {LEFT} atoms of token 1: proven" in said
    assert "sent" not in said
    claimable = frozen.rollup.claimable(owner, 1)
    assert frozen.chain.call(claimable) == 0
    # Anybody may pay the gas; the owner gets it.
    helper = Wallet.create()
    own_chain.dev.rpc("anvil_setBalance", helper.address, hex(10**18))
    monkeypatch.setenv("ESCAPE_KEY", helper.key.to_0x_hex())
    assert "sent: 0x" in escape(frozen, url, account=1, token=1)
    assert frozen.chain.call(claimable) == LEFT
    for account, token, reason in ((1, 1, "escaped"), (1, 2, "nothing of token 2"), (64, 1, "64"), (1, 4, "4")):
        with pytest.raises(CommandError, match=reason):
            escape(frozen, url, account=account, token=token)
    assert frozen.chain.call(claimable) == LEFT


def test_before_a_freeze_nobody_escapes(
    own_chain: KeptChain,  # noqa: F811
    prover: Prover,  # noqa: F811
    db: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settled = Settled(deploy(), prover)
    assert rollup_deployment.deploy_verifiers(say=lambda _: None)
    settled.submit(settled.prove(settled.first_slots()))
    monkeypatch.setenv("ESCAPE_KEY", settled.deployed.key("treasury").key.to_0x_hex())
    with pytest.raises(CommandError, match="not_frozen"):
        escape(settled, own_chain.dev.url, account=1, token=1)


def test_keys_of_ones_own_making_are_of_no_use(
    frozen: Settled,
    own_chain: KeptChain,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("KEYS_DIR", str(tmp_path))
    with pytest.raises(CommandError, match="--keys-from"):
        escape(frozen, own_chain.dev.url)
    keys.ensure("exit-tiny")
    with pytest.raises(CommandError, match="does not take proofs by these keys"):
        escape(frozen, own_chain.dev.url, account=1, token=1)
    shutil.rmtree(tmp_path)


def test_no_node_and_no_contract(frozen: Settled, own_chain: KeptChain) -> None:  # noqa: F811
    with pytest.raises(CommandError, match="no sensible answer"):
        escape(frozen, "http://127.0.0.1:9")
    with pytest.raises(CommandError, match="no sensible answer"):
        escape(frozen, own_chain.dev.url, contract="0x" + "11" * 20)
