"""manage.py prove_again: a failed block once more."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from rollup import proving


class Command(BaseCommand):
    """To be typed when the cause has been mended."""

    help = "Have a block that failed proven once more."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", type=int)

    def handle(self, *, number: int, **options: Any) -> None:
        if not proving.prove_again(block=number):
            raise CommandError(f"there is no block {number} that has failed")
        self.stdout.write(f"block {number} is queued")
