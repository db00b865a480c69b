"""The Celery worker of a leading matcher: solo, alone on its queue, and deaf to everything but its queue."""

import logging
import os
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any, Final

import redis
from celery import bootsteps
from celery.apps.worker import Worker
from celery.exceptions import CPendingDeprecationWarning, SecurityWarning
from django.conf import settings

from matching import tasks
from matching.channels import REPLY_TTL_S, head_channel, reply_key
from matching.consumer import Consumer
from matching.leadership import Leadership
from matching.replica import Replica

log = logging.getLogger(__name__)

DUE_CHECK_S: Final = 0.1
DUE_PAUSE_S: Final = 0.001
WATCHDOG_S: Final = 1.0
WATCHDOG_STRIKES: Final = 5


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


class Watchdog:
    """Sees that the queue is worked off: a worker can look alive, its timers included, and consume nothing."""

    def __init__(self, *, queue: str, taken: Callable[[], int]) -> None:
        self._queue = queue
        self._taken = taken
        self._seen = -1
        self._strikes = 0

    def is_stuck(self) -> bool:
        """To be asked once a second: have messages waited for WATCHDOG_STRIKES checks while none was taken?"""
        taken = self._taken()
        if taken != self._seen or not self._waiting():
            self._seen, self._strikes = taken, 0
            return False
        self._strikes += 1
        return self._strikes >= WATCHDOG_STRIKES

    def _waiting(self) -> int:
        try:
            with tasks.app.connection_for_read() as connection:
                return connection.default_channel.queue_declare(queue=self._queue, passive=True).message_count
        except Exception:  # the broker's; whatever it is, we know nothing of the queue then
            return 0


class QueueWatch(bootsteps.StartStopStep):
    """Asks the watchdog once a second, on the event loop that should be taking messages."""

    watchdog: Watchdog

    def register_with_event_loop(self, worker: Any, hub: Any) -> None:
        """Called by Celery at every (re)connection; it drops the former entries itself."""
        hub.call_repeatedly(WATCHDOG_S, self._watch)

    def _watch(self) -> None:
        if self.watchdog.is_stuck():
            log.critical("messages wait, but none is taken: ending, to start afresh")
            os._exit(1)


def _look_at_what_is_due(consumer: Consumer) -> None:
    """Ten times a second. A thread's and not Celery's timers: those stand still while the broker is away."""
    while True:
        time.sleep(DUE_CHECK_S)
        while consumer.due():
            # Batches get their turn in between.
            time.sleep(DUE_PAUSE_S)


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
    threading.Thread(target=_look_at_what_is_due, args=(consumer,), name="due", daemon=True).start()
    QueueWatch.watchdog = Watchdog(queue=settings.MATCHING_QUEUE, taken=lambda: consumer.taken)
    app = tasks.app
    app.steps["worker"].add(QueueWatch)
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
