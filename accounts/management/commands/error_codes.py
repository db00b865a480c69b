"""manage.py error_codes: print docs/errors.md."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.problems import markdown


class Command(BaseCommand):
    """Prints the table of error codes."""

    help = "Print the table of error codes as docs/errors.md has it."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print it."""
        self.stdout.write(markdown(), ending="")
