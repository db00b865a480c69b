"""manage.py prover: one of the prover cluster's workers."""

import logging
import os
from argparse import ArgumentParser
from typing import Any

from celery import current_app
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.problems import Problem
from rollup import leaving
from rollup.prover import keys
from rollup.prover.circuits import circuits_of

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """Makes or fetches the keys that it lacks, then proves until it is stopped. Killing it loses nothing."""

    help = "Prove blocks: of the queue `proving`, or with --url and --token those of an exchange elsewhere."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", help="Of the exchange that hands out the work, like https://exchange.example")
        parser.add_argument("--token", default=os.environ.get("PROVER_TOKEN", ""), help="Default: $PROVER_TOKEN")
        parser.add_argument("--name", default="", help="What the exchange calls this worker; default: host and process")
        parser.add_argument("--once", action="store_true", help="With --url: end when there is nothing to prove")

    def handle(self, *, url: str | None, token: str, name: str, once: bool, **options: Any) -> None:
        os.nice(settings.PROVER_NICENESS)
        leaving.on_signals()
        if url:
            from rollup import remote

            if not token:
                raise CommandError("--url needs --token, or PROVER_TOKEN in the environment")
            try:
                remote.work(url=url, token=token, name=name, once=once)
            except (Problem, keys.KeysFailed) as error:
                raise CommandError(str(error)) from None
            return
        for circuit in circuits_of(settings.ROLLUP_PARAMETERS):
            keys.ensure(circuit, logger.warning)
        current_app.worker_main(
            [
                "--quiet", "worker", "--queues", "proving", "--pool", "solo", "--without-gossip", "--without-mingle",
                "--without-heartbeat", "--loglevel", "warning", "--hostname", f"proving-{os.getpid()}@%h",
            ]
        )  # fmt: skip
