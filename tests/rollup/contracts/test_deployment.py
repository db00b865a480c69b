"""Contracts on a real chain: deployed once, found again, refused where they are not."""

import pytest

from rollup import deployment as rollup_deployment
from rollup.state.babyjubjub import BASE
from rollup.state.parameters import TINY
from tests.devchain import ASSETS
from wallets.chain.client import Reverted
from wallets.chain.deployment import Deployment
from wallets.models import ChainDeployment

OWNER, OPERATOR, TREASURY = "owner", "operator", "treasury"


def test_what_is_deployed_is_what_the_settings_ask_for(deployed: Deployment) -> None:
    rollup, chain = deployed.rollup.functions, deployed.chain
    assert chain.call(rollup.root()) == rollup_deployment.empty_root(TINY)
    assert chain.call(rollup.owner()) == deployed.key(OWNER).address
    assert chain.call(rollup.operator()) == chain.call(rollup.owner_of(0)) == deployed.key(OPERATOR).address
    assert chain.call(rollup.DOMAIN()) == (31337 << 160) + int(deployed.address, 16)
    for asset_id, code, scale in ASSETS:
        token = deployed.token(asset_id)
        assert chain.call(rollup.token_address(asset_id)) == token.address
        assert (chain.call(token.functions.symbol()), chain.call(token.functions.decimals())) == (code, scale)


def test_a_second_deployment_changes_nothing(deployed: Deployment) -> None:
    head, said = deployed.chain.head(), []
    again = rollup_deployment.deploy(say=said.append)
    assert (again.name, again.row.tokens, said) == (deployed.name, deployed.row.tokens, [])
    assert deployed.chain.head() == head
    assert ChainDeployment.objects.count() == 1


def test_a_deposit_on_the_chain_is_an_event(deployed: Deployment) -> None:
    chain, treasury = deployed.chain, deployed.key(TREASURY)
    register = deployed.rollup.functions.register(*BASE, treasury.address)
    chain.send(treasury, register, value=rollup_deployment.REGISTRATION_FEE_WEI)
    token = deployed.token(1)
    chain.send(treasury, token.functions.mint(treasury.address, 10**8))
    chain.send(treasury, token.functions.approve(deployed.address, 10**8))
    receipt = chain.send(treasury, deployed.rollup.functions.deposit(1, 1, 10**8))
    events = [event for event in chain.events(deployed.from_block, chain.head()) if event.name == "Queued"]
    assert [(event.args["index"], event.args["kind"]) for event in events] == [(1, 8), (2, 7)]
    assert (events[1].args["amount"], events[1].block_number) == (10**8, receipt.block_number)
    with pytest.raises(Reverted, match="unknown_account"):
        chain.prepare(treasury, deployed.rollup.functions.deposit(9, 1, 10**8))


def test_a_contract_of_another_version_is_not_gone_on_with(deployed: Deployment) -> None:
    row = deployed.row
    row.abi = [entry for entry in row.abi if entry.get("name") != "claim"]
    row.save()
    with pytest.raises(rollup_deployment.DeploymentRefused, match="another version"):
        rollup_deployment.deploy(say=lambda _: None)
    assert ChainDeployment.objects.count() == 1
