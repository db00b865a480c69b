"""manage.py matcher: leads, or stands by to lead."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Start it as often as you like, on as many machines: the database's lock decides who leads."""

    help = "Run the matcher: follow the journal, take the lock when it is free, then execute commands."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--standby-only", action="store_true", help="follow and take snapshots, never lead")

    def handle(self, *, standby_only: bool, **options: Any) -> None:
        from matching.process import run_child, supervise

        url = settings.MATCHER_DATABASE_URL
        directory = settings.MATCHING_SNAPSHOTS
        sys.exit(supervise(lambda: run_child(url=url, directory=directory, may_lead=not standby_only)))
