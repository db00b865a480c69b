"""One process of the Procfile, kept alive: started again with back-off when it ends, stopped with all it started."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from exchange.embedded import dies_with_parent

BACKOFF_S = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
# One that ran this long was healthy: its next end is a new story, and it is started again at once.
HEALTHY_S = 30.0
STOP_S = 4.0  # between SIGTERM and SIGKILL


def describe(returncode: int) -> str:
    """What an exit status means, in words."""
    if returncode >= 0:
        return f"exit status {returncode}"
    with contextlib.suppress(ValueError):
        return f"killed by {signal.Signals(-returncode).name}"
    return f"killed by signal {-returncode}"


class Kept:
    """A shell command that should always run. Its output goes to `log`, straight, so that nobody can hold it up."""

    def __init__(self, *, name: str, command: str, env: dict[str, str], log: Path, say: Callable[[str], None]) -> None:
        self.name = name
        self.command = command
        self.env = env
        self.log = log
        self.starts = 0
        self._say = say
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Have `keep` end the process and return."""
        self._stopping.set()

    async def keep(self) -> None:
        """Run the command until `stop`; returns when it and its process group have ended."""
        failures = 0
        while not self._stopping.is_set():
            begun = time.monotonic()
            process = await self._start()
            returncode = await self._end_of(process)
            if self._stopping.is_set():
                return
            failures = 0 if time.monotonic() - begun > HEALTHY_S else failures + 1
            pause_s = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
            self._say(f"{self.name} ended ({describe(returncode)}); starting it again in {pause_s:g} s, see {self.log}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause_s)

    async def _start(self) -> asyncio.subprocess.Process:
        self.starts += 1
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *dies_with_parent("TERM"), "/bin/sh", "-c", f"exec {self.command}",
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, env=self.env, start_new_session=True,
            )  # fmt: skip

    async def _end_of(self, process: asyncio.subprocess.Process) -> int:
        """Wait until the process ends or must stop. What it started never outlives it, to hold its port or the like."""
        ended = asyncio.ensure_future(process.wait())
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not ended.done():
            _signal_group(process.pid, signal.SIGTERM)
            await asyncio.wait({ended}, timeout=STOP_S)
            if not ended.done():
                self._say(f"{self.name} did not stop within {STOP_S:g} s and is killed")
        _signal_group(process.pid, signal.SIGKILL)
        return await ended


def _signal_group(leader: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)
