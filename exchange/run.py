"""`make run`: the servers, the database, every process of the Procfile, until Ctrl-C.

Reads the environment: PORT (8000), SOCKET_PORT (PORT + 1), CHAIN_PORT (PORT + 2), HOST (127.0.0.1), VAR_DIR (var),
BOTS (0: no demo traders), CHAIN (0: no chain and no rollup), and DATABASE_URL, MATCHER_DATABASE_URL, REDIS_URL,
CELERY_BROKER_URL, CHAIN_RPC_URL to use servers that run already.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Coroutine
from pathlib import Path

from honcho.environ import parse_procfile

from exchange import probe
from exchange.console import Console, LogTail
from exchange.embedded import ServerFailed, dies_with_parent
from exchange.kept import Kept
from exchange.running import forget_urls, write_urls
from exchange.servers import MARK, Servers, StartRefused, claim, end_leftovers, refuse_busy_ports

BASE_DIR = Path(__file__).resolve().parent.parent
# These need what the seed makes.
AFTER_SEED = {"bots"}
# The chain itself, which is not ours to start where CHAIN_RPC_URL names one; and what is of no use without one.
OWN_CHAIN = {"chain"}
NEEDS_CHAIN = {"chainworker", "rollup", "prover"}
POLL_S = 0.3
SNAPSHOT_S_MAX = 20.0
PATIENCE_S = 10.0  # between two words on what is still awaited


class CommandFailed(RuntimeError):
    """A step of the start failed; the message says which and where its output is."""


def _number(environ: dict[str, str], name: str, otherwise: int) -> int:
    """A port of the environment. Raises StartRefused for what is no number."""
    try:
        return int(environ.get(name) or otherwise)
    except ValueError:
        raise StartRefused(f"{name}={environ[name]} is not a port's number, such as PORT=9000") from None


class Run:
    """One `make run`, from the lock to the last process's end."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.var_dir = Path(environ.get("VAR_DIR") or BASE_DIR / "var").resolve()
        self.host = environ.get("HOST") or "127.0.0.1"
        self.port = _number(environ, "PORT", 8000)
        self.socket_port = _number(environ, "SOCKET_PORT", self.port + 1)
        self.has_own_chain = environ.get("CHAIN", "1") != "0" and not environ.get("CHAIN_RPC_URL")
        self.chain_port = _number(environ, "CHAIN_PORT", self.port + 2)
        self.env = environ | {
            "VAR_DIR": str(self.var_dir),
            "HOST": self.host,
            "PORT": str(self.port),
            "SOCKET_PORT": str(self.socket_port),
            **self._chain(),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environ.get('PATH', os.defpath)}",
            "PYTHONUNBUFFERED": "1",
            MARK: str(self.var_dir),
        }
        self.logs = self.var_dir / "log"
        self.console = Console()
        self.stopping = asyncio.Event()
        self.kept: list[Kept] = []
        self._tasks: list[asyncio.Task[None]] = []

    def _chain(self) -> dict[str, str]:
        """The environment of those who talk to our own chain."""
        if not self.has_own_chain:
            return {}
        return {
            "CHAIN_PORT": str(self.chain_port),
            "CHAIN_RPC_URL": f"http://127.0.0.1:{self.chain_port}",
            "CHAIN_KEPT_FILE": str(self.var_dir / "chain" / "kept"),
        }

    def _parameters(self) -> dict[str, str]:
        """The rollup's, if chosen: manage.py in another shell would read the blocks by others."""
        name = "ROLLUP_PARAMETERS"
        return {name: self.env[name]} if self.env.get(name) else {}

    @property
    def address(self) -> str:
        host = "localhost" if self.host in {"127.0.0.1", "0.0.0.0", "::"} else self.host  # noqa: S104  only read
        return f"http://{host}:{self.port}"

    async def main(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Python's own handlers, since the loop's don't run while a server's start blocks it.
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(self.stopping.set))
        with claim(self.var_dir, self.address):
            # Counters of an earlier run's web workers would be added to this one's.
            shutil.rmtree(self.var_dir / "metrics", ignore_errors=True)
            for directory in (self.logs, self.var_dir / "static", self.var_dir / "metrics"):
                directory.mkdir(exist_ok=True)
            end_leftovers(self.var_dir)
            refuse_busy_ports(self.host, {"PORT": self.port, "SOCKET_PORT": self.socket_port})
            if self.has_own_chain:
                refuse_busy_ports("127.0.0.1", {"CHAIN_PORT": self.chain_port})
            servers = Servers(self.var_dir, self.env, self.console.say, self.stopping.is_set)
            try:
                servers.start()
                self.env |= servers.urls
                write_urls(self.var_dir, servers.urls | self._chain() | self._parameters())
                await self._until_stopped(self._serve(servers))
            finally:
                begun = time.monotonic()
                self.console.say("stopping")
                await self._stop_processes()
                await self._snapshot()
                forget_urls(self.var_dir)
                servers.stop()
                end_leftovers(self.var_dir)
                self.console.say(f"stopped after {time.monotonic() - begun:.1f} s; state is kept in {self.var_dir}")
        return 0

    async def _until_stopped(self, work: Coroutine[None, None, None]) -> None:
        """Run `work` until it ends (an error of its own is raised) or a signal asks to stop."""
        task = asyncio.create_task(work)
        stopping = asyncio.create_task(self.stopping.wait())
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            return
        await task

    async def _serve(self, servers: Servers) -> None:
        await self._command("bringing the database up to date", "migrate", "python manage.py migrate --noinput")
        if self.env.get("STATIC_HASHED", str(int(self.env.get("PUBLIC_URL", "").startswith("https:")))) == "1":
            await self._command(
                "naming static files by their hash", "static", "python manage.py collectstatic --noinput"
            )
        processes = parse_procfile((BASE_DIR / "Procfile").read_text()).processes
        watching = asyncio.create_task(self._watch(servers))
        try:
            for name, command in processes.items():
                if name not in AFTER_SEED | self._left_out():
                    self._keep(name, command)
            await self._wait_for("the matcher", "matcher")
            if self.env.get("CHAIN_RPC_URL"):
                await self._command("listing assets and markets", "listing", "python manage.py seed --listing")
                await self._command(
                    "deploying the contracts", "contracts", "python manage.py deploy_contracts --wait 300"
                )
            await self._command("seeding: assets, markets, demo users", "seed", "python manage.py seed")
            for name, command in processes.items():
                if name in AFTER_SEED and self.env.get("BOTS", "1") != "0":
                    self._keep(name, command)
            await self._wait_for("everything to be ready")
            self._welcome()
            await watching
        finally:
            watching.cancel()

    def _left_out(self) -> set[str]:
        """Processes that this run has no use for."""
        if self.has_own_chain:
            return set()
        return OWN_CHAIN if self.env.get("CHAIN_RPC_URL") else OWN_CHAIN | NEEDS_CHAIN

    def _keep(self, name: str, command: str) -> None:
        log = self.logs / f"{name}.log"
        kept = Kept(name=name, command=command, env=self.env, log=log, say=self.console.say)
        self.kept.append(kept)
        self._tasks.append(asyncio.create_task(kept.keep()))

    async def _watch(self, servers: Servers) -> None:
        """Show what logs say, and start a server again that died."""
        tails: dict[str, LogTail] = {}
        while True:
            for kept in self.kept:
                if kept.name not in tails:
                    tails[kept.name] = LogTail(name=kept.name, path=kept.log, console=self.console)
                tails[kept.name].poll()
            servers.revive()
            await asyncio.sleep(POLL_S)

    async def _command(self, title: str, name: str, command: str) -> None:
        """Run a step of the start to its end; its output goes to a log, whose end is shown if it fails."""
        self.console.say(title)
        log = self.logs / f"{name}.log"
        begun = told = time.monotonic()
        with log.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                *dies_with_parent("TERM"), "/bin/sh", "-c", f"exec {command}",
                stdin=asyncio.subprocess.DEVNULL, stdout=file, stderr=file, env=self.env, cwd=BASE_DIR,
            )  # fmt: skip
        try:
            while process.returncode is None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), POLL_S)
                if time.monotonic() - told > PATIENCE_S:
                    told = time.monotonic()
                    last = log.read_text(errors="replace").rstrip().rpartition("\n")[2]
                    self.console.say(f"… {title}, {told - begun:.0f} s so far{last and f': {last[-300:]}'}")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            self.console.plain(log.read_text(errors="replace")[-3000:])
            raise CommandFailed(f"{title}: failed, all of it is in {log}")

    async def _wait_for(self, what: str, check: str | None = None) -> None:
        """Wait until /health/ready says that `check` is well, or without one that all is, sockets included."""
        self.console.say(f"waiting for {what}")
        told = time.monotonic()
        while True:
            troubles = await asyncio.to_thread(probe.troubles, self.host, self.port, self.socket_port)
            if check is not None:
                troubles = {name: text for name, text in troubles.items() if name in {check, "web"}}
            if not troubles:
                return
            if time.monotonic() - told > PATIENCE_S:
                told = time.monotonic()
                self.console.say("still waiting: " + "; ".join(f"{name}: {text}" for name, text in troubles.items()))
            await asyncio.sleep(POLL_S)

    async def _stop_processes(self) -> None:
        for kept in self.kept:
            kept.stop()
        await asyncio.gather(*self._tasks)

    async def _snapshot(self) -> None:
        """Of the matcher where it stopped: the next start replays nothing, and may have another engine version."""
        if self.kept:
            try:
                await asyncio.wait_for(
                    self._command("writing a snapshot", "snapshot", "python manage.py snapshot"), SNAPSHOT_S_MAX
                )
            except (CommandFailed, TimeoutError) as error:
                self.console.say(f"no snapshot was written: {error or 'it took too long'}")

    def _welcome(self) -> None:
        chain_port = self.chain_port if self.has_own_chain else None
        self.console.plain(probe.welcome(self.address, self.host, self.socket_port, self.var_dir, chain_port))


def main() -> int:
    if not shutil.which("sh"):
        raise SystemExit("a POSIX shell is needed")
    os.chdir(BASE_DIR)
    try:
        return asyncio.run(Run(dict(os.environ)).main())
    except (StartRefused, ServerFailed, CommandFailed) as error:
        Console().say(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
