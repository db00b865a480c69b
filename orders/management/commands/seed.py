"""manage.py seed: assets, markets, demo users."""

from typing import Any

from django.conf import settings

from orders.demo.command import DemoCommand
from orders.demo.seeding import seed

SIGN_INS = "demo-users.json"


class Command(DemoCommand):
    """Makes what is missing, so it may be run again."""

    help = f"Make assets, markets, and the demo users whose passwords it keeps in var/{SIGN_INS}."

    def handle(self, **options: Any) -> None:
        seed(sign_ins=settings.VAR_DIR / SIGN_INS, say=self.stdout.write)
