"""From a deposit on the chain to a final block, with every process of it killed on the way, and in every status."""

import subprocess
import sys

import pytest

from rollup.prover import keys
from rollup.prover.proving import verify_with
from tests.chain_stack import ROLLUP
from tests.patience import PATIENCE_S
from tests.stack import ROOT


def submitted(stack) -> list[int]:
    """Numbers of the blocks that the contract has taken, in order, by its events alone."""
    program = (
        "from wallets.chain import deployment; d = deployment.current();"
        "print(*[e.args['number'] for e in d.chain.events(d.from_block, d.chain.head()) if e.name == 'BlockSubmitted'])"
    )
    return [int(number) for number in stack.manage("shell", "-v", "0", "-c", program).split()]


def test_deposits_and_trades_become_final_blocks_that_anybody_can_check(trading):
    stack = trading.stack
    before = stack.wait_all_final()
    trading.trade()
    number = stack.wait_for_block(before, "final")
    block = stack.get(f"/blocks/{number}")
    assert (block["trades"], block["reason"]) == (1, None)
    assert block["gas"]
    assert block["proof_ms"]
    assert {slot["operation"] for slot in block["slot_list"]} == {"net", "fee"}
    trades = stack.get(f"/blocks/{number}/trades")["trades"]
    assert [(trade["market"], trade["size"]) for trade in trades] == [("BTC-USDT", "0.01")]

    proof = stack.get(f"/proofs/{number}")
    signals = [int(signal) for signal in proof["public_signals"]]
    points = [int(point) for point in proof["points"]]
    assert verify_with(keys.find("tiny"), points, signals)
    assert not verify_with(keys.find("tiny"), points, [signals[0], signals[1] + 1, signals[2]])

    stack.wait_all_final()
    contract = stack.manage(
        "shell", "-v", "0", "-c", "from wallets.chain import deployment; print(deployment.current().address)"
    ).strip()
    said = subprocess.run(
        [sys.executable, str(ROOT / "docs/examples/check_balance.py"), stack.base_url, "1", "BTC", stack.chain_url,
         contract],
        capture_output=True, text=True, timeout=PATIENCE_S, check=True,
    ).stdout  # fmt: skip
    assert said.endswith("which is the contract's\n")
    assert "equal to the contract's" in stack.manage("rebuild_state", "--from-l1")


@pytest.mark.parametrize("status", ["sealed", "proving", "proved", "submitted"])
def test_a_restart_in_every_status_loses_nothing_and_does_nothing_twice(trading, status):
    stack = trading.stack
    before = stack.wait_all_final()
    # What brings a block further is taken away, so that it stays in this status.
    away = {"sealed": ["prover"], "proving": [], "proved": ["chainworker"], "submitted": []}[status]
    for name in away:
        stack.end(name)
    if status == "submitted":
        stack.blocks.hold()
    trading.trade()
    number = stack.wait_for_block(before, status, "final")
    # A fast prover may have been through before anybody looked: then another block is waited for.
    while stack.statuses()[number] == "final":
        trading.trade()
        number = stack.wait_for_block(number, status, "final")
    for name in ROLLUP:
        if name not in away:
            stack.kill(name)
            stack.end(name)
    if status == "submitted":
        stack.blocks.go()
    for name in ROLLUP:
        stack.launch(name)
    assert stack.wait_all_final() >= number
    assert submitted(stack) == list(range(1, max(stack.statuses()) + 1))


def test_a_reorganisation_of_the_chain_is_survived(trading):
    stack = trading.stack
    before = stack.wait_all_final()
    stack.blocks.hold()
    trading.trade()
    number = stack.wait_for_block(before, "submitted")
    # The row says so before the transaction leaves.
    stack.wait(lambda: stack.rpc("txpool_status")["pending"] != "0x0", "the transaction to reach the chain")
    stack.rpc("evm_mine")
    stack.wait(lambda: stack.get(f"/blocks/{number}")["l1_block"] is not None, "the transaction to be seen mined")
    transaction = stack.get(f"/blocks/{number}")["l1_tx"]
    stack.rpc("anvil_reorg", 1, [])
    assert stack.rpc("eth_getTransactionReceipt", transaction) is None
    stack.blocks.go()
    stack.wait_all_final()
    assert stack.get(f"/blocks/{number}")["l1_tx"] == transaction
    assert submitted(stack) == list(range(1, max(stack.statuses()) + 1))


def test_in_the_end_everything_agrees(trading):
    stack = trading.stack
    stack.wait_all_final()
    assert "equal to the contract's" in stack.manage("rebuild_state", "--from-l1")
    covered = sum(block["trades"] for block in stack.get("/blocks?limit=500")["blocks"])
    fills = trading.taker.request("GET", "/api/v1/fills?limit=500")["fills"]
    assert covered == len(fills)
    stack.manage("reconcile")
