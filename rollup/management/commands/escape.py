"""manage.py escape: what a user needs when the exchange is gone, and nothing of the exchange."""

import os
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.problems import Problem
from rollup.prover import keys
from rollup.prover.circuits import EXIT_PREFIX
from rollup.state.parameters import PARAMETERS
from rollup.state.published import NotPublishedSo


class Command(BaseCommand):
    """Fetches the keys for escapes, while they can be had; proves an escape, and sends it."""

    help = (
        "Escape from a frozen rollup: --keys-from fetches what proofs are made with, best long before; --account and "
        "--token prove from the chain alone what an account had, and with ESCAPE_KEY in the environment send it."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--keys-from", metavar="URL", help="Of the exchange, like https://exchange.example")
        parser.add_argument("--node", metavar="URL", help="Of a node of the chain")
        parser.add_argument("--contract", metavar="ADDRESS", help="The rollup's")
        parser.add_argument("--parameters", choices=PARAMETERS, default=settings.ROLLUP_PARAMETERS)
        parser.add_argument("--from-block", type=int, default=0, help="The chain's block that deployed the contract")
        parser.add_argument("--account", type=int, help="The account's number in the contract")
        parser.add_argument("--token", type=int, help="The token's number in the contract")

    def handle(self, **options: Any) -> None:
        # All of this talks to other machines: its libraries are large.
        import httpx
        import requests
        from web3.exceptions import Web3Exception

        from rollup.escape import CannotEscape

        try:
            files = self._keys(EXIT_PREFIX + options["parameters"], options["keys_from"])
            if options["node"] and options["contract"]:
                self._escape(files, **options)
        except (CannotEscape, NotPublishedSo, keys.KeysFailed, Problem) as error:
            raise CommandError(str(error)) from error
        except (httpx.HTTPError, requests.RequestException, Web3Exception, ValueError) as error:
            raise CommandError(f"no sensible answer: {error}") from error

    def _keys(self, circuit: str, url: str | None) -> keys.KeyFiles:
        from rollup import fetching
        from rollup.remote import KeyServer

        if url:
            files = fetching.fetch(KeyServer(url=url, path="escape"), self.stdout.write)
        else:
            found = keys.find(circuit)
            if found is None:
                raise keys.KeysFailed(f"no keys of {circuit} in {keys.directory()}: fetch them by --keys-from")
            files = found
        self.stdout.write(f"{files.name}: verifying key {files.fingerprint}, in {files.proving.parent}")
        return files

    def _escape(self, files: keys.KeyFiles, **options: Any) -> None:
        from web3 import HTTPProvider, Web3

        from rollup.escape import CannotEscape, Frozen
        from rollup.prover.proving import Prover

        frozen = Frozen(Web3(HTTPProvider(options["node"])), options["contract"], options["parameters"])
        # Loading keys takes a while: whether there is such a contract is told before.
        self.stdout.write(f"the contract's root is {frozen.root():#x}")
        prover = Prover(files.name, files)
        if not frozen.takes_keys(prover):
            raise CannotEscape("the contract does not take proofs by these keys")
        self.stdout.write("the contract takes proofs by these keys")
        if options["account"] is None or options["token"] is None:
            return
        ledger = frozen.state(from_block=options["from_block"])
        made = frozen.escape(prover, ledger, options["account"], options["token"])
        self.stdout.write(f"account {made.account} has {made.amount} atoms of token {made.token}: proven")
        self.stdout.write(f"escape({made.account}, {made.token}, {made.amount}, {made.proof})")
        if key := os.environ.get("ESCAPE_KEY"):
            self.stdout.write(f"sent: {frozen.send(made, key)}")
