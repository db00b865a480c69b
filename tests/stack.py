"""The whole exchange as real processes, for tests from the outside.

It has a database, a Redis, a VAR_DIR and ports of its own, so nothing that another test flushes touches it,
and whatever a test asks of it goes the way a user's request goes.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import redis

from exchange.embedded import Redis, dies_with_parent, private_tmp
from tests.patience import PATIENCE_S
from tests.ports import free_ports

ROOT = Path(__file__).resolve().parent.parent
MANAGE = [sys.executable, str(ROOT / "manage.py")]
WEB_THREADS = "8"
COMMANDS = {
    "matcher": [*MANAGE, "matcher"],
    "orders": [*MANAGE, "project", "orders"],
    "wallets": [*MANAGE, "project", "wallets"],
    "marketdata": [*MANAGE, "marketdata"],
    "sockets": [*MANAGE, "sockets"],
    "web": [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", "{port}",
        "--workers", "1", "--blocking-threads", WEB_THREADS, "--no-ws", "exchange.wsgi:application",
    ],
}  # fmt: skip


class StackFailed(RuntimeError):
    """A process of the stack did not do what it should; the message has the ends of the logs."""


def wait_until(condition: Callable[[], bool], what: str, limit_s: float = PATIENCE_S) -> None:
    """Poll until the condition holds. Raises StackFailed."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise StackFailed(f"waited {limit_s} s for {what}")


class Stack:
    """The exchange's processes; `env` is their environment, `base_url` and `socket_url` their addresses."""

    def __init__(self, root: Path, postgres_url: str) -> None:
        self.root = root
        self.port, self.socket_port = free_ports()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.socket_url = f"ws://127.0.0.1:{self.socket_port}/ws/v1"
        self.redis = Redis(root / "redis", name=f"s{uuid4().hex[:10]}")
        self.database = f"stack_{uuid4().hex[:12]}"
        self._postgres_url = postgres_url
        base, _, query = postgres_url.partition("?")
        url = f"{base.rpartition('/')[0]}/{self.database}" + (f"?{query}" if query else "")
        self.env = os.environ | {
            "DATABASE_URL": url, "MATCHER_DATABASE_URL": url, "REDIS_URL": self.redis.url,
            "CELERY_BROKER_URL": self.redis.broker_url, "VAR_DIR": str(root / "var"), "PORT": str(self.port),
            "SOCKET_PORT": str(self.socket_port), "DJANGO_SETTINGS_MODULE": "exchange.settings",
            "WEB_THREADS": WEB_THREADS,
            # A busy machine makes the read models late; who stops them on purpose waits so long.
            "READ_WAIT_MS": "5000",
        }  # fmt: skip
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.commands: dict[str, list[str]] = COMMANDS

    def start(self) -> None:
        """Everything up, markets seeded, pages and sockets answering."""
        with psycopg.connect(self._postgres_url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{self.database}"')
        self.redis.start()
        self.remember_signatures()
        self.manage("migrate", "--verbosity", "0")
        for name in COMMANDS:
            self.launch(name)
        self.manage("seed")
        self.wait_ready()

    def remember_signatures(self) -> None:
        """Let Redis say that it knows all used signatures, as one does that has run for long (accounts/gate.py)."""
        with redis.Redis.from_url(self.redis.url) as client:
            client.set("api:signatures:since", 0)

    def launch(self, name: str) -> None:
        """Start one process; its output goes to a log under `root`."""
        command = [part.replace("{port}", str(self.port)) for part in self.commands[name]]
        with (self.root / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [*dies_with_parent("KILL"), *command], cwd=ROOT, env=self.env, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Signal a process and all that it started."""
        os.killpg(self.processes[name].pid, number)

    def end(self, name: str) -> None:
        """Stop one process for good; whatever it started goes with it."""
        process = self.processes.pop(name)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()

    def restart(self, name: str) -> None:
        """Stop one process, start it again, and wait until the exchange answers."""
        self.end(name)
        self.launch(name)
        self.wait_ready()

    def wait_ready(self) -> None:
        """Until pages, sockets and the book of the last market answer. Raises StackFailed with the logs."""
        try:
            wait_until(self._pages_answer, "pages")
            wait_until(self._sockets_listen, "sockets")
        except StackFailed as error:
            raise StackFailed(f"{error}\n{self.logs()}") from None

    def _pages_answer(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.base_url}/api/v1/markets/ETH-BTC/depth", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def _sockets_listen(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.socket_port), 1).close()
        except OSError:
            return False
        return True

    def manage(self, *arguments: str) -> str:
        """Run a manage.py command to its end and return what it printed. Raises StackFailed."""
        done = subprocess.run(
            [*MANAGE, *arguments],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        if done.returncode:
            raise StackFailed(f"manage.py {' '.join(arguments)}: {done.stdout}{done.stderr}\n{self.logs()}")
        return done.stdout

    def account(self, name: str, **balances: str) -> dict[str, object]:
        """A funded account with a key: {"account", "key", "secret"}. Amounts are decimal strings."""
        options = [part for code, amount in balances.items() for part in ("--balance", f"{code}={amount}")]
        return json.loads(self.manage("demo_account", name, *options, "--json"))

    def logs(self, characters: int = 2_000) -> str:
        """The ends of all logs."""
        return "\n".join(
            f"--- {path.name}\n{path.read_text(errors='replace')[-characters:]}"
            for path in sorted(self.root.glob("*.log"))
        )

    def stop(self) -> None:
        """End every process and drop the database."""
        for name in reversed(list(self.processes)):
            self.end(name)
        self.redis.stop()
        with psycopg.connect(self._postgres_url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)')


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The exchange, started once for all tests of this worker that ask for it."""
    yield from running_stack()


def running_stack(kind: type[Stack] = Stack) -> Iterator[Any]:
    """Starts an exchange of a kind, gives it, and stops it: the body of a fixture."""
    root = Path(tempfile.mkdtemp(prefix="k", dir=private_tmp()))
    one = kind(root, os.environ["TESTS_DATABASE_URL"])
    try:
        one.start()
        yield one
    finally:
        one.stop()
        shutil.rmtree(root, ignore_errors=True)
