"""The Celery application: queues `matching` (one consumer, see matching/), `default` and, later, `proving`."""

import os
from typing import Any

from celery import Celery
from celery.signals import task_postrun, task_prerun

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "exchange.settings")

app = Celery("exchange")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@task_prerun.connect
@task_postrun.connect
def close_connections(task: Any = None, **_: Any) -> None:
    """Celery lets go of Django's connections only in its forking pool; ours has threads.

    The matcher's task is not meant: it has a connection of its own, and no time.
    """
    from django.db import close_old_connections

    if task is not None and not task.name.startswith("matching."):
        close_old_connections()
