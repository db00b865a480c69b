"""Only one market data process writes to Redis: a lock in PostgreSQL, held by a connection of its own."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import psycopg

log = logging.getLogger(__name__)

LOCK_KEY: Final = 0x70767864_6D64  # "pvxdmd"
RETRY_S: Final = 0.5


@contextmanager
def alone(url: str, stop: Callable[[], bool]) -> Iterator[bool]:
    """Wait until nobody else holds the lock, then hold it; gives False if told to stop while waiting.

    `url` must not lead through a pooler. The lock ends with its connection, so a killed process frees it at once.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        waited = False
        while not stop():
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK_KEY,)).fetchone()
            if row and row[0]:
                yield True
                return
            if not waited:
                log.info("another market data process is live; standing by")
                waited = True
            time.sleep(RETRY_S)
        yield False
