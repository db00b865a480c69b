"""The demo traders before an exchange of their own: they trade everywhere, and they come and go cleanly."""

import contextlib
import logging
import signal
import stat
import subprocess
from collections.abc import Iterator

import httpx
import psutil
import pytest

from tests.patience import PATIENCE_S
from tests.stack import MANAGE, ROOT, Stack, running_stack, wait_until

pytestmark = [pytest.mark.process, pytest.mark.xdist_group("stack")]
SYMBOLS = ("BTC-USDT", "ETH-USDT", "ETH-BTC")


@pytest.fixture(autouse=True)
def quiet_http() -> None:
    """Polling would drown what a failure has to say."""
    logging.getLogger("httpx").setLevel(logging.WARNING)


@pytest.fixture
def market() -> Iterator[Stack]:
    """An exchange without other traders: these move its prices."""
    yield from running_stack()


def start_bots(stack: Stack, **environ: str) -> subprocess.Popen[bytes]:
    with (stack.root / "bots.log").open("ab") as log:
        return subprocess.Popen(
            [*MANAGE, "bots", "--seed", "7"], cwd=ROOT, env=stack.env | environ, stdin=subprocess.DEVNULL, stdout=log,
            stderr=log,
        )  # fmt: skip


def traders(parent: subprocess.Popen[bytes]) -> dict[str, psutil.Process]:
    """The parent's children by name."""
    found = {}
    for child in psutil.Process(parent.pid).children():
        # One that has just ended has no command line any more.
        with contextlib.suppress(psutil.NoSuchProcess):
            command = child.cmdline()
            if "orders.demo.trader" in command:
                found[command[-1]] = child
    return found


def lives(process: psutil.Process) -> bool:
    """Ended processes may wait for a parent to take notice."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def get(stack: Stack, path: str) -> dict:
    answer = httpx.get(f"{stack.base_url}/api/v1{path}", trust_env=False, timeout=PATIENCE_S)
    assert answer.status_code == 200, answer.text
    return answer.json()


def trade_count(stack: Stack, symbol: str) -> int:
    return get(stack, f"/markets/{symbol}/ticker")["trades"]


def ladders(stack: Stack, symbol: str) -> int:
    """How many levels both sides have."""
    depth = get(stack, f"/markets/{symbol}/depth")
    return min(len(depth["bids"]), len(depth["asks"]))


def test_the_traders_trade_survive_each_others_death_and_end_with_their_parent(market):
    parent = start_bots(market)
    try:
        for symbol in SYMBOLS:
            wait_until(lambda symbol=symbol: trade_count(market, symbol) >= 5, f"trades in {symbol}")
            # Makers move their ladders by canceling: at one moment there may be little of them.
            wait_until(lambda symbol=symbol: ladders(market, symbol) >= 5, f"ladders in {symbol}")
        assert stat.S_IMODE((market.root / "var/bots.json").stat().st_mode) == 0o600

        wait_until(lambda: len(traders(parent)) == 4, "four traders")
        before = traders(parent)
        assert set(before) == {"maker-1", "maker-2", "taker", "canceller"}
        before["taker"].kill()
        wait_until(lambda: traders(parent).get("taker", before["taker"]).pid != before["taker"].pid, "a new taker")

        # Sockets and REST go away for a moment; the traders don't, and go on.
        market.restart("sockets")
        market.restart("web")
        count = trade_count(market, "BTC-USDT")
        wait_until(lambda: trade_count(market, "BTC-USDT") > count + 3, "trades after the restart")
        after = traders(parent)
        assert {name: after[name].pid for name in ("maker-1", "maker-2", "canceller")} == {
            name: before[name].pid for name in ("maker-1", "maker-2", "canceller")
        }

        parent.terminate()
        assert parent.wait(PATIENCE_S) == 0
        assert not [child for child in after.values() if lives(child)]
    finally:
        parent.kill()
        parent.wait()

    # Killed without a chance to say goodbye, the parent takes its children with it all the same.
    parent = start_bots(market)
    try:
        wait_until(lambda: len(traders(parent)) == 4, "four traders")
        children = list(traders(parent).values())
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    wait_until(lambda: not any(lives(child) for child in children), "no trader left")
    log = (market.root / "bots.log").read_text()
    assert "Traceback" not in log, log[-3000:]


def test_bots_0_means_none(stack):
    parent = start_bots(stack, BOTS="0")
    assert parent.wait(PATIENCE_S) == 0
    assert "BOTS=0" in (stack.root / "bots.log").read_text()
