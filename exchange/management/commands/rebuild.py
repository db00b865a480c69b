"""manage.py rebuild NAME: makes a read model anew from the journal."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from exchange.projections import PROJECTIONS, rebuild_by_name


class Command(BaseCommand):
    """Safe beside everything else that runs; see matching.rebuild for what readers see."""

    help = (
        "Replay the journal into new rows of orders or wallets and put them in the place of the old ones;"
        " of rollup: prove that every stored block follows from the journal, and make the checkpoints anew."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", choices=sorted(PROJECTIONS))

    def handle(self, *, name: str, **options: Any) -> None:
        from matching.journal import Archived
        from matching.rebuild import AlreadyRunning
        from rollup.state.book import StateWrong

        started = said = time.monotonic()

        def progress(done: int, head: int) -> None:
            nonlocal said
            if time.monotonic() - said >= 2:
                said = time.monotonic()
                self.stdout.write(f"replayed {done:,} of {head:,}")

        try:
            sequence = rebuild_by_name(name, progress)
        except AlreadyRunning:
            raise CommandError(f"{name} is being rebuilt by another process") from None
        except (Archived, StateWrong) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{name} rebuilt up to sequence {sequence:,} in {time.monotonic() - started:.1f} s")
