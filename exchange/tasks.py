"""Periodic work of the house, on the queue `default`; when is said in settings.CELERY_BEAT_SCHEDULE."""

import logging

from celery import shared_task
from django.core.management import call_command

from exchange import health

logger = logging.getLogger(__name__)


@shared_task
def clear_sessions() -> None:
    """Remove sessions that have expired; Django never does by itself."""
    call_command("clearsessions")


@shared_task
def report_health() -> None:
    """Put what is not well into the log, where `make run` shows it and an operator's collector finds it."""
    for name, check in health.run_checks().items():
        if not check.ok:
            logger.warning("health: %s: %s", name, check.detail)
