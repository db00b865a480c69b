"""What to tell whoever types a command while PostgreSQL or Redis is away: a sentence, not a stack trace."""

import psycopg
import redis
from django.conf import settings
from django.db import Error as DatabaseError
from psycopg_pool import PoolTimeout


def why_away(error: BaseException) -> str:
    """The sentence, if a server that cannot be reached is what the error comes from; else empty."""
    if isinstance(error, redis.ConnectionError | redis.TimeoutError):
        return f"Redis cannot be reached: {error}. {_advice(settings.REDIS_URL, 'REDIS_URL')}"
    cause = error.__cause__ if isinstance(error, DatabaseError) else error
    # What the server itself says has a code: that is no matter of reaching it, and its trace is worth reading.
    if isinstance(cause, PoolTimeout) or (isinstance(cause, psycopg.OperationalError) and cause.sqlstate is None):
        return f"PostgreSQL cannot be reached: {str(cause).strip()}. {_advice(settings.DATABASE_URL, 'DATABASE_URL')}"
    return ""


def _advice(url: str, name: str) -> str:
    if url:
        return "Does it run (make run, var/log)?"
    return f"No exchange runs on {settings.VAR_DIR}: start it with make run, or set {name}"
