"""The chain of `make run` and of tests: anvil, and a keeper that loses nothing of it. `python -m exchange.devchain`.

anvil keeps its chain in memory. After each new block the keeper writes all of it to var/chain/state.json.gz, whole or
not at all, and then the block's number to var/chain/kept. Whoever acts on what the chain says waits until its block is
kept (CHAIN_KEPT_FILE): so a kill of everything takes nothing back that was acted on.

Reads the environment: VAR_DIR, CHAIN_PORT, ANVIL and TOOLS_DIR (exchange.anvil).
"""

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType
from typing import Any, Final

from exchange import anvil
from exchange.embedded import dies_with_parent

CHAIN_ID: Final = 31337
POLL_S: Final = 0.1
START_S_MAX: Final = 30.0
STOP_S_MAX: Final = 2.0
END_S_MAX: Final = 5.0  # of one that was killed, on a busy machine
# A dump takes longer as the chain grows; the keeper spends no more than one part in this many of its time on it.
REST_PER_DUMP: Final = 4
# States of old blocks in memory, for looking back and for reorganisations; blocks themselves are all kept.
STATES_KEPT: Final = 100


class ChainFailed(RuntimeError):
    """anvil did not start, or does not answer; the message says what it said."""


class DevChain:
    """One anvil in `directory`, listening on 127.0.0.1:`port`. Start it from the main thread."""

    def __init__(self, directory: Path, port: int, program: Path) -> None:
        self.directory = directory
        self.port = port
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self._kept: tuple[int, str] | None = None

    @property
    def url(self) -> str:
        """Where its JSON-RPC answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def state_file(self) -> Path:
        """The whole chain as of the last kept block, in anvil's own format."""
        return self.directory / "state.json.gz"

    @property
    def kept_file(self) -> Path:
        """The number of the last kept block."""
        return self.directory / "kept"

    def start(self) -> None:
        """Start anvil from what was kept and wait until it answers. Raises ChainFailed."""
        self.directory.mkdir(parents=True, exist_ok=True)
        arguments = [
            "--host", "127.0.0.1", "--port", str(self.port), "--chain-id", str(CHAIN_ID), "--accounts", "0",
            "--prune-history", str(STATES_KEPT), "--quiet",
        ]  # fmt: skip
        plain = self.directory / "state.json"
        if self.state_file.exists():
            plain.write_bytes(gzip.decompress(self.state_file.read_bytes()))
            arguments += ["--load-state", str(plain)]
        # A group of its own: whoever ends the keeper's must leave it the time to keep what is new.
        self.process = subprocess.Popen(
            [*dies_with_parent("KILL"), str(self.program), *arguments],
            stdin=subprocess.DEVNULL, cwd=self.directory, start_new_session=True,
        )  # fmt: skip
        self._wait_until_it_answers()
        plain.unlink(missing_ok=True)
        # Its first block is made of the time of its start, so that one is kept at once too.
        self.keep()

    def _wait_until_it_answers(self) -> None:
        begun = time.monotonic()
        while time.monotonic() - begun < START_S_MAX:
            if not self.alive():
                raise ChainFailed(f"anvil ended; is port {self.port} in use, or {self.state_file} of another version?")
            try:
                # Another anvil on that port would answer as well, but ours then ends at once.
                if self.rpc("eth_chainId", timeout_s=1) == hex(CHAIN_ID) and self.alive():
                    return
            except ChainFailed:
                time.sleep(0.02)
        raise ChainFailed(f"anvil does not answer on port {self.port}")

    def alive(self) -> bool:
        """Whether anvil runs."""
        return self.process is not None and self.process.poll() is None

    def rpc(self, method: str, *parameters: Any, timeout_s: float = 30.0) -> Any:
        """Ask anvil. Raises ChainFailed."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})  # noqa: S310  http
        try:
            # A machine's proxy has no business with our own loopback.
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(request, timeout=timeout_s) as response:
                answer = json.load(response)
        except (OSError, ValueError) as error:
            raise ChainFailed(f"{method}: {error}") from None
        if "error" in answer:
            raise ChainFailed(f"{method}: {answer['error']}")
        return answer["result"]

    def head(self) -> tuple[int, str]:
        """Number and hash of the last block."""
        block = self.rpc("eth_getBlockByNumber", "latest", False)
        return int(block["number"], 16), block["hash"]

    def keep(self) -> bool:
        """Write the chain down if it has changed; says whether it had."""
        head = self.head()
        if head == self._kept:
            return False
        # Blocks made meanwhile are in the dump as well, but are not told as kept until the next one.
        state = bytes.fromhex(self.rpc("anvil_dumpState")[2:])
        write_whole(self.state_file, state)
        write_whole(self.kept_file, str(head[0]).encode())
        self._kept = head
        return True

    def keep_until(self, stopping: threading.Event) -> None:
        """Keep every new block until `stopping` is set, or anvil ends (ChainFailed)."""
        while not stopping.wait(POLL_S):
            if not self.alive():
                raise ChainFailed("anvil ended")
            begun = time.monotonic()
            try:
                is_new = self.keep()
            except ChainFailed:
                if self._has_ended():
                    raise ChainFailed("anvil ended") from None
                raise
            if is_new:
                stopping.wait(REST_PER_DUMP * (time.monotonic() - begun))

    def _has_ended(self) -> bool:
        """Whether it did not answer because it ends: its connections break a moment before that can be seen."""
        assert self.process is not None
        try:
            self.process.wait(END_S_MAX)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        """Keep what is new and end anvil."""
        if self.process is None:
            return
        try:
            if self.alive():
                self.keep()
        finally:
            self.process.terminate()
            try:
                self.process.wait(STOP_S_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file so that after a crash, the machine's included, it is the old one or the new one."""
    draft = path.with_name(f".{path.name}.new")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def main() -> int:
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    environ = os.environ
    directory = Path(environ.get("VAR_DIR") or "var").resolve() / "chain"
    try:
        chain = DevChain(directory, int(environ["CHAIN_PORT"]), anvil.program(environ))
        try:
            chain.start()
            chain.keep_until(stopping)
        finally:
            chain.stop()
    except (ChainFailed, anvil.AnvilMissing) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
