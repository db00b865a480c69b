"""What refuses a start says why, and how to go on."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from exchange.servers import MARK, StartRefused, claim, end_leftovers, refuse_busy_ports
from tests.ports import free_ports


def test_a_second_run_is_told_where_the_first_is(tmp_path: Path) -> None:
    with claim(tmp_path, "http://localhost:8000"):
        first = r"already running here, at http://localhost:8000/ \(process \d+\)"
        with pytest.raises(StartRefused, match=first), claim(tmp_path, "http://localhost:9000"):
            pass
        assert "localhost:8000" in (tmp_path / "lock").read_text()
    with claim(tmp_path, "http://localhost:9000"):
        assert "localhost:9000" in (tmp_path / "lock").read_text()


def test_a_busy_port_is_named_with_what_to_do() -> None:
    # One that the kernel gives to nobody else meanwhile.
    (port,) = free_ports(1)
    said = rf"port {port} \(PORT\) cannot be used: .*make run PORT="
    with socket.create_server(("127.0.0.1", port)), pytest.raises(StartRefused, match=said):
        refuse_busy_ports("127.0.0.1", {"PORT": port})
    refuse_busy_ports("127.0.0.1", {"PORT": port})


@pytest.mark.parametrize("port", [-1, 70_000])
def test_a_port_that_is_none_is_refused(port: int) -> None:
    with pytest.raises(StartRefused, match="PORT"):
        refuse_busy_ports("127.0.0.1", {"PORT": port})


def test_leftovers_of_this_directory_end_and_no_others(tmp_path: Path) -> None:
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    mine = subprocess.Popen(sleep, env=os.environ | {MARK: str(tmp_path)})
    other = subprocess.Popen(sleep, env=os.environ | {MARK: str(tmp_path / "other")})
    try:
        end_leftovers(tmp_path)
        assert not psutil.pid_exists(mine.pid)
        assert other.poll() is None
    finally:
        mine.kill()
        other.kill()
        mine.wait()
        other.wait()
