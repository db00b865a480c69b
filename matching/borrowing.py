"""The database connection that a thread has borrowed from its process's pool.

There are fewer connections than threads, and Django lets a thread keep its connection until the request is answered.
Whoever is about to wait for something else (the matcher, a lock, a projector) gives it back first: otherwise a few who
wait leave none for all others, and those who hold the lock may be among the others.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


class _Thread(threading.local):
    keeping = 0


_thread = _Thread()


def give_back() -> None:
    """Return this thread's connection to the pool; the next query borrows one again.

    Kept within a transaction, and by who said so.
    """
    if not _thread.keeping and not connection.in_atomic_block:
        connection.close()


@contextmanager
def keeping() -> Iterator[bool]:
    """Within it the thread keeps its connection, for a lock in it, say. True for the outermost of the thread."""
    _thread.keeping += 1
    try:
        yield _thread.keeping == 1
    finally:
        _thread.keeping -= 1
