"""Real PostgreSQL and Redis for the tests, started before Django reads its settings.

Loaded by `-p tests.servers` (pyproject.toml). One PostgreSQL for the run (pytest-django gives each worker
its own database) and one Redis for each worker, since pub/sub knows no database numbers.
TEST_DATABASE_URL and TEST_REDIS_URL use other servers.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from exchange.embedded import Postgres, Redis, private_tmp

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "exchange.settings")
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")


def _start_postgres(root: Path) -> None:
    # Nothing here outlives the machine: what a killed process or server has written, the kernel still has.
    server = Postgres(root / "pg", {"fsync": "off", "full_page_writes": "off"})
    server.start()
    os.environ["TESTS_DATABASE_URL"] = server.ensure_database("provex")

    def stop() -> None:
        server.stop()
        shutil.rmtree(root, ignore_errors=True)

    atexit.register(stop)


def _start_redis(root: Path) -> None:
    server = Redis(root / f"redis-{os.getpid()}", name=f"t{os.getpid()}")
    server.start()
    os.environ["REDIS_URL"] = server.url
    os.environ["CELERY_BROKER_URL"] = server.broker_url
    atexit.register(server.stop)


if not WORKER:
    _root = Path(tempfile.mkdtemp(prefix="t", dir=private_tmp()))
    _root.chmod(0o711)
    os.environ["TESTS_ROOT"] = str(_root)
    os.environ["VAR_DIR"] = str(_root / "var")
    # Where collected static files would be; whitenoise warns when it is missing.
    (_root / "var" / "static").mkdir(parents=True)
    if "TEST_DATABASE_URL" in os.environ:
        os.environ["TESTS_DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]
    else:
        _start_postgres(_root)
os.environ["DATABASE_URL"] = os.environ["MATCHER_DATABASE_URL"] = os.environ["TESTS_DATABASE_URL"]
if "TEST_REDIS_URL" in os.environ:
    os.environ["REDIS_URL"] = os.environ["CELERY_BROKER_URL"] = os.environ["TEST_REDIS_URL"]
else:
    _start_redis(Path(os.environ["TESTS_ROOT"]))
