"""The embedded servers survive what a machine does to them."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg
import pytest

from exchange.embedded import Postgres, Redis, private_tmp
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.process
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that PostgreSQL's own user may pass, with a space in its name."""
    path = private_tmp() / f"a place {uuid4().hex[:8]}"
    path.mkdir(mode=0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def ended(process: psutil.Process) -> bool:
    """It may be a zombie for as long as nobody has taken notice of its end."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_keeps_rows_over_a_kill_and_a_reused_process_id(place: Path) -> None:
    server = Postgres(place / "pg")
    server.start()
    try:
        url = server.ensure_database("provex")
        with psycopg.connect(url) as connection:
            durable = [connection.execute(f"SHOW {name}").fetchone() for name in ("fsync", "full_page_writes")]
            assert durable == [("on",)] * 2
            connection.execute("CREATE TABLE kept (value int)")
            connection.execute("INSERT INTO kept VALUES (1)")
        postmaster = psutil.Process(server.process.pid)
        family = [postmaster, *postmaster.children(recursive=True)]
        for process in family:
            process.kill()
        psutil.wait_procs(family, timeout=PATIENCE_S)
        assert not server.alive()
        # As after a reboot: the id in the lock file belongs to somebody else now.
        lock = place / "pg" / "postmaster.pid"
        lock.write_text(lock.read_text().replace(str(postmaster.pid), str(os.getpid()), 1))
        again = Postgres(place / "pg")
        again.start()
        try:
            assert again.url("provex") == url
            with psycopg.connect(url) as connection:
                assert connection.execute("SELECT value FROM kept").fetchall() == [(1,)]
        finally:
            again.stop()
        assert not again.alive()
    finally:
        server.stop()


def test_a_killed_initialisation_is_begun_anew(place: Path) -> None:
    half = place / "pg.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    server = Postgres(place / "pg")
    server.start()
    try:
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SHOW data_checksums").fetchone() == ("on",)
    finally:
        server.stop()
    assert not half.exists()


def test_a_running_server_is_taken_over(place: Path) -> None:
    first = Postgres(place / "pg")
    first.start()
    second = Postgres(place / "pg")
    second.start()
    assert second.process.pid == first.process.pid
    second.stop()
    assert not first.alive()
    first.stop()


def test_a_server_on_its_way_out_is_started_again(place: Path) -> None:
    first = Postgres(place / "pg")
    first.start()
    # A client holds a smart shutdown up: the server is there, and takes nobody any more.
    client = psycopg.connect(first.url())
    first.process.send_signal(signal.SIGTERM)
    second = Postgres(place / "pg")
    threading.Timer(1.0, client.close).start()
    second.start()
    try:
        assert second.process.pid != first.process.pid
        psycopg.connect(second.url()).close()
    finally:
        second.stop()
        first.stop()


def test_backends_of_a_killed_postmaster_do_not_bar_the_next(place: Path) -> None:
    first = Postgres(place / "pg")
    first.start()
    client = psycopg.connect(first.url())
    backend = psutil.Process(client.info.backend_pid)
    # Stopped, it does not notice that its postmaster is gone, and holds on to the shared memory.
    backend.suspend()
    first.process.kill()
    second = Postgres(place / "pg")
    second.start()
    try:
        assert ended(backend)
        psycopg.connect(second.url()).close()
    finally:
        second.stop()
        first.stop()


def test_servers_end_when_their_owner_is_killed(place: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from exchange.embedded import Postgres, Redis\n"
        "place = Path(sys.argv[1]); pg = Postgres(place / 'pg'); pg.start()\n"
        "redis = Redis(place / 'redis'); redis.start()\n"
        "print(pg.process.pid, redis.process.pid, flush=True); time.sleep(600)"
    )
    owner = subprocess.Popen([sys.executable, "-c", script, str(place)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    servers = [psutil.Process(int(pid)) for pid in owner.stdout.readline().split()]
    assert len(servers) == 2
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    _, alive = psutil.wait_procs(servers, timeout=PATIENCE_S)
    assert alive == []


def test_a_leftover_redis_gives_up_its_socket(place: Path) -> None:
    first, second = Redis(place / "redis"), Redis(place / "redis")
    first.start()
    second.start()
    assert first.process.wait(PATIENCE_S) == 0
    assert second.alive()
    second.stop()
    assert not second.socket.exists()


def test_a_leftover_redis_that_is_slow_to_answer_goes_too(place: Path) -> None:
    first, second = Redis(place / "redis"), Redis(place / "redis")
    first.start()
    first.process.send_signal(signal.SIGSTOP)
    threading.Timer(2.0, first.process.send_signal, args=[signal.SIGCONT]).start()
    second.start()
    try:
        assert first.process.wait(PATIENCE_S) == 0
        # It removed its socket at its end, by the name that is the second one's now.
        assert second.socket.exists()
    finally:
        second.stop()
