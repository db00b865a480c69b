"""Puts the contracts on the chain: the rollup and its tokens at once, the verifiers when the proving keys are there.

All of it can be repeated: what is there is found and left as it is.
"""

from collections.abc import Callable, Mapping
from typing import Final

from django.conf import settings

from rollup import compiling
from rollup.prover import apart
from rollup.prover import keys as circuit_keys
from rollup.prover.circuits import circuits_of
from rollup.state.ledger import Ledger
from rollup.state.parameters import PARAMETERS, Parameters
from wallets import selectors
from wallets.chain import client, deployment, keys
from wallets.chain.client import Chain
from wallets.chain.deployment import Deployment, NotDeployed

DEV_CHAIN_ID: Final = 31337
# A block's age at most, and how long an entry may wait. Long enough for a development machine that sleeps for weeks.
WINDOW_S: Final = 30 * 86_400
TIMELOCK_S: Final = 35 * 86_400
EXIT_BOND_WEI: Final = 10**16
PENDING_MAX: Final = 4_096
# What a stranger pays for an account's number; the owner changes it by set_registration_fee, to 0.01 coins at most.
REGISTRATION_FEE_WEI: Final = 10**15
# What our addresses are given on a development chain, and when they are given it anew.
DEV_BALANCE_WEI: Final = 10**24
DEV_BALANCE_WEI_MIN: Final = 10**21
# A deposit may be no smaller than this part of a coin.
DUST_PART: Final = 10**6

Say = Callable[[str], None]


class DeploymentRefused(Exception):
    """The contracts cannot be deployed, or are not where they were; the text says what to do."""


def deploy(*, say: Say, addresses: Mapping[str, str] | None = None, test_tokens: bool = False) -> Deployment:
    """Deploy the rollup if there is none, and give each asset its token.

    `addresses`: asset code to the token's contract. On a development chain, or with `test_tokens`, assets without one
    get a token that the treasury can mint. Raises DeploymentRefused, and what the chain's client raises.
    """
    chain = client.connect()
    parameters = chosen_parameters()
    chain_id = chain.chain_id()
    is_dev = chain_id == DEV_CHAIN_ID
    if is_dev:
        _fund_our_addresses(chain)
    try:
        deployed = deployment.current()
        _check(deployed, chain_id, parameters)
    except NotDeployed:
        deployed = _deploy_rollup(chain, chain_id, parameters)
        say(f"the rollup ({parameters.name}) is at {deployed.address}")
    _add_tokens(deployed, parameters, addresses or {}, test_tokens=test_tokens or is_dev, say=say)
    return deployed


def is_known() -> bool:
    """Whether a contract was deployed, on whatever chain; nothing is asked of one."""
    try:
        deployment.current()
    except NotDeployed:
        return False
    return True


def chosen_parameters() -> Parameters:
    """The set of parameters that the settings name. Raises DeploymentRefused for a name that is none."""
    found = PARAMETERS.get(settings.ROLLUP_PARAMETERS)
    if found is None:
        raise DeploymentRefused(f"ROLLUP_PARAMETERS is one of {', '.join(PARAMETERS)}")
    return found


def empty_root(parameters: Parameters) -> int:
    """The root of a state in which nothing was ever done."""
    return Ledger(parameters, domain=0).root


def constructor_arguments(parameters: Parameters, operator: str) -> tuple[str, int, int, int, int, int, int]:
    """What the rollup's contract is deployed with."""
    return (
        operator, empty_root(parameters), WINDOW_S, TIMELOCK_S, EXIT_BOND_WEI, PENDING_MAX, REGISTRATION_FEE_WEI,
    )  # fmt: skip


def deploy_verifiers(*, say: Say) -> bool:
    """Deploy the verifiers of blocks and escapes, and have the contract use them; False while keys are missing.

    Does nothing when it uses them already. Raises DeploymentRefused when it uses those of other keys.
    """
    deployed = deployment.current()
    names = circuits_of(deployed.parameters)
    found = [circuit_keys.find(name) for name in names]
    files = [file for file in found if file is not None]
    if len(files) < len(names):
        return False
    fingerprint = " ".join(file.fingerprint for file in files)
    if deployed.row.verifying_keys == fingerprint:
        return True
    if deployed.row.verifying_keys:
        raise DeploymentRefused(
            "the contract uses verifiers of other proving keys: the circuits or KEYS_DIR changed since. Use those "
            "keys again, or propose new verifiers by set_verifiers, which takes effect after the timelock"
        )
    owner = keys.key("owner")
    block, escape = (
        deployed.chain.deploy(owner, **compiling.verifier(apart.verifier_source(name))._asdict(), args=())
        for name in names
    )
    deployed.chain.send(owner, deployed.rollup.functions.set_verifiers(block, escape))
    deployment.record_verifiers(deployed.row, block=block, escape=escape, fingerprint=fingerprint)
    say(f"blocks are verified by {block}, escapes by {escape}")
    return True


def _fund_our_addresses(chain: Chain) -> None:
    for name in keys.NAMES:
        address = keys.key(name).address
        if chain.balance(address) < DEV_BALANCE_WEI_MIN:
            chain.ask("anvil_setBalance", address, hex(DEV_BALANCE_WEI))


def _check(deployed: Deployment, chain_id: int, parameters: Parameters) -> None:
    if deployed.chain_id != chain_id or not deployed.chain.has_code(deployed.address):
        raise DeploymentRefused(
            f"the contract {deployed.address} of chain {deployed.chain_id} is not on the chain at "
            f"{settings.CHAIN_RPC_URL} (chain {chain_id}). Balances came by that contract's queue, so database and "
            "chain belong together: bring the chain back (var/chain), or begin anew with another VAR_DIR"
        )
    if deployed.parameters != parameters.name:
        raise DeploymentRefused(
            f"the contract was made for the parameters {deployed.parameters}, not {parameters.name}: "
            f"set ROLLUP_PARAMETERS={deployed.parameters}"
        )
    if deployed.row.abi != compiling.rollup_contract(parameters).abi:
        raise DeploymentRefused(
            f"the contract {deployed.address} is of another version of the exchange than this one: run that version, "
            "or begin anew with another VAR_DIR"
        )


def _deploy_rollup(chain: Chain, chain_id: int, parameters: Parameters) -> Deployment:
    rollup = compiling.rollup_contract(parameters)
    token = compiling.mintable_token()
    from_block = chain.head() + 1
    address = chain.deploy(
        keys.key("owner"), abi=rollup.abi, bytecode=rollup.bytecode,
        args=constructor_arguments(parameters, keys.key("operator").address),
    )  # fmt: skip
    deployment.record(
        chain_id=chain_id, address=address, from_block=from_block, parameters=parameters.name, abi=rollup.abi,
        token_abi=token.abi,
    )  # fmt: skip
    return deployment.current()


def _add_tokens(
    deployed: Deployment, parameters: Parameters, addresses: Mapping[str, str], *, test_tokens: bool, say: Say
) -> None:
    chain, owner = deployed.chain, keys.key("owner")
    for asset in selectors.list_assets():
        if str(asset.id) in deployed.row.tokens:
            continue
        if asset.id >= parameters.tokens:
            raise DeploymentRefused(
                f"{asset.code} has the number {asset.id}; with the parameters {parameters.name} "
                f"the rollup has room for numbers below {parameters.tokens}"
            )
        # A kill may have come between the contract's word and ours.
        address = chain.call(deployed.rollup.functions.token_address(asset.id))
        if int(address, 16) == 0:
            address = addresses.get(asset.code)
            if address is None and not test_tokens:
                raise DeploymentRefused(f"which contract is the token of {asset.code}? Say --token {asset.code}=0x…")
            if address is None:
                token = compiling.mintable_token()
                args = (f"Test {asset.code}", asset.code[:32], asset.scale, keys.key("treasury").address)
                address = chain.deploy(owner, abi=token.abi, bytecode=token.bytecode, args=args)
            minimum = max(1, 10**asset.scale // DUST_PART)
            chain.send(owner, deployed.rollup.functions.add_token(asset.id, address, minimum))
        deployment.record_token(deployed.row, asset_id=asset.id, address=address)
        say(f"{asset.code} is {address}")
