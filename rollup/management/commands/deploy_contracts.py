"""manage.py deploy_contracts: the contracts on the chain, or nothing if they are there."""

import time
from argparse import ArgumentParser
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from rollup import deployment
from rollup.deployment import DeploymentRefused
from rollup.prover import keys
from rollup.prover.circuits import circuits_of
from rollup.prover.keys import KeysFailed
from wallets.chain import client
from wallets.chain import keys as wallet_keys
from wallets.chain.client import ChainRefused, ChainUnreachable, OutOfGas

POLL_S: Final = 0.2
TOLD_S: Final = 5.0
# How long somebody else's chain is waited for where its contract is known.
SPARED_S: Final = 10


class Command(BaseCommand):
    help = "Deploys the rollup, the tokens and, with --verifiers, what verifies proofs. Does nothing twice."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--verifiers", action="store_true", help="make the proving keys if needed, and use them")
        parser.add_argument("--token", action="append", default=[], metavar="CODE=ADDRESS", help="an asset's contract")
        parser.add_argument("--test-tokens", action="store_true", help="mintable tokens for assets without a contract")

        parser.add_argument("--wait", type=int, default=0, metavar="S", help="seconds to wait for a chain that starts")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.CHAIN_RPC_URL:
            raise CommandError("CHAIN_RPC_URL is not set, and no chain of this data directory runs")
        pairs = [pair.partition("=") for pair in options["token"]]
        if any(not address for _, _, address in pairs):
            raise CommandError("--token wants CODE=ADDRESS")
        addresses = {code: address for code, _, address in pairs}
        try:
            if not self._await_chain(options["wait"]):
                return
            deployed = deployment.deploy(say=self.say, addresses=addresses, test_tokens=options["test_tokens"])
            if options["verifiers"]:
                for name in circuits_of(deployed.parameters):
                    keys.ensure(name, self.say)
                deployment.deploy_verifiers(say=self.say)
        except OutOfGas as error:
            owner = wallet_keys.key("owner").address
            raise CommandError(
                f"{error}: the owner's address {owner} cannot pay; send it coins of the chain"
            ) from error
        except (DeploymentRefused, ChainUnreachable, ChainRefused, KeysFailed) as error:
            raise CommandError(str(error)) from error
        self.say(f"deployed: {deployed.name}")

    def _await_chain(self, wait_s: int) -> bool:
        """Whether the chain answers. Raises ChainUnreachable if it does not, and nothing can go on without it."""
        # An exchange whose contract is known trades without its chain; our own chain comes up beside us.
        is_spared = deployment.is_known() and not settings.CHAIN_KEPT_FILE
        begun = told = time.monotonic()
        while True:
            try:
                client.connect().chain_id()
                return True
            except ChainUnreachable as error:
                text = f"the chain at {settings.CHAIN_RPC_URL} does not answer: {error}"
                waited_s = time.monotonic() - begun
                if is_spared and waited_s >= min(wait_s, SPARED_S):
                    self.say(f"{text}. Its contract is known: the exchange goes on, deposits and blocks wait for it")
                    return False
                if waited_s >= wait_s:
                    raise ChainUnreachable(f"{text}. Start it, or name another by CHAIN_RPC_URL") from error
            if time.monotonic() - told > TOLD_S:
                told = time.monotonic()
                self.say(text)
            time.sleep(POLL_S)

    def say(self, text: str) -> None:
        """Tell whoever runs the command."""
        self.stdout.write(text)
