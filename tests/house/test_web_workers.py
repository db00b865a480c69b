"""The web's worker processes end with the one that started them, however that ends."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import psutil
import pytest

from exchange.embedded import dies_with_parent
from tests.matching.harness import eventually
from tests.patience import PATIENCE_S
from tests.stack import COMMANDS, ROOT, free_ports

pytestmark = pytest.mark.process


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the kernel does not tell a child of its parent's end")
def test_no_worker_outlives_a_killed_server() -> None:
    port = free_ports()[0]
    command = [part.format(port=port) for part in COMMANDS["web"]]
    server = subprocess.Popen(
        [*dies_with_parent("KILL"), *command], cwd=ROOT, env=os.environ | {"WEB_THREADS": "2"},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip

    def answers() -> bool:
        assert server.poll() is None
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=5).close()
        except (urllib.error.URLError, OSError):
            return False
        return True

    workers: list[psutil.Process] = []
    try:
        eventually(answers, what="the web answers")
        workers = psutil.Process(server.pid).children(recursive=True)
        assert workers
        server.kill()
        server.wait()
        _, left = psutil.wait_procs(workers, timeout=PATIENCE_S)
        assert left == []
    finally:
        try:
            os.killpg(server.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        server.wait()
