"""What the demo commands of manage.py share: trouble is told in a sentence, not by a stack trace."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError
from psycopg_pool import PoolTimeout

from accounts.problems import Problem
from matching.gateway import GatewayError
from orders.demo.seeding import SeedFailed


class DemoCommand(BaseCommand):
    """A command that needs a running exchange."""

    # Scripts wait for it: checking every address and model would double its time.
    requires_system_checks = []

    def execute(self, *args: Any, **options: Any) -> str | None:
        """As always, with what may be missing as a CommandError."""
        if not settings.DATABASE_URL:
            raise CommandError("the exchange does not run: start it with make run, or set DATABASE_URL")
        try:
            return super().execute(*args, **options)
        except (Problem, SeedFailed) as error:
            raise CommandError(str(error)) from None
        except GatewayError as error:
            raise CommandError(f"{error.code}: {error}. Does the exchange run (make run)?") from None
        except (OperationalError, PoolTimeout) as error:
            raise CommandError(f"no database: {str(error).strip()}. Does the exchange run (make run)?") from None
