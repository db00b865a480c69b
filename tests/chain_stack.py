"""The whole exchange with its chain, provers and settlement, as real processes: the lines of the Procfile.

The chain's blocks come at random moments (`Blocks`), its clock and reorganisations are a test's to command. The
smallest circuit, blocks every second, leases of some seconds, two confirmations.
"""

import json
import os
import random
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from honcho.environ import parse_procfile

from exchange import anvil
from rollup.client import Exchange
from rollup.prover import keys
from tests.patience import PATIENCE_S
from tests.stack import COMMANDS, ROOT, Stack, free_ports, wait_until

PROCFILE = ("chain", "rollup", "chainworker", "prover", "worker", "beat")
# What has to do with blocks and may be killed together.
ROLLUP = ("rollup", "chainworker", "prover", "worker", "beat")


class RpcRefused(RuntimeError):
    """The chain's node would not do it; `error` has its code and message."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(str(error))
        self.error = error


class ChainStack(Stack):
    """Like Stack; `start` gives it a chain with the contracts on it, `rpc` speaks with anvil."""

    def __init__(self, root: Path, postgres_url: str, *, confirmations: int = 2) -> None:
        super().__init__(root, postgres_url)
        port = free_ports()[0]
        self.chain_url = f"http://127.0.0.1:{port}"
        # Fetched here, so that a machine without it fails at once and in words.
        program = anvil.program(os.environ)
        self.env |= {
            "CHAIN_PORT": str(port), "CHAIN_RPC_URL": self.chain_url, "ANVIL": str(program),
            "CHAIN_KEPT_FILE": str(root / "var" / "chain" / "kept"), "CHAIN_CONFIRMATIONS": str(confirmations),
            "ROLLUP_PARAMETERS": "tiny", "ROLLUP_BLOCK_S": "1",
            # Long enough for a prover that gets no processor for a while, short enough to wait for a killed one's.
            "PROVING_LEASE_S": "20",
            # A prover that yields to everything would starve beside other tests.
            "PROVER_NICENESS": "0",
            "PROVER_TOKENS": "a-token-of-tests", "KEYS_DIR": str(keys.directory()),
            "CHAIN_EXPLORER_URL": "https://explorer.example/tx/",
            "PATH": f"{ROOT / '.venv' / 'bin'}:{self.env['PATH']}",
        }  # fmt: skip
        lines = parse_procfile((ROOT / "Procfile").read_text()).processes
        self.commands = COMMANDS | {name: ["/bin/sh", "-c", f"exec {lines[name]}"] for name in PROCFILE}
        self.blocks = Blocks(self)

    def start(self) -> None:
        """Everything up, markets listed, contracts deployed; from then on the chain's blocks come at random."""
        for name in ("tiny", "exit-tiny"):
            keys.ensure(name)
        with psycopg.connect(self._postgres_url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{self.database}"')
        self.redis.start()
        (self.root / "var").mkdir(exist_ok=True)
        self.manage("migrate", "--verbosity", "0")
        for name in self.commands:
            self.launch(name)
        self.manage("seed", "--listing")
        self.manage("deploy_contracts", "--wait", str(round(PATIENCE_S)), "--verifiers")
        self.wait_ready()
        self.blocks.start()

    def restore(self) -> None:
        """All processes run and blocks come, whatever a test ended and did not come to start again."""
        gone = [name for name in self.commands if name not in self.processes or self.processes[name].poll() is not None]
        for name in gone:
            if name in self.processes:
                self.end(name)
            self.launch(name)
        if gone:
            self.wait_ready()
            wait_until(self._chain_answers, "the chain")
        self.blocks.go()

    def _chain_answers(self) -> bool:
        try:
            self.rpc("eth_chainId")
        except OSError:
            return False
        return True

    def stop(self) -> None:
        """As Stack does."""
        self.blocks.stop()
        super().stop()

    def rpc(self, method: str, *parameters: Any) -> Any:
        """Ask anvil."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()
        request = urllib.request.Request(self.chain_url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
            answer = json.load(response)
        if "error" in answer:
            raise RpcRefused(answer["error"])
        return answer["result"]

    def give(self, address: str, **amounts: int) -> None:
        """Coins for gas, and atoms of assets in the address's own hands, outside of the exchange."""
        self.rpc("anvil_setBalance", address, hex(10**20))
        program = (
            "from wallets.chain import deployment, keys; from wallets import selectors; d = deployment.current();"
            "[d.chain.send(keys.key('treasury'), d.token(selectors.get_asset(code=code).id).functions.mint(to, atoms))"
            f" for to in [{address!r}] for code, atoms in {amounts!r}.items()]"
        )
        self.manage("shell", "-v", "0", "-c", program)

    def get(self, path: str) -> Any:
        """A public read of the API."""
        with urllib.request.urlopen(f"{self.base_url}/api/v1{path}", timeout=PATIENCE_S) as answer:
            return json.load(answer)

    def newest(self) -> dict[str, Any]:
        """The newest block; {"number": 0} before the first."""
        blocks = self.get("/blocks?limit=1")["blocks"]
        return blocks[0] if blocks else {"number": 0, "status": "none"}

    def statuses(self) -> dict[int, str]:
        """Of all blocks."""
        return {block["number"]: block["status"] for block in self.get("/blocks?limit=500")["blocks"]}

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Until it holds. Raises StackFailed with the ends of the logs."""
        try:
            wait_until(condition, what)
        except RuntimeError as error:
            raise type(error)(f"{error}\n{self.statuses()}\n{self.logs(1500)}") from None

    def wait_for_block(self, after: int, *statuses: str) -> int:
        """Until there is a block after one that has one of the statuses; its number."""
        found: list[int] = []

        def is_there() -> bool:
            found[:] = [number for number, status in self.statuses().items() if number > after and status in statuses]
            return bool(found)

        self.wait(is_there, f"a block after {after} to be {' or '.join(statuses)}")
        return min(found)

    def wait_all_in_blocks(self) -> None:
        """Until all that was executed before is in a block that was sealed, and the API knows of it."""
        with psycopg.connect(self.env["DATABASE_URL"], autocommit=True) as connection:

            def found(query: str) -> Any:
                return connection.execute(query).fetchone()[0]  # type: ignore[index]  # each has one row

            head = found("SELECT coalesce(max(last), 0) FROM matching_journal")
            read = f"SELECT count(*) > 0 FROM matching_projectionoffset WHERE name = 'rollup' AND sequence >= {head}"
            self.wait(lambda: found(read), "the state manager to have read the journal")
            # The state manager takes it away when it closes the block, as it does with those that beat asks for.
            asked = found("INSERT INTO rollup_blockrequest (requested_at) VALUES (now()) RETURNING id")
            waits = f"SELECT count(*) = 0 FROM rollup_blockrequest WHERE id = {asked}"
            self.wait(lambda: found(waits), "the open block to be closed")
            newest = found("SELECT coalesce(max(number), 0) FROM rollup_block")
        # Answers of the API are kept for a moment.
        self.wait(lambda: max(self.statuses(), default=0) >= newest, f"the API to tell of block {newest}")

    def wait_all_final(self) -> int:
        """Until all that was executed is in blocks and they are final, for as long as they go on; the last's number."""
        self.wait_all_in_blocks()
        while set((now := self.statuses()).values()) != {"final"}:
            self.wait(lambda now=now: self.statuses() != now, "blocks to go on")
        return max(now)

    def account(self, name: str, **balances: str) -> dict[str, object]:
        """As Stack's; what is paid in by way of the chain is waited for as long as a busy machine takes."""
        program = (
            "import json; from dataclasses import asdict; from orders.demo import accounts;"
            f"accounts.CREDITED_WITHIN_S = {PATIENCE_S};"
            f"print(json.dumps(asdict(accounts.demo_account(name={name!r}, balances={list(balances.items())!r}))))"
        )
        return json.loads(self.manage("shell", "-v", "0", "-c", program))

    def trader(self, name: str, **balances: str) -> "Exchange":
        """A funded account, as a client sees it."""
        made = self.account(name, **balances)
        return Exchange(self.base_url, str(made["key"]), str(made["secret"]))


class Blocks:
    """Makes the chain's blocks at random moments, as a chain of many parties does; `hold` stops it for a while."""

    def __init__(self, stack: ChainStack, seed: int = 1) -> None:
        self._stack = stack
        self._chance = random.Random(seed)
        self._going = threading.Event()
        # Held while a block is made.
        self._making = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """From now on no transaction is mined at once."""
        self._stack.rpc("evm_setAutomine", False)
        self._going.set()
        self._thread.start()

    def hold(self) -> None:
        """No more blocks until `go`; none is being made either."""
        self._going.clear()
        with self._making:
            pass

    def go(self) -> None:
        """Blocks again."""
        self._stack.rpc("evm_setAutomine", False)
        self._going.set()

    def stop(self) -> None:
        """For good."""
        self._over.set()
        self._going.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._chance.uniform(0.05, 1.2)):
            self._going.wait(1)
            with self._making:
                if self._going.is_set():
                    self._mine()

    def _mine(self) -> None:
        try:
            self._stack.rpc("evm_mine")
        except OSError:
            pass  # it is being started again
