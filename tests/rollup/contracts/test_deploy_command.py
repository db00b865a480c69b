"""`manage.py deploy_contracts` where the chain is down, another one, or the owner cannot pay: said in words, undone."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from rollup import deployment as rollup_deployment
from tests.devchain import KeptChain, chain, deployed, dev_chain, mined_at_once  # noqa: F401  fixtures
from tests.ports import free_ports
from wallets.chain import keys
from wallets.chain.deployment import Deployment
from wallets.models import ChainDeployment


def command(*arguments: str) -> str:
    said = StringIO()
    call_command("deploy_contracts", *arguments, stdout=said)
    return said.getvalue()


def known() -> list[Any]:
    return list(ChainDeployment.objects.order_by("id").values())


@pytest.fixture
def down(settings: Any, db: None) -> str:
    """An address at which nobody answers, of a chain that is not our own."""
    settings.CHAIN_RPC_URL = f"http://127.0.0.1:{free_ports()[0]}"
    settings.CHAIN_KEPT_FILE = ""
    return settings.CHAIN_RPC_URL


def test_a_chain_that_is_down_before_the_first_deployment_is_told(down: str) -> None:
    with pytest.raises(CommandError, match="does not answer") as caught:
        command("--wait", "1")
    assert f"the chain at {down} does not answer: " in str(caught.value)
    assert "Start it, or name another by CHAIN_RPC_URL" in str(caught.value)
    assert known() == []


def test_an_exchange_whose_contract_is_known_starts_without_its_chain(
    deployed: Deployment,  # noqa: F811
    down: str,
) -> None:
    before = known()
    said = command("--wait", "1")
    assert f"the chain at {down} does not answer: " in said
    assert "the exchange goes on, deposits and blocks wait for it" in said
    assert known() == before


def test_our_own_chain_is_waited_for_though_its_contract_is_known(
    deployed: Deployment,  # noqa: F811
    down: str,
    settings: Any,
    tmp_path: Any,
) -> None:
    settings.CHAIN_KEPT_FILE = str(tmp_path / "kept")
    with pytest.raises(CommandError, match="does not answer"):
        command("--wait", "1")


def test_a_chain_of_another_number_is_not_deployed_to(deployed: Deployment) -> None:  # noqa: F811
    ChainDeployment.objects.update(chain_id=5)
    before = known()
    with pytest.raises(CommandError, match=f"the contract {deployed.address} of chain 5 is not on the chain at"):
        command()
    assert known() == before


def test_an_owner_without_gas_is_named(
    deployed: Deployment,  # noqa: F811
    dev_chain: KeptChain,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As on a chain that is not our own, where nobody gives our addresses coins.
    monkeypatch.setattr(rollup_deployment, "DEV_CHAIN_ID", 1)
    ChainDeployment.objects.all().delete()
    owner = keys.key("owner").address
    dev_chain.dev.rpc("anvil_setBalance", owner, "0x0")
    try:
        with pytest.raises(CommandError, match=f"no_gas: the owner's address {owner} cannot pay"):
            command("--test-tokens")
        assert known() == []
    finally:
        dev_chain.dev.rpc("anvil_setBalance", owner, hex(10**24))
