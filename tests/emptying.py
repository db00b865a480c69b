"""Empties the database after a test that committed, faster than Django's `flush`.

That one truncates every table and makes all permissions anew, at a second a test; a test fills a few tables a little.
"""

from typing import Any

import psycopg
from django.db import OperationalError, connection, transaction
from django.test import TransactionTestCase

# What migrations made and no test changes.
KEPT = ["django_migrations", "django_content_type", "auth_permission"]
# Above this a table is truncated, below it its rows are deleted.
SMALL_BYTES = 2**17


def empty() -> None:
    """Remove all rows of all tables but `KEPT`, past every trigger."""
    while True:
        try:
            return _empty()
        except OperationalError as error:
            # PostgreSQL ends statements of processes that a test killed, but may end ours first.
            if not isinstance(error.__cause__, psycopg.errors.DeadlockDetected):
                raise


def _empty() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        # First of all: a killed matcher's last commit is waited for, or finds that it leads no more.
        cursor.execute("SET LOCAL session_replication_role = replica; DELETE FROM matching_leader")
        cursor.execute(
            "SELECT oid::regclass::text, pg_relation_size(oid) FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0 AND relname <> ALL(%s)",
            [KEPT],
        )
        statements = [
            f"DELETE FROM {table}" if size <= SMALL_BYTES else f"TRUNCATE {table} CASCADE"
            for table, size in cursor.fetchall()
        ]
        cursor.execute("; ".join(statements))


def _fixture_teardown(self: Any) -> None:
    empty()


def install() -> None:
    """Have Django's tests with transactions end by it."""
    TransactionTestCase._fixture_teardown = _fixture_teardown  # type: ignore[method-assign]
