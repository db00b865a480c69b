"""manage.py reconcile: do the read models say what the journal says? Exit status 1 if they do not."""

import json
import logging
import signal
import sys
import threading
import time
from argparse import ArgumentParser
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand

from accounts import redis_client
from exchange.health import RECONCILE_KEY

log = logging.getLogger(__name__)

WATCH_S: Final = 10.0
THOROUGH_EVERY_S: Final = 3600.0


class Command(BaseCommand):
    """Once, or again and again with --watch, which costs only what is new since the last time."""

    help = "Replay the journal and compare balances, orders, books, trades and ledger with the read models."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--watch", nargs="?", type=float, const=WATCH_S, metavar="SECONDS",
            help=f"compare again and again, every {WATCH_S:g} s if not said, and tell the health page",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *, watch: float | None, json: bool, **options: Any) -> None:
        from exchange.reconcile import Reconciler

        reconciler = Reconciler(snapshots=settings.MATCHING_SNAPSHOTS)
        if watch is None:
            report = reconciler.compare(thorough=True)
            self._print(report, json)
            sys.exit(0 if report.ok else 1)
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        thorough_at = 0.0
        while not stopped.is_set():
            thorough = time.monotonic() >= thorough_at
            if thorough:
                thorough_at = time.monotonic() + THOROUGH_EVERY_S
            report = reconciler.compare(thorough=thorough)
            redis_client.get().set(RECONCILE_KEY, _text(report))
            if thorough or not report.ok:
                self._print(report, json)
            stopped.wait(watch)

    def _print(self, report: Any, as_json: bool) -> None:
        if as_json:
            self.stdout.write(_text(report))
            return
        self.stdout.write(f"{report.detail()} ({report.seconds:.1f} s)")
        for line in (*report.differences, *report.notes):
            self.stdout.write(f"  {line}")


def _text(report: Any) -> str:
    return json.dumps(report.as_dict())
