"""The exchange is gone: whoever had its keys for escapes gets out, with a node and nothing else."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from eth_account import Account as Wallet
from web3 import HTTPProvider, Web3

from rollup import deployment as rollup_deployment
from rollup.escape import CannotEscape, Frozen
from rollup.prover.proving import Proof, Prover
from tests.devchain import KeptChain, deploy
from tests.rollup.contracts.test_proofs import PAID_IN, TAKEN_OUT, Settled, own_chain, prover  # noqa: F401  fixtures
from wallets.models import ChainDeployment

LEFT = PAID_IN - TAKEN_OUT


class OtherKeys:
    """Whoever proves by keys that are not the contract's: what comes out proves something else there."""

    def __init__(self, real: Prover) -> None:
        self._real = real

    def prove(self, inputs: dict[str, Any]) -> Proof:
        proof = self._real.prove(inputs)
        return proof._replace(public=[*proof.public[:3], proof.public[3] + 1])


def refused(reason: str, step: Callable[..., Any], *args: Any) -> None:
    with pytest.raises(CannotEscape, match=reason):
        step(*args)


def command(settled: Settled, url: str, **more: Any) -> str:
    """What the program says, with a node and a contract's address."""
    said = StringIO()
    where = {"node": url, "contract": settled.deployed.address, "parameters": "tiny", "account": 1, "token": 1}
    call_command("escape", stdout=said, **(where | more))
    return said.getvalue()


def test_whoever_is_frozen_out_escapes(
    prover: Prover,  # noqa: F811
    own_chain: KeptChain,  # noqa: F811
    db: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    settled, url = Settled(deploy(), prover), own_chain.dev.url
    assert rollup_deployment.deploy_verifiers(say=lambda _: None)
    settled.submit(settled.prove(settled.first_slots()))
    treasury = settled.deployed.key("treasury")
    claimable = settled.rollup.claimable(treasury.address, 1)
    # Anybody may pay the gas.
    helper = Wallet.create()
    own_chain.dev.rpc("anvil_setBalance", helper.address, hex(10**18))
    key = "0x" + bytes(helper.key).hex()

    frozen = Frozen(Web3(HTTPProvider(url)), settled.deployed.address, "tiny")
    exits = Prover("exit-tiny")
    assert frozen.takes_keys(exits)
    assert not frozen.takes_keys(OtherKeys(exits))  # type: ignore[arg-type]
    ledger = frozen.state()
    assert ledger.root == settled.ledger.root
    mine = frozen.escape(exits, ledger, 1, 1)
    assert mine[:3] == (1, 1, LEFT)
    refused("not_frozen", frozen.send, mine, key)

    # An exit is asked for, and for a month nobody takes it. The exchange and all its rows are gone.
    settled.chain.send(treasury, settled.rollup.request_exit(1, 2), value=rollup_deployment.EXIT_BOND_WEI)
    own_chain.dev.rpc("evm_increaseTime", rollup_deployment.WINDOW_S + 1)
    own_chain.dev.rpc("evm_mine")
    settled.chain.send(treasury, settled.rollup.freeze())
    ChainDeployment.objects.all().delete()

    for account, token, reason in ((1, 2, "nothing of token 2"), (64, 1, "leaf 64"), (1, 4, "leaf 4")):
        refused(reason, frozen.escape, exits, ledger, account, token)
    refused("wrong_proof", frozen.send, mine._replace(amount=LEFT + 1), key)
    for more in ({"node": "http://127.0.0.1:9"}, {"contract": "0x" + "11" * 20}):
        with pytest.raises(CommandError, match="no sensible answer"):
            command(settled, url, **more)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("KEYS_DIR", str(tmp_path))
        with pytest.raises(CommandError, match="--keys-from"):
            command(settled, url)
    assert settled.chain.call(claimable) == 0

    monkeypatch.setenv("ESCAPE_KEY", key)
    said = command(settled, url)
    assert "the contract takes proofs by these keys" in said
    assert f"account 1 has {LEFT} atoms of token 1: proven" in said
    assert "sent: 0x" in said
    assert settled.chain.call(claimable) == LEFT
    refused("escaped", frozen.send, mine, key)
    assert settled.chain.call(claimable) == LEFT
