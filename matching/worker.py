"""The Celery worker of a leading matcher: solo, alone on its queue, and deaf to everything but its queue."""

import logging
import os
import warnings
from typing import Any

import redis
from celery import bootsteps
from celery.apps.worker import Worker
from celery.exceptions import CPendingDeprecationWarning, SecurityWarning
from django.conf import settings

from matching import tasks
from matching.channels import REPLY_TTL_S, head_channel, reply_key
from matching.consumer import Consumer, die
from matching.leadership import Leadership
from matching.replica import Replica

log = logging.getLogger(__name__)

DUE_CHECK_S = 0.1


class RedisPort:
    """Replies and wake-ups. Losing either loses nothing: gateways ask again, followers poll."""

    def __init__(self) -> None:
        self._redis = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
        self._channel = head_channel()

    def reply(self, session: str, message: bytes) -> None:
        """Put a message where the gateway waits."""
        key = reply_key(session)
        self._send(("RPUSH", key, message), ("EXPIRE", key, REPLY_TTL_S))

    def wake(self, head: int) -> None:
        """Tell the followers that the journal has grown to `head`."""
        self._send(("PUBLISH", self._channel, head))

    def _send(self, *commands: tuple[Any, ...]) -> None:
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                for command in commands:
                    pipeline.execute_command(*command)
                pipeline.execute()
        except redis.RedisError as error:
            log.warning("Redis: %s", error)


class DueTimer(bootsteps.StartStopStep):
    """Lets the consumer look, ten times a second, for what is due."""

    consumer: Consumer

    def register_with_event_loop(self, worker: Any, hub: Any) -> None:
        """Called by Celery at every (re)connection; it drops the former entry itself."""
        hub.call_repeatedly(DUE_CHECK_S, self._check)

    def _check(self) -> None:
        try:
            self.consumer.due()
        except BaseException:
            die()


def _prefetch(broker_url: str) -> int:
    """How many messages the broker may hand out at a time (0: no limit).

    One, so that a stopped leader holds none back. But Redis is asked for one message at a time anyway, and kombu's own
    limit would stop the worker for good: an acknowledgement that fails because Redis restarts counts as open for ever.
    """
    return 0 if broker_url.startswith(("redis", "rediss", "sentinel")) else 1


def run_worker(*, replica: Replica, leadership: Leadership) -> None:
    """Consume until the process is told to stop. Call as the leader only."""
    port = RedisPort()
    consumer = Consumer(replica=replica, leadership=leadership, reply=port.reply, wake=port.wake)
    consumer.take_over()
    tasks.install(consumer)
    DueTimer.consumer = consumer
    app = tasks.app
    app.steps["worker"].add(DueTimer)
    app.conf.update(
        worker_prefetch_multiplier=_prefetch(settings.CELERY_BROKER_URL),
        worker_redirect_stdouts=False,
        worker_hijack_root_logger=False,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
    )
    # They say that root might run pickled code (we take JSON only), and what Celery 6 will do to late acknowledgements.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)
    # It would write two lines a batch.
    logging.getLogger("celery").setLevel(logging.WARNING)
    worker: Worker = app.Worker(
        pool="solo", queues=[settings.MATCHING_QUEUE], concurrency=1, quiet=True, optimization="fair",
        without_gossip=True, without_mingle=True, without_heartbeat=True, task_events=False,
        hostname=f"matcher-{os.getpid()}@localhost", loglevel="WARNING",
    )  # fmt: skip
    worker.start()
