"""A real chain for tests: anvil under its keeper's class, and the contracts on it.

Import the fixtures that a test needs: `dev_chain` (one anvil for the worker), `deployed` (a fresh rollup on it).
"""

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exchange import anvil
from exchange.devchain import DevChain
from exchange.embedded import private_tmp
from rollup import deployment as rollup_deployment
from tests.stack import free_ports
from wallets.chain.client import Chain
from wallets.chain.deployment import Deployment
from wallets.models import Asset

# How long a transaction may be in anvil's pool before it is one that anvil holds back.
HELD_BACK_S = 60.0
# The clock of a chain on which tests mine runs ahead of ours, so that what was just sent seems to have waited long.
# Those that are about waiting (CHAIN_FEE_BLOCKS) say so.
NO_WAIT_IS_TOO_LONG = 10**9
ASSETS = ((1, "BTC", 8), (2, "USDT", 6), (3, "ETH", 18))


class KeptChain:
    """A development chain, kept by a thread as the keeper's process does it."""

    def __init__(self, directory: Path, port: int) -> None:
        self.dev = DevChain(directory, port, anvil.program(os.environ))
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start anvil and the thread."""
        self.dev.start()
        self._stopping.clear()
        self._thread = threading.Thread(target=self.dev.keep_until, args=(self._stopping,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End both, with all kept."""
        self._stopping.set()
        if self._thread:
            self._thread.join()
        self.dev.stop()

    def kill(self) -> None:
        """End both at once: what was not kept is lost."""
        self._stopping.set()
        if self._thread:
            self._thread.join()
        assert self.dev.process is not None
        self.dev.process.kill()
        self.dev.process.wait()
        self.dev.process = None


@pytest.fixture(scope="session")
def dev_chain() -> Iterator[KeptChain]:
    """One anvil for all tests of a worker."""
    root = Path(tempfile.mkdtemp(prefix="c", dir=private_tmp()))
    one = KeptChain(root, free_ports()[0])
    one.start()
    yield one
    one.stop()
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def mined_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is broadcast is in a block when `broadcast` returns, as tests that go step by step need it.

    Anvil mines at once, but answers before it has; a moment later is what the stack's random blocks are for. What it
    holds back (blocks are stopped, the price is too low, a nonce is missing) is waited for no longer than a moment.
    """
    really = Chain.broadcast

    def broadcast(chain: Chain, raw: bytes) -> None:
        really(chain, raw)
        ask = chain.web3.provider.make_request
        end = time.monotonic() + HELD_BACK_S
        while ask("anvil_getAutomine", [])["result"] and ask("txpool_status", [])["result"]["pending"] != "0x0":
            if time.monotonic() > end:
                return
            time.sleep(0.002)

    monkeypatch.setattr(Chain, "broadcast", broadcast)


@pytest.fixture
def chain(dev_chain: KeptChain, settings: Any, db: None, mined_at_once: None) -> Chain:
    """The client, on the worker's chain."""
    use(dev_chain, settings)
    from wallets.chain import client

    return client.connect()


@pytest.fixture
def deployed(chain: Chain) -> Deployment:
    """A rollup of `tiny` and tokens for three assets, fresh for the test."""
    return deploy()


def deploy() -> Deployment:
    """The same on the chain that the settings name."""
    for number, code, scale in ASSETS:
        Asset.objects.get_or_create(id=number, defaults={"code": code, "scale": scale})
    return rollup_deployment.deploy(say=lambda _: None)


def use(kept: KeptChain, settings: Any) -> None:
    """Have the settings name this chain, and the parameters of tests."""
    settings.CHAIN_RPC_URL = kept.dev.url
    settings.CHAIN_KEPT_FILE = str(kept.dev.kept_file)
    settings.CHAIN_CONFIRMATIONS = 1
    settings.CHAIN_FEE_BLOCKS = NO_WAIT_IS_TOO_LONG
    settings.ROLLUP_PARAMETERS = "tiny"
