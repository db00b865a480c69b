"""The database connection that a thread has borrowed from its process's pool.

There are fewer connections than threads, and Django lets a thread keep its connection until the request is answered.
Whoever is about to wait for something else (the matcher, a lock, a projector) gives it back first: otherwise a few who
wait leave none for all others, and those who hold the lock may be among the others.
"""

from django.db import connection


def give_back() -> None:
    """Return this thread's connection to the pool; the next query borrows one again. Kept within a transaction."""
    if not connection.in_atomic_block:
        connection.close()
