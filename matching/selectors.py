"""What is known about the matcher from outside."""

import time
from typing import TypedDict

from django.db import connection

from matching.gateway import gateway
from matching.leadership import LOCK_KEY

_HEALTH = """
    SELECT leader.epoch, leader.head, leader.host, leader.pid,
        EXISTS (
            SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND (classid::bigint << 32) + objid::bigint = %s
        ),
        (SELECT max(sequence) FROM matching_standby WHERE seen_at > now() - interval '3 seconds')
    FROM (SELECT 1) AS one LEFT JOIN matching_leader AS leader ON leader.id = 1
"""


class Health(TypedDict):
    """`age_of_oldest_unanswered_ms` is this process's own gateway's: a worker can look alive and answer nothing."""

    leader: bool
    epoch: int
    head: int
    host: str
    pid: int
    standby: bool
    standby_lag: int  # commands
    age_of_oldest_unanswered_ms: int


def health() -> Health:
    """Is there a leader, how far is it, is there a standby, and does anybody answer."""
    with connection.cursor() as cursor:
        cursor.execute(_HEALTH, (LOCK_KEY,))
        epoch, head, host, pid, locked, standby = cursor.fetchone()
    return {
        "leader": locked and bool(epoch),
        "epoch": epoch or 0,
        "head": head or 0,
        "host": host or "",
        "pid": pid or 0,
        "standby": standby is not None,
        "standby_lag": max(0, (head or 0) - standby) if standby is not None else 0,
        "age_of_oldest_unanswered_ms": int(gateway().oldest_age_s() * 1000),
    }


def behind_ms(sequence: int) -> int:
    """How old the oldest batch is that a follower at `sequence` has not read; 0 when it has read all."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT time_us FROM matching_journal WHERE first > %s ORDER BY first LIMIT 1", (sequence,))
        row = cursor.fetchone()
    return max(0, time.time_ns() // 1_000_000 - row[0] // 1000) if row else 0
