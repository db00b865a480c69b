"""The development chain's keeper: what was kept outlives every kind of end, and nothing is left running."""

import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from exchange import anvil
from exchange.devchain import ChainFailed, DevChain, write_whole
from tests.patience import PATIENCE_S
from tests.stack import ROOT, free_ports

pytestmark = pytest.mark.process

FROM = "0x00000000000000000000000000000000000000aa"
# Logs its calldata: CALLDATASIZE PUSH0 PUSH0 CALLDATACOPY CALLDATASIZE PUSH0 LOG0 STOP, and before it what deploys it.
LOGGER = "0x67365f5f37365fa0005f5260086018f3"


def wait_for(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"waited for {what}"
        time.sleep(0.02)


class Keeper:
    """The keeper's process, and a look at its chain."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_ports()[0]
        self.chain = DevChain(directory / "chain", self.port, anvil.program(os.environ))
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self) -> subprocess.Popen[bytes]:
        env = os.environ | {"VAR_DIR": str(self.directory), "CHAIN_PORT": str(self.port)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "exchange.devchain"], cwd=ROOT, env=env, stderr=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        return self.process

    def start(self) -> None:
        self.launch()
        wait_for(lambda: self.answers() and self.chain.kept_file.exists(), "the chain")

    def answers(self) -> bool:
        try:
            return bool(self.chain.rpc("eth_chainId"))
        except ChainFailed:
            return False

    def anvil(self) -> psutil.Process:
        assert self.process is not None
        return next(child for child in psutil.Process(self.process.pid).children() if "anvil" in child.name())

    def transact(self, **fields: str) -> dict[str, str]:
        """A transaction of anybody, mined. Returns its receipt."""
        self.chain.rpc("anvil_setBalance", FROM, hex(10**20))
        self.chain.rpc("anvil_impersonateAccount", FROM)
        sent = self.chain.rpc("eth_sendTransaction", {"from": FROM, "gas": "0x100000", **fields})
        wait_for(lambda: self.chain.rpc("eth_getTransactionReceipt", sent) is not None, "the transaction")
        return self.chain.rpc("eth_getTransactionReceipt", sent)

    def kept(self) -> int:
        return int(self.chain.kept_file.read_text())

    def wait_kept(self) -> None:
        wait_for(lambda: self.kept() == self.chain.head()[0], "the last block to be kept")

    def gone(self, process: psutil.Process) -> None:
        wait_for(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, "anvil's end")


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    one = Keeper(tmp_path)
    try:
        one.start()
        yield one
    finally:
        if one.process is not None and one.process.poll() is None:
            one.process.kill()
            one.process.wait()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_was_kept_can_be_read_after_any_end(keeper: Keeper, number: signal.Signals) -> None:
    made = keeper.transact(data=LOGGER)
    receipts = [keeper.transact(to=made["contractAddress"], data=f"0x{n:064x}") for n in range(20)]
    keeper.wait_kept()
    kept, head = keeper.kept(), keeper.chain.head()
    hashes = [receipt["transactionHash"] for receipt in receipts]
    transactions = [keeper.chain.rpc("eth_getTransactionByHash", sent) for sent in hashes]
    assert keeper.process is not None
    program = keeper.anvil()
    keeper.process.send_signal(number)
    assert keeper.process.wait(PATIENCE_S) == (0 if number == signal.SIGTERM else -number)
    keeper.gone(program)
    keeper.start()
    assert keeper.chain.head() == head
    assert keeper.kept() == kept
    assert [keeper.chain.rpc("eth_getTransactionReceipt", sent) for sent in hashes] == receipts
    # All calldata, for rebuilding the rollup; all logs, for whoever watches it.
    assert [keeper.chain.rpc("eth_getTransactionByHash", sent) for sent in hashes] == transactions
    logs = keeper.chain.rpc(
        "eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest", "address": made["contractAddress"]}
    )
    assert [int(log["data"], 16) for log in logs] == list(range(20))
    # And it goes on from there.
    after = keeper.transact(to=made["contractAddress"], data="0x77")
    assert int(after["blockNumber"], 16) == head[0] + 1
    assert keeper.chain.rpc("eth_getBlockByNumber", after["blockNumber"], False)["parentHash"] == head[1]


def test_a_block_that_was_not_kept_was_never_told_as_kept(keeper: Keeper) -> None:
    keeper.transact()
    keeper.wait_kept()
    kept, program = keeper.kept(), keeper.anvil()
    assert keeper.process is not None
    # Held up, it keeps nothing; anvil goes on.
    keeper.process.send_signal(signal.SIGSTOP)
    keeper.transact()
    assert keeper.chain.head()[0] == kept + 1
    keeper.process.kill()
    keeper.process.wait()
    keeper.gone(program)
    assert keeper.kept() == kept
    keeper.start()
    assert keeper.chain.head()[0] == kept


def test_an_anvil_that_dies_ends_the_keeper(keeper: Keeper) -> None:
    assert keeper.process is not None
    keeper.anvil().kill()
    assert keeper.process.wait(PATIENCE_S) == 1
    assert keeper.process.stderr is not None
    assert b"anvil ended" in keeper.process.stderr.read()


def test_an_anvil_that_dies_while_it_is_asked_is_told_as_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = DevChain(tmp_path / "chain", free_ports()[0], anvil.program(os.environ))
    chain.start()
    ask = chain.rpc

    def ask_a_dying_one(*question: Any, **how: Any) -> Any:
        assert chain.process is not None
        os.kill(chain.process.pid, signal.SIGKILL)
        return ask(*question, **how)

    try:
        monkeypatch.setattr(chain, "rpc", ask_a_dying_one)
        with pytest.raises(ChainFailed, match="anvil ended"):
            chain.keep_until(threading.Event())
    finally:
        chain.stop()


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path)
    with socket.create_server(("127.0.0.1", keeper.port)):
        process = keeper.launch()
        assert process.wait(PATIENCE_S) == 1
        assert process.stderr is not None
        assert f"is port {keeper.port} in use" in process.stderr.read().decode()


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    write_whole(path, b"1")
    write_whole(path, b"22")
    assert path.read_bytes() == b"22"
    assert list(tmp_path.iterdir()) == [path]


def test_the_program_that_the_environment_names_is_used() -> None:
    assert anvil.program({"ANVIL": "/opt/anvil"}) == Path("/opt/anvil")


@pytest.mark.parametrize(
    ("system", "machine", "name"),
    [
        ("Linux", "x86_64", "anvil-linux-amd64"),
        ("Linux", "aarch64", "anvil-linux-arm64"),
        ("Darwin", "x86_64", "anvil-darwin-amd64"),
        ("Darwin", "arm64", "anvil-darwin-arm64"),
    ],
)
def test_each_platform_has_its_package_of_the_pinned_version(system: str, machine: str, name: str) -> None:
    assert anvil.package(system, machine) == name
    locked = json.loads((anvil.HERE / "package-lock.json").read_text())["packages"]["node_modules/@foundry-rs/anvil"]
    assert locked["optionalDependencies"][f"@foundry-rs/{name}"] == locked["version"]


def test_a_platform_without_one_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(anvil.AnvilMissing, match=r"npm has no anvil for \w+ on riscv64; ANVIL=/path/to/anvil"):
        anvil.program({"TOOLS_DIR": str(tmp_path)})
    assert list(tmp_path.iterdir()) == []


def test_of_a_shared_checkout_only_this_machines_is_used(tmp_path: Path) -> None:
    home = tmp_path / "anvil"
    mine = anvil.package(platform.system(), platform.machine())
    for name in {*anvil.PACKAGES.values()}:
        (home / "node_modules" / "@foundry-rs" / name / "bin").mkdir(parents=True)
        (home / "node_modules" / "@foundry-rs" / name / "bin" / "anvil").touch()
    shutil.copy(anvil.HERE / "package.json", home / "package.json")
    assert anvil.program({"TOOLS_DIR": str(tmp_path)}).parent.parent.name == mine


def test_npm_that_cannot_fetch_is_told(tmp_path: Path) -> None:
    offline = {
        "TOOLS_DIR": str(tmp_path), "npm_config_registry": "http://127.0.0.1:9", "npm_config_fetch_retries": "0",
        "npm_config_cache": str(tmp_path / "cache"),
    }  # fmt: skip
    with pytest.raises(anvil.AnvilMissing, match="npm could not fetch anvil"):
        anvil.program(os.environ | offline)
    assert not (tmp_path / "anvil" / "package.json").exists()
