"""The demo traders' parent: gives each an account with money and a key, and starts again who died."""

import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

from orders.demo.accounts import demo_account, fund
from orders.demo.trader import NAMES, Settings
from orders.scales import amount_to_atoms
from wallets import selectors as wallets

log = logging.getLogger(__name__)

# What each has at least half of when it begins.
BALANCES: Final = {"BTC": "2000", "ETH": "40000", "USDT": "150000000"}
BACK_OFF_S: Final = (1.0, 15.0)
HEALTHY_S: Final = 30.0
STOP_S: Final = 3.0
POLL_S: Final = 0.2


def prepare(*, base_url: str, socket_url: str, seed: int, keys: Path) -> dict[str, Settings]:
    """Every trader's settings by name; keeps their keys in the file `keys` (mode 600). Raises Problem, GatewayError."""
    crew = {}
    for name in NAMES:
        made = demo_account(name=f"bot {name}", rate_tier="maker", is_system=True)
        _top_up(made.account)
        crew[name] = Settings(base_url=base_url, socket_url=socket_url, key=made.key, secret=made.secret, seed=seed)
    keys.parent.mkdir(parents=True, exist_ok=True)
    keys.touch(mode=0o600)
    shown = {name: {"key": settings.key, "secret": settings.secret} for name, settings in crew.items()}
    keys.write_text(json.dumps(shown, indent=2) + "\n")
    return crew


def _top_up(account_id: int) -> None:
    have = {row.asset_id: row.available + row.held for row in wallets.balances(account_id)}
    missing = []
    for code, text in BALANCES.items():
        asset = wallets.get_asset(code=code)
        wanted = amount_to_atoms(text, asset.scale)
        if have.get(asset.id, 0) * 2 < wanted:
            missing.append((code, wanted - have.get(asset.id, 0)))
    fund(account_id=account_id, amounts=missing)


class Child:
    """One trader's process, kept alive with growing pauses."""

    def __init__(self, name: str, settings: Settings) -> None:
        self._name = name
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._start_at = 0.0
        self._pause_s = BACK_OFF_S[0]

    def keep(self) -> None:
        """Start the process, or start it again after its pause."""
        now = time.monotonic()
        if self._process is not None and self._process.poll() is not None:
            log.warning(
                "%s ended with %s, starting it again in %s s", self._name, self._process.returncode, self._pause_s
            )
            if now - self._started > HEALTHY_S:
                self._pause_s = BACK_OFF_S[0]
            self._start_at = now + self._pause_s
            self._pause_s = min(self._pause_s * 2, BACK_OFF_S[1])
            self._process = None
        if self._process is None and now >= self._start_at:
            self._start(now)

    def _start(self, now: float) -> None:
        command = [sys.executable, "-m", "orders.demo.trader", self._name]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE)
        self._started = now
        assert self._process.stdin is not None
        # The pipe stays open: the trader ends when it closes, however this process dies.
        self._process.stdin.write(json.dumps(asdict(self._settings)).encode() + b"\n")
        self._process.stdin.flush()

    def stop(self) -> None:
        """Ask it to end."""
        if self._process is not None:
            self._process.terminate()

    def end(self, until: float) -> None:
        """Wait until `until` (monotonic) for its end, then kill it."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def run(crew: Mapping[str, Settings], *, stop: Callable[[], bool]) -> None:
    """Keep all traders running until `stop()`."""
    children = [Child(name, settings) for name, settings in crew.items()]
    try:
        while not stop():
            for child in children:
                child.keep()
            time.sleep(POLL_S)
    finally:
        for child in children:
            child.stop()
        until = time.monotonic() + STOP_S
        for child in children:
            child.end(until)
