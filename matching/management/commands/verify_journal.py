"""manage.py verify_journal: is the journal what was written, and does the engine still compute it?"""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from matching.chain import JournalDamaged
from matching.verification import verify_journal


class Command(BaseCommand):
    """Exit status 1 and the place of the first fault, if there is one."""

    help = "Check the whole journal: hashes, order, leader row, and by replay that every event is the engine's."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-replay", action="store_true", help="only hashes and order: faster")

    def handle(self, *, no_replay: bool, **options: Any) -> None:
        def progress(sequence: int) -> None:
            if sys.stderr.isatty():
                self.stderr.write(f"\rsequence {sequence:,}", ending="")

        try:
            verified = verify_journal(replay=not no_replay, progress=progress)
        except JournalDamaged as damage:
            raise CommandError(f"the journal is damaged: {damage}") from None
        text = f"journal in order: {verified.sequence} commands in {verified.batches} batches, hash {verified.hash}"
        self.stdout.write(text + (f", state {verified.state_hash}" if verified.state_hash else ""))
