"""What `make run` needs before the first process: the lock, free ports, PostgreSQL, Redis."""

import fcntl
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from exchange.embedded import Postgres, Redis, ServerFailed

DATABASE = "provex"
# Every process of a run has its data directory in this variable; what has it when no run holds the lock is a leftover.
MARK = "PROVEX_RUN"
LEFTOVER_S_MAX = 5.0


class StartRefused(RuntimeError):
    """The start cannot go on, and the message says what to do."""


@contextmanager
def claim(var_dir: Path, address: str) -> Iterator[None]:
    """Hold the lock of this data directory, so that a second run is told of the first."""
    path = var_dir / "lock"
    try:
        var_dir.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        # Another user may be let into the directory and then fail half way; root may do as it likes.
        if os.geteuid() not in {0, var_dir.stat().st_uid}:
            raise PermissionError
    except PermissionError:
        raise StartRefused(f"{var_dir} belongs to {_owner(var_dir)}; run as that user, or set VAR_DIR") from None
    with os.fdopen(descriptor, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            text = f"Provex is already running here, at {file.read().strip() or 'an address not known yet'}"
            raise StartRefused(f"{text} (data in {var_dir}; another VAR_DIR and PORT run beside it)") from None
        file.truncate(0)
        file.write(f"{address}/ (process {os.getpid()})\n")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def _owner(path: Path) -> str:
    """Who owns the nearest place that we may look at."""
    for place in (path, *path.parents):
        with suppress(OSError, KeyError):
            return f"the user {place.owner()}"
    return "another user"


def end_leftovers(var_dir: Path) -> None:
    """Kill what an earlier run of this data directory left, and wait until it is gone. Only under the lock."""
    leftovers = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARK) == str(var_dir):
                process.kill()
                leftovers.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    psutil.wait_procs(leftovers, timeout=LEFTOVER_S_MAX)


def refuse_busy_ports(host: str, ports: dict[str, int]) -> None:
    """Each port by the name of its variable. Asked before anything is started, so that nothing has to be undone."""
    for name, port in ports.items():
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((host, port))
                # A bind may pass beside a listener of another address; a listen does not.
                listener.listen(1)
            except (OSError, OverflowError) as error:
                advice = "make run PORT=9000 uses 9000, 9001 for sockets, 9002 for the chain"
                reason = getattr(error, "strerror", None) or str(error).rstrip(".")
                raise StartRefused(f"port {port} ({name}) cannot be used: {reason}. {advice}") from None


class Servers:
    """The embedded servers that this run needs: none for which the environment gives a URL."""

    def __init__(
        self, var_dir: Path, env: dict[str, str], say: Callable[[str], None], must_stop: Callable[[], bool]
    ) -> None:
        self.urls: dict[str, str] = {}
        self._say = say
        self._must_stop = must_stop
        self._postgres = None if env.get("DATABASE_URL") else Postgres(var_dir / "pg")
        self._redis = None if env.get("REDIS_URL") else Redis(var_dir / "redis")
        self._own_broker = bool(env.get("CELERY_BROKER_URL"))

    def start(self) -> None:
        if self._postgres:
            self._say("starting PostgreSQL" if self._postgres.data_dir.exists() else "making the PostgreSQL database")
            self._start_postgres()
            url = self._postgres.ensure_database(DATABASE)
            self.urls |= {"DATABASE_URL": url, "MATCHER_DATABASE_URL": url}
        if self._redis:
            self._say("starting Redis")
            self._redis.start()
            self.urls["REDIS_URL"] = self._redis.url
            if not self._own_broker:
                self.urls["CELERY_BROKER_URL"] = self._redis.broker_url

    def _start_postgres(self) -> None:
        assert self._postgres is not None
        self._postgres.start(self._on_wait)

    def _on_wait(self, waited_s: float) -> None:
        self._say(f"… PostgreSQL recovers, {waited_s:.0f} s so far")
        if self._must_stop():
            raise StartRefused("asked to stop while PostgreSQL was recovering; it goes on at the next start")

    def revive(self) -> None:
        """Start a server again that somebody killed; the processes reconnect or are started again."""
        try:
            if self._postgres and not self._postgres.alive():
                self._say("PostgreSQL ended; starting it again")
                self._start_postgres()
            if self._redis and not self._redis.alive():
                self._say("Redis ended; starting it again")
                self._redis.start()
        except ServerFailed as error:
            self._say(str(error))

    def stop(self) -> None:
        for server in (self._redis, self._postgres):
            if server is not None:
                server.stop()
