"""manage.py chain_reorg: what a reorganisation deeper than the confirmations took away, and going on after it."""

from argparse import ArgumentParser
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from matching.money import format_atoms
from wallets import selectors
from wallets.models import QueueEntry

RUNBOOK: Final = 'docs/runbook.md, "The chain was reorganised"'


class Command(BaseCommand):
    """Without --go-on it only looks."""

    help = "Compare the entries of the queue that the engine has with the chain; --go-on reads on where that is safe."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--go-on", action="store_true", help="read on, if every entry is back under its number")

    def handle(self, *, go_on: bool, **options: Any) -> None:
        # What talks to chains takes its time to import.
        from wallets.chain import client, deployment, reorg
        from wallets.chain.client import ChainUnreachable

        if not settings.CHAIN_RPC_URL:
            raise CommandError("CHAIN_RPC_URL is not set, and no chain of this data directory runs")
        try:
            chain, deployed = client.connect(), deployment.current()
            found = reorg.compare(chain, deployed)
            self._show(found)
            if not found.is_reorganised:
                self.stdout.write("nothing was reorganised below the confirmations: there is nothing to do")
                return
            if not found.is_safe:
                raise CommandError(self._advice(found))
            if not go_on:
                self.stdout.write("safe: every entry that was read is back under its number. Go on with --go-on")
                return
            reorg.go_on(chain, deployed)
        except ChainUnreachable as error:
            raise CommandError(f"the chain does not answer: {error}") from error
        except reorg.NotFollowed as error:
            raise CommandError("nothing of the chain was read yet") from error
        except (reorg.NotReorganised, reorg.NotSafe) as error:
            raise CommandError("the chain has changed meanwhile; nothing was done. Run it again") from error
        self.stdout.write(f"reading goes on after block {found.common_block}; nothing is credited twice")

    def _show(self, found: Any) -> None:
        self.stdout.write(f"read up to block {found.read_block} ({found.read_hash or 'the beginning'})")
        if not found.is_reorganised:
            return
        self.stdout.write(
            f"that block is not on the chain any more; entries up to block {found.common_block} are; "
            f"its confirmed head is {found.confirmed}"
        )
        if not found.has_contract:
            self.stdout.write("the contract itself is not on this chain")
        self.stdout.write(
            f"entries read after that block: {len(found.back) + len(found.gone)}, back: {len(found.back)}"
        )
        for one in found.gone:
            self.stdout.write(f"GONE {self._name(one.entry)}: {self._fate(one)}")

    def _name(self, entry: QueueEntry) -> str:
        what = entry.kind
        if entry.amount is not None:
            asset = next((asset for asset in selectors.list_assets() if asset.id == entry.asset_id), None)
            what = f"deposit of {format_atoms(entry.amount, asset.scale)} {asset.code}" if asset else what
        done = "credited" if entry.status == QueueEntry.Status.APPLIED else entry.status
        return (
            f"entry {entry.index}, {what}, account {entry.account_id} (number {entry.number} on the chain), {done}, "
            f"transaction {entry.tx_hash}"
        )

    def _fate(self, one: Any) -> str:
        if one.elsewhere is not None:
            return f"the chain has it as entry {one.elsewhere}"
        if one.instead:
            return "another entry has its number"
        if one.is_known:
            return "the node has its transaction, which is not mined or not confirmed yet"
        return "the node does not know its transaction"

    def _advice(self, found: Any) -> str:
        if not found.has_contract:
            text = "The node is another chain's, or behind: look at CHAIN_RPC_URL"
        elif any(one.instead for one in found.gone):
            text = "The chain has other entries under numbers that the engine has applied. Waiting does not mend it"
        elif all(one.is_known for one in found.gone):
            text = "Wait until they are mined and confirmed, and run this again"
        else:
            text = (
                "Somebody must send them again, or pay in the same for the same account, in the order of their numbers"
            )
        return f"not safe, and nothing was changed: deposits stay halted. {text}. See {RUNBOOK}"
