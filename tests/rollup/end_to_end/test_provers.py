"""Provers that come, are elsewhere, and are told to stop, as real processes on a real exchange."""

import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rollup.prover import keys
from rollup.prover.sharing import FILES
from tests.chain_stack import ChainStack
from tests.patience import PATIENCE_S
from tests.rollup.end_to_end.conftest import Trading
from tests.stack import MANAGE, ROOT, wait_until

# The prover may be ready with a block before it is told to stop; then the next one is tried.
TRIES = 30


class Elsewhere:
    """Another machine, with a directory of keys of its own."""

    def __init__(self, stack: ChainStack, place: Path) -> None:
        self.place = place
        self._stack = stack
        self._provers: list[subprocess.Popen[str]] = []

    def prover(self, *more: str, token: str = "a-token-of-tests") -> subprocess.Popen[str]:
        """Start one."""
        prover = subprocess.Popen(
            [*MANAGE, "prover", "--url", self._stack.base_url, "--token", token, *more], cwd=ROOT, text=True,
            env=self._stack.env | {"KEYS_DIR": str(self.place)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._provers.append(prover)
        return prover

    def end(self) -> None:
        """None may go on to prove the next test's blocks."""
        for prover in self._provers:
            prover.kill()
            prover.communicate()


@pytest.fixture
def elsewhere(chain_stack: ChainStack, tmp_path: Path) -> Iterator[Elsewhere]:
    one = Elsewhere(chain_stack, tmp_path)
    yield one
    one.end()


def test_a_prover_elsewhere_fetches_the_keys_and_proves_with_a_token_and_not_without(
    trading: Trading, elsewhere: Elsewhere
) -> None:
    stack = trading.stack
    before = stack.wait_all_final()
    stack.end("prover")
    trading.trade()
    number = stack.wait_for_block(before, "sealed")
    stranger = elsewhere.prover("--once", token="guessed")
    said, _ = stranger.communicate(timeout=PATIENCE_S)
    assert stranger.returncode
    assert "invalid_token" in said
    assert "Traceback" not in said
    assert (stack.statuses()[number], list(elsewhere.place.iterdir())) == ("sealed", [])

    friend = elsewhere.prover("--once", "--name", "elsewhere")
    said, _ = friend.communicate(timeout=PATIENCE_S)
    assert friend.returncode == 0, said
    for name in FILES:
        fetched = elsewhere.place / keys.place("tiny").name / name
        assert fetched.read_bytes() == (keys.place("tiny") / name).read_bytes()
    stack.launch("prover")
    stack.wait_all_final()
    assert stack.get(f"/proofs/{number}")["prover"] == "elsewhere"


def left(trading: Trading, start: Callable[[], subprocess.Popen[Any]]) -> tuple[int, str]:
    """Tell provers to stop while they prove, until one has left its block to others: the block, and who that was.

    No other prover may run: a lease that only ended would be a lease still.
    """
    stack = trading.stack
    for _ in range(TRIES):
        stack.wait_all_final()
        prover = start()
        trading.trade()
        wait_until(lambda: bool(leased(stack)), "a block to be leased")
        prover.send_signal(signal.SIGTERM)
        prover.wait(PATIENCE_S)
        assert prover.returncode == 0
        with psycopg.connect(stack.env["DATABASE_URL"]) as connection:
            found = connection.execute(
                "SELECT block_id, worker FROM rollup_provingtask"
                " WHERE status = 'queued' AND attempts = 1 AND refused = 0"
            ).fetchall()
        if found:
            return found[0]
        # It was ready with it just before, or the exchange was too slow to hear of it.
        stack.launch("prover")
        stack.wait_all_final()
        stack.end("prover")
    raise AssertionError(f"{TRIES} provers were ready before they heard that they should stop")


def leased(stack: ChainStack) -> list[int]:
    """Blocks that somebody has."""
    with psycopg.connect(stack.env["DATABASE_URL"]) as connection:
        found = connection.execute("SELECT block_id FROM rollup_provingtask WHERE status = 'leased'").fetchall()
    return [number for (number,) in found]


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_a_prover_that_is_told_to_stop_leaves_its_block_to_the_next_at_once(
    trading: Trading, elsewhere: Elsewhere, where: str
) -> None:
    stack = trading.stack
    stack.wait_all_final()
    stack.end("prover")

    def here() -> subprocess.Popen[Any]:
        stack.launch("prover")
        return stack.processes["prover"]

    # What it is to fetch is there already: this is about leaving.
    shutil.copytree(keys.place("tiny"), elsewhere.place / keys.place("tiny").name)
    number, who = left(trading, here if where == "here" else lambda: elsewhere.prover("--name", "stops"))
    assert (who == "stops") == (where == "elsewhere")
    assert stack.get(f"/blocks/{number}")["status"] == "proving"
    stack.launch("prover")
    stack.wait_all_final()
    proof = stack.get(f"/proofs/{number}")
    assert proof["prover"] != who
    assert proof["attempts"] == 2
