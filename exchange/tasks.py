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


_troubles: dict[str, str] = {}


@shared_task
def report_health() -> None:
    """Log what is no longer well, and what is again: `make run` shows it, an operator's collector finds it.

    That it ran is itself what the check `periodic` looks at.
    """
    health.note_periodic_run()
    now = {name: check.detail for name, check in health.run_checks().items() if not check.ok}
    for name in now.keys() - _troubles.keys():
        logger.warning("health: %s: %s", name, now[name])
    for name in _troubles.keys() - now.keys():
        logger.warning("health: %s is well again", name)
    _troubles.clear()
    _troubles.update(now)
