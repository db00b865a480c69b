"""A kept process is started again when it ends, and takes everything it started with it when it must stop."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from exchange.kept import Kept, describe
from tests.patience import PATIENCE_S


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.02)


def make(tmp_path: Path, command: str) -> tuple[Kept, list[str], Path]:
    said: list[str] = []
    log = tmp_path / "child.log"
    return Kept(name="child", command=command, env=dict(os.environ), log=log, say=said.append), said, log


def pids(log: Path) -> list[int]:
    return [int(line) for line in log.read_text().split() if line.isdigit()] if log.exists() else []


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.parametrize(
    ("returncode", "words"), [(0, "exit status 0"), (3, "exit status 3"), (-9, "killed by SIGKILL")]
)
def test_says_how_a_process_ended(returncode: int, words: str) -> None:
    assert describe(returncode) == words


def test_starts_a_killed_process_again_and_stops_it_when_asked(tmp_path: Path) -> None:
    kept, said, log = make(tmp_path, "sh -c 'echo $$; exec sleep 600'")

    async def scenario() -> None:
        task = asyncio.create_task(kept.keep())
        await until(lambda: len(pids(log)) == 1)
        os.kill(pids(log)[0], signal.SIGKILL)
        await until(lambda: len(pids(log)) == 2)
        kept.stop()
        async with asyncio.timeout(PATIENCE_S):
            await task

    asyncio.run(scenario())
    assert kept.starts == 2
    assert len(said) == 1
    assert "child ended (killed by SIGKILL)" in said[0]
    assert all(gone(pid) for pid in pids(log))


def test_what_a_process_started_ends_with_it(tmp_path: Path) -> None:
    # The shell is killed; its own child, which no signal reached, must not go on beside the next shell.
    kept, _, log = make(tmp_path, "sh -c 'sleep 600 & echo $!; wait'")

    async def scenario() -> None:
        task = asyncio.create_task(kept.keep())
        await until(lambda: len(pids(log)) == 1)
        orphan = psutil.Process(pids(log)[0])
        orphan.parent().kill()
        await until(lambda: len(pids(log)) == 2)
        # It was sent SIGKILL before the next shell began; a busy machine may need a moment to end it.
        await until(lambda: gone(orphan.pid))
        kept.stop()
        async with asyncio.timeout(PATIENCE_S):
            await task

    asyncio.run(scenario())
    # As with this one, before `keep` returned.
    asyncio.run(until(lambda: all(gone(pid) for pid in pids(log))))


def test_one_that_ignores_the_request_to_stop_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.kept.STOP_S", 0.2)
    kept, said, log = make(tmp_path, "sh -c 'trap : TERM; echo $$; while true; do sleep 0.05; done'")

    async def scenario() -> None:
        task = asyncio.create_task(kept.keep())
        await until(lambda: len(pids(log)) == 1)
        kept.stop()
        async with asyncio.timeout(PATIENCE_S):
            await task

    asyncio.run(scenario())
    assert kept.starts == 1
    assert said == ["child did not stop within 0.2 s and is killed"]
    assert gone(pids(log)[0])


def test_a_stop_during_the_pause_before_a_restart_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.kept.BACKOFF_S", (600.0,))
    kept, said, _ = make(tmp_path, "false")

    async def scenario() -> None:
        task = asyncio.create_task(kept.keep())
        await until(lambda: len(said) == 1)
        kept.stop()
        async with asyncio.timeout(PATIENCE_S):
            await task

    asyncio.run(scenario())
    assert kept.starts == 1
