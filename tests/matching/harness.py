"""Real matcher processes for tests, and helpers that fill an exchange by commands.

def test_something(matcher):            # a leading matcher, assets and markets exist
    fund(account=7, BTC="10", USDT="100000")
    gateway.submit([...])
"""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import psutil
import psycopg
from django.conf import settings

from matching import defaults, gateway
from matching.engine import commands
from matching.money import parse_decimal
from tests.patience import PATIENCE_S
from tests.processes import Command
from tests.stack import ROOT


def eventually(condition: Callable[[], Any], *, within_s: float = PATIENCE_S, what: str = "") -> Any:
    """Wait for a true value and return it; fail after `within_s`."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.01)
    raise AssertionError(f"not within {within_s} s: {what or condition}")


class MatcherProcess(Command):
    """`manage.py matcher`: a supervisor and its child. `snapshots` is a directory of the test's own."""

    def __init__(
        self, *, database_url: str, snapshots: Path, redis_url: str = "", broker_url: str = "", queue: str = "",
        options: tuple[str, ...] = (), log: Path | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            "matcher", *options, database_url=database_url,
            REDIS_URL=redis_url or settings.REDIS_URL, CELERY_BROKER_URL=broker_url or settings.CELERY_BROKER_URL,
            MATCHING_QUEUE=queue or settings.MATCHING_QUEUE, MATCHING_SNAPSHOTS=str(snapshots),
        )  # fmt: skip
        self.database_url = database_url
        self.log = log or snapshots.parent / "matcher.log"

    def start(self) -> Self:
        """Start it; see wait_leading and wait_standby."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", *self.arguments], cwd=ROOT, env=self.environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        return self

    def child_pids(self) -> list[int]:
        """The supervisor's children: the matcher itself (and for a moment a snapshot's writer)."""
        if self.process is None or self.process.poll() is not None:
            return []
        try:
            return [child.pid for child in psutil.Process(self.process.pid).children() if _lives(child.pid)]
        except psutil.NoSuchProcess:
            return []

    def leads(self) -> bool:
        """Whether its child is who the database says leads, holding the lock."""
        return leader_pid(self.database_url) in self.child_pids()

    def wait_leading(self, within_s: float = PATIENCE_S) -> Self:
        """Until it leads. Commands sent from then on are answered as soon as its worker consumes."""
        return self._wait(self.leads, within_s, "leading")

    def wait_standby(self, within_s: float = PATIENCE_S) -> Self:
        """Until its child says that it stands by."""
        return self._wait(lambda: set(self.child_pids()) & standby_pids(self.database_url), within_s, "standing by")

    def _wait(self, condition: Callable[[], Any], within_s: float, what: str) -> Self:
        def seen() -> bool:
            if self.process is None or self.process.poll() is not None:
                raise AssertionError(f"the matcher ended: {self.output()[-2000:]}")
            return bool(condition())

        try:
            eventually(seen, within_s=within_s)
        except AssertionError as error:
            raise AssertionError(f"the matcher is not {what}: {error}\n{self.output()[-2000:]}") from None
        return self

    def signal_child(self, number: int) -> int:
        """Send a signal to the matcher itself, past its supervisor; its process id."""
        (pid,) = self.child_pids()[:1]
        os.kill(pid, number)
        return pid

    def kill_child(self) -> int:
        """SIGKILL the matcher itself; its supervisor starts another."""
        pid = self.signal_child(signal.SIGKILL)
        eventually(lambda: not _lives(pid), what="the matcher is gone")
        return pid

    def stop_signal(self) -> int:
        """SIGSTOP the matcher itself: it keeps its sockets and answers nothing."""
        return self.signal_child(signal.SIGSTOP)

    def kill(self) -> None:
        """SIGKILL supervisor and matcher, and wait until they are gone."""
        if self.process is None:
            return
        children = self.child_pids()
        self.process.kill()
        for pid in children:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(PATIENCE_S)
        eventually(lambda: not any(_lives(pid) for pid in children), what="the matcher is gone")
        self.process = None

    def wait_exit(self, within_s: float = PATIENCE_S) -> int:
        """The exit status of a supervisor that gives up by itself."""
        assert self.process is not None
        status = self.process.wait(within_s)
        self.process = None
        return status

    def output(self) -> str:
        """What it printed and logged."""
        return self.log.read_text()


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def leader_pid(database_url: str) -> int:
    """Process id of the leader, if its connection is there; else 0."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT pid FROM matching_leader WHERE epoch > 0 AND EXISTS (SELECT 1 FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'provex-matcher-' || matching_leader.pid)"
        ).fetchone()
    return row[0] if row else 0


def standby_pids(database_url: str) -> set[int]:
    """Process ids of the standbys seen of late."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT name FROM matching_standby WHERE seen_at > now() - interval '3 s'")
        return {int(name.rpartition(":")[2]) for (name,) in rows}


def execute(*batch: Any, timeout_s: float = PATIENCE_S) -> list[gateway.Result]:
    """Submit; on GatewayBusy try again, until `timeout_s` is over. Everything else is the test's to see."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return gateway.submit(batch, timeout_s=timeout_s)
        except gateway.GatewayBusy:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def seed_markets() -> None:
    """BTC, USDT, ETH and their three markets (matching.defaults)."""
    for result in execute(*defaults.commands_for_all()):
        assert result.events[0][0] in {"asset", "market"}, result


class Deposits:
    """Numbers the deposits of a test, from 1, within a source that nothing else uses."""

    SOURCE = 900

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """A new journal begins."""
        self._indexes = itertools.count(1)

    def next_index(self) -> int:
        return next(self._indexes)


deposits = Deposits()


def fund(*, account: int, **amounts: str) -> None:
    """Credit an account by deposits: fund(account=7, BTC="10", USDT="100000")."""
    scales = {asset.code: asset for asset in defaults.ASSETS}
    batch = [
        commands.deposit(
            source=Deposits.SOURCE, index=deposits.next_index(), account=account, asset=scales[code].id,
            amount=parse_decimal(text, scales[code].scale),
        )
        for code, text in amounts.items()
    ]  # fmt: skip
    for result in execute(*batch):
        assert result.events[-1][0] == "deposit", result
