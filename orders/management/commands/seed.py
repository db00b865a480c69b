"""manage.py seed: assets, markets, demo users."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings

from orders.demo.command import DemoCommand
from orders.demo.seeding import list_assets_and_markets, seed

SIGN_INS = "demo-users.json"


class Command(DemoCommand):
    """Makes what is missing, so it may be run again."""

    help = f"Make assets, markets, and the demo users whose passwords it keeps in var/{SIGN_INS}."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--listing", action="store_true", help="only assets and markets")

    def handle(self, **options: Any) -> None:
        if options["listing"]:
            list_assets_and_markets(say=self.stdout.write)
            return
        seed(sign_ins=settings.VAR_DIR / SIGN_INS, say=self.stdout.write)
