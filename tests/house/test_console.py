"""The console shows of the logs what an operator must not miss, and no more."""

from pathlib import Path

import pytest

from exchange import console
from exchange.console import Console, LogTail


@pytest.fixture
def tail(tmp_path: Path) -> LogTail:
    return LogTail(name="web", path=tmp_path / "web.log", console=Console())


def append(tail: LogTail, text: str) -> None:
    with tail.path.open("a") as file:
        file.write(text)


def test_shows_warnings_and_keeps_the_rest_in_the_file(tail: LogTail, capsys: pytest.CaptureFixture[str]) -> None:
    append(tail, "12:00 INFO all is well\n12:00 WARNING late\n12:00 ERROR lost\nWARNINGS are no level\n")
    tail.poll()
    shown = capsys.readouterr().out.splitlines()
    assert [line.partition(" | ")[2] for line in shown] == ["12:00 WARNING late", "12:00 ERROR lost"]
    assert all(" web " in line for line in shown)


def test_shows_of_a_stack_trace_what_it_ended_in(tail: LogTail, capsys: pytest.CaptureFixture[str]) -> None:
    append(tail, 'Traceback (most recent call last):\n  File "x.py", line 1\n    lost()\nKeyError: 7\n12:00 INFO on\n')
    tail.poll()
    assert [line.partition(" | ")[2] for line in capsys.readouterr().out.splitlines()] == ["KeyError: 7"]


def test_waits_for_the_end_of_a_line(tail: LogTail, capsys: pytest.CaptureFixture[str]) -> None:
    append(tail, "12:00 ERROR half")
    tail.poll()
    assert capsys.readouterr().out == ""
    append(tail, " and half\n")
    tail.poll()
    assert capsys.readouterr().out.endswith("12:00 ERROR half and half\n")


def test_what_was_there_before_is_not_shown_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "web.log"
    path.write_text("12:00 ERROR of yesterday\n")
    LogTail(name="web", path=path, console=Console()).poll()
    assert capsys.readouterr().out == ""


def test_a_flood_is_counted(tail: LogTail, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    append(tail, "ERROR again\n" * 100)
    tail.poll()
    assert len(capsys.readouterr().out.splitlines()) == console.LINES_MAX
    monkeypatch.setattr(console, "WINDOW_S", -1.0)
    append(tail, "ERROR new\n")
    tail.poll()
    shown = capsys.readouterr().out.splitlines()
    assert f"and {100 - console.LINES_MAX} more" in shown[0]
    assert shown[1].endswith("ERROR new")


def test_a_long_log_is_rolled_and_the_writer_goes_on(tail: LogTail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "LOG_BYTES_MAX", 1_000)
    with tail.path.open("ab", buffering=0) as writer:
        writer.write(b"INFO x\n" * 200)
        tail.poll()
        writer.write(b"INFO after\n")
        tail.poll()
    assert tail.path.read_bytes() == b"INFO after\n"
    assert tail.path.with_suffix(".log.1").read_bytes() == (b"INFO x\n" * 200)[-1_000:]
