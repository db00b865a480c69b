"""manage.py rebuild_state --from-l1: what anybody could do without us."""

from argparse import ArgumentParser
from collections import defaultdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from matching.money import format_atoms
from rollup.state.published import NotPublishedSo
from wallets import selectors as wallets


class Command(BaseCommand):
    """Reads the chain alone; changes nothing."""

    help = "Rebuild all accounts of the rollup from the chain's calldata and compare the root with the contract's."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from-l1", action="store_true", required=True, help="From the chain; there is no other way"
        )

    def handle(self, **options: Any) -> None:
        from rollup.rebuild import rebuild
        from wallets.chain import deployment
        from wallets.chain.client import ChainUnreachable

        try:
            found = rebuild(deployment.current())
        except (ChainUnreachable, NotPublishedSo) as error:
            raise CommandError(str(error)) from error
        totals: defaultdict[int, int] = defaultdict(int)
        for account in found.ledger.accounts.values():
            for token, atoms in account.balances.leaves():
                totals[token] += atoms
        self.stdout.write(f"{found.blocks} blocks, {len(found.ledger.accounts)} accounts")
        for asset in wallets.list_assets():
            self.stdout.write(f"{asset.code}: {format_atoms(totals[asset.id], asset.scale)}")
        self.stdout.write(f"root {found.ledger.root:#066x}")
        if not found.is_right:
            raise CommandError(f"the contract has another root: {found.contract_root:#066x}")
        self.stdout.write("equal to the contract's")
