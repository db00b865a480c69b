"""Puts batches on the matcher's queue, as cheaply as Celery and kombu allow.

`apply_async` costs three times as much: it looks up settings and queue anew for each message, and kombu's Redis
transport makes a client for each. A publish batch of kombu's keeps one client, and with room for one message it sends
each at once. Transports without such batches send as ever.
"""

import contextlib
import logging
from contextlib import ExitStack
from typing import Any, Final
from uuid import uuid4

import redis
from amqp.exceptions import AMQPError
from django.conf import settings
from kombu.exceptions import KombuError

from matching.tasks import app, apply_batch

log = logging.getLogger(__name__)

FAILURES: Final = (KombuError, AMQPError, OSError, redis.RedisError)


class Sender:
    """One connection to the broker, made by the first send and anew after a failure. For one thread."""

    def __init__(self) -> None:
        self._producer: Any = None
        self._open = ExitStack()

    def connect(self) -> None:
        """Connect now instead of at the first send. A failure is logged; the first send tries again."""
        try:
            if self._producer is None:
                self._connect()
        except FAILURES as error:
            log.warning("no broker yet: %s", error)
            self.close()

    def send(self, session: str, number: int, attempt: int, commands_json: str) -> None:
        """One Celery message for `apply_batch`. A failure is logged and is no answer: the message may have arrived."""
        try:
            if self._producer is None:
                self._connect()
            # argsrepr: Celery would format all arguments for its logs, which costs as much as the rest of the send.
            message = app.amqp.as_task_v2(
                str(uuid4()), apply_batch.name, (session, number, attempt, commands_json), argsrepr="-",
                kwargsrepr="-", ignore_result=True,
            )  # fmt: skip
            app.amqp.send_task_message(
                self._producer, apply_batch.name, message, queue=settings.MATCHING_QUEUE, declare=(), retry=False
            )
        except FAILURES as error:
            log.warning("sending failed, will send again: %s", error)
            self.close()

    def _connect(self) -> None:
        connection = app.connection_for_write()
        self._open.callback(connection.release)
        producer = app.amqp.Producer(connection)
        producer.maybe_declare(app.amqp.queues[settings.MATCHING_QUEUE])
        self._open.enter_context(producer.batch(max_size=1))
        self._producer = producer

    def close(self) -> None:
        """Let the connection go; the next send makes another."""
        self._producer = None
        with contextlib.suppress(Exception):  # what was broken may not close well, and is gone all the same
            self._open.close()
        self._open = ExitStack()
