"""manage.py project NAME: keeps a read model up with the journal."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from exchange.projections import PROJECTIONS


class Command(BaseCommand):
    """Ends with an error when a server is away; whoever started it starts it again."""

    help = "Follow the journal into the read models of orders or wallets, or into the blocks of the rollup."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", choices=sorted(PROJECTIONS))

    def handle(self, *, name: str, **options: Any) -> None:
        from matching import collector
        from matching.projection import run

        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        projection = PROJECTIONS[name]()
        collector.settle()
        run(projection, stop=stopped.is_set)
