"""A command typed while a server is away says so in a sentence."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import redis
from django.db.utils import OperationalError

from exchange.away import why_away
from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = "postgresql:///provex?host=/nowhere"


def test_a_command_without_a_database(tmp_path):
    given = {"VAR_DIR": str(tmp_path), "DATABASE_URL": NOWHERE, "MATCHER_DATABASE_URL": NOWHERE}
    done = subprocess.run(
        [sys.executable, "manage.py", "snapshot"], cwd=ROOT, env=os.environ | given, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "snapshot: PostgreSQL cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr


def test_redis_too():
    assert "Redis cannot be reached: refused" in why_away(redis.ConnectionError("refused"))


def test_what_a_server_says_keeps_its_trace():
    full = OperationalError("could not extend file")
    full.__cause__ = psycopg.errors.DiskFull("could not extend file")
    assert why_away(full) == why_away(full.__cause__) == why_away(ValueError("no")) == ""
