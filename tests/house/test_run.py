"""`make run` itself: started, refused a second time, stopped, killed, recovered. Everything is real."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg
import pytest

from exchange.embedded import private_tmp
from exchange.servers import MARK
from tests.patience import PATIENCE_S
from tests.ports import free_ports

ROOT = Path(__file__).resolve().parent.parent.parent
GIVEN = (
    "DATABASE_URL", "MATCHER_DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "DJANGO_SETTINGS_MODULE", "CHAIN_RPC_URL",
)  # fmt: skip

pytestmark = pytest.mark.process


class Running:
    """A run of its own in `var_dir`, and what a person beside it would look at."""

    def __init__(self, var_dir: Path) -> None:
        self.var_dir = var_dir
        self.port = free_ports(3)[0]  # its own, the sockets', the chain's
        self.env = {name: value for name, value in os.environ.items() if name not in GIVEN}
        self.env |= {"VAR_DIR": str(var_dir), "PORT": str(self.port), "BOTS": "0", "WEB_WORKERS": "1"}
        # Keys of the smallest circuit are made within seconds; the others' would take the machine from other tests.
        self.env |= {"ROLLUP_PARAMETERS": "tiny"}
        self.output = var_dir.parent / "console.txt"
        self.supervisor: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """What `make run` does once .venv is there."""
        with self.output.open("wb") as output:
            self.supervisor = subprocess.Popen(
                [sys.executable, "-m", "exchange.run"], cwd=ROOT, env=self.env, stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        self.wait(lambda: "Provex is running." in self.said(), PATIENCE_S)
        # A busy machine may be late with one thing or another again since then.
        self.wait(lambda: self.health()["status"] == "ready", PATIENCE_S)

    def second(self, **env: str) -> subprocess.CompletedProcess[str]:
        """Another `make run`, which is to be refused."""
        return subprocess.run(
            [sys.executable, "-m", "exchange.run"], cwd=ROOT, env=self.env | env, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip

    def wait(self, condition: Callable[[], bool], limit_s: float) -> None:
        end = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < end, f"not in {limit_s} s; the console:\n{self.said()[-5000:]}"
            time.sleep(0.1)

    def said(self) -> str:
        return self.output.read_text(errors="replace")

    def health(self) -> dict[str, object]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/ready", timeout=PATIENCE_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)

    def processes(self) -> list[psutil.Process]:
        """Everything that this run started, by the mark in its environment, and its PostgreSQL and Redis."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.status() == psutil.STATUS_ZOMBIE:
                    continue
                if process.environ().get(MARK) == str(self.var_dir) or str(self.var_dir) in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def manage(self, *arguments: str) -> str:
        """manage.py, typed beside the run with no more than VAR_DIR."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.env, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def head(self) -> int:
        """The journal's last sequence."""
        url = json.loads((self.var_dir / "servers.json").read_text())["DATABASE_URL"]
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT head FROM matching_leader").fetchone()
        return int(row[0])

    def end(self) -> None:
        if self.supervisor and self.supervisor.poll() is None:
            self.supervisor.kill()
            self.supervisor.wait()
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()


@pytest.fixture
def running() -> Iterator[Running]:
    place = private_tmp() / f"run {uuid4().hex[:8]}"
    (place / "var").mkdir(parents=True)
    place.chmod(0o711)
    run = Running(place / "var")
    try:
        run.start()
        yield run
    finally:
        run.end()
        shutil.rmtree(place, ignore_errors=True)


def test_make_run(running: Running) -> None:
    """One run through everything, since each start costs tens of seconds."""
    supervisor = running.supervisor
    assert supervisor is not None

    # It is ready, says where, and gives the sign-ins it made.
    for line in (f"http://localhost:{running.port}/", f"ws://localhost:{running.port + 1}/ws/v1", "Sign in as"):
        assert line in running.said()
    for user in json.loads((running.var_dir / "demo-users.json").read_text()):
        assert user["password"] in running.said()
    with urllib.request.urlopen(f"http://127.0.0.1:{running.port + 1}/health/live", timeout=PATIENCE_S) as answer:
        assert answer.status == 200

    # A second one is refused, on the same data and on the same port, and the first does not notice.
    again = running.second()
    assert again.returncode == 1
    assert f"already running here, at http://localhost:{running.port}/" in again.stdout
    busy = running.second(VAR_DIR=str(running.var_dir.parent / "other"))
    assert busy.returncode == 1
    assert f"port {running.port} (PORT) cannot be used" in busy.stdout
    assert "make run PORT=" in busy.stdout
    wrong = running.second(PORT="eight")
    assert (wrong.returncode, wrong.stderr) == (1, "")
    assert "PORT=eight is not a port's number" in wrong.stdout
    assert supervisor.poll() is None

    # manage.py finds the servers by itself; what it does is in the journal.
    account = json.loads(running.manage("demo_account", "house", "--balance", "BTC=10", "--json"))
    assert {"account", "key", "secret"} <= set(account)
    head = running.head()

    # A killed matcher is replaced, the others go on.
    epoch = running.health()["checks"]["matcher"]["figures"]["epoch"]
    running.manage("shell", "-c", "import os; from matching.models import Leader; os.kill(Leader.objects.get().pid, 9)")
    running.wait(lambda: running.health()["checks"]["matcher"]["figures"].get("epoch", 0) > epoch, PATIENCE_S)
    assert running.head() >= head

    # Everything is killed at once, the supervisor and PostgreSQL included; the next start has it all.
    for process in [psutil.Process(supervisor.pid), *running.processes()]:
        with contextlib.suppress(psutil.Error):
            process.kill()
    supervisor.wait()
    running.start()
    assert running.head() >= head
    kept = json.loads(running.manage("demo_account", "house", "--json"))
    assert kept["account"] == account["account"]
    assert "order" in running.manage("verify_journal")
    # The chain too: it is the one that the journal's deposits came from, and takes others.
    assert "deployed: " in running.manage("deploy_contracts")
    other = running.manage("demo_account", "house2", "--balance", "BTC=1", "--json")
    assert json.loads(other)["account"] != account["account"]

    # SIGTERM ends all of it and leaves nothing behind.
    supervisor = running.supervisor
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(PATIENCE_S) == 0
    # What it killed last may take a moment more to be gone.
    running.wait(lambda: running.processes() == [], PATIENCE_S)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", running.port), 5)
