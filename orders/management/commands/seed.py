"""manage.py seed: assets, markets, demo users."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.problems import Problem
from matching.gateway import GatewayError
from orders.demo.seeding import SeedFailed, seed

SIGN_INS = "demo-users.json"


class Command(BaseCommand):
    """Makes what is missing, so it may be run again."""

    # Scripts wait for it: checking every address and model would double its time.
    requires_system_checks = []
    help = f"Make assets, markets, and the demo users whose passwords it keeps in var/{SIGN_INS}."

    def handle(self, **options: Any) -> None:
        try:
            seed(sign_ins=settings.VAR_DIR / SIGN_INS, say=self.stdout.write)
        except (SeedFailed, Problem) as error:
            raise CommandError(str(error)) from None
        except GatewayError as error:
            raise CommandError(f"{error.code}: {error}. Does the matcher run?") from None
