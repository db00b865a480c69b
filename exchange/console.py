"""What `make run` says: its own lines, and of every process's log only what an operator should not miss."""

import re
import sys
import time
from pathlib import Path

ESSENTIAL = re.compile(rb"\b(WARNING|ERROR|CRITICAL)\b")
TRACE = b"Traceback "
LINES_MAX = 5  # of one process within WINDOW_S; the rest is counted
WINDOW_S = 10.0
LOG_BYTES_MAX = 20_000_000


class Console:
    """Lines with the time and a name in front. Writing to a terminal that is gone is not an error."""

    def __init__(self) -> None:
        self._width = 10
        self._colour = sys.stdout.isatty()

    def say(self, text: str, name: str = "provex") -> None:
        prefix = f"{time.strftime('%H:%M:%S')} {name:<{self._width}} | "
        if self._colour:
            prefix = f"\033[36m{prefix}\033[0m"
        try:
            sys.stdout.write(f"{prefix}{text}\n")
            sys.stdout.flush()
        except OSError:
            pass

    def plain(self, text: str) -> None:
        try:
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
        except OSError:
            pass


class LogTail:
    """Follows one log file: shows the essential lines on the console, within a rate, and keeps the file small."""

    def __init__(self, *, name: str, path: Path, console: Console) -> None:
        self.path = path
        self._name = name
        self._console = console
        self._offset = path.stat().st_size if path.exists() else 0
        self._rest = b""
        self._window_begun = 0.0
        self._shown = 0
        self._left_out = 0
        self._in_trace = False

    def poll(self) -> None:
        """Read what was written since the last call."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self._offset)
            data = file.read(1_000_000)
            self._offset = file.tell()
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()[-10_000:]
        for line in lines:
            if self._is_essential(line):
                self._show(line.decode(errors="replace")[:300])
        if self._offset > LOG_BYTES_MAX:
            self._roll()

    def _is_essential(self, line: bytes) -> bool:
        """Of a stack trace only its last line, which names the exception."""
        if line.startswith(TRACE):
            self._in_trace = True
            return False
        if self._in_trace:
            self._in_trace = not line or line.startswith(b" ")
            return not self._in_trace
        return bool(ESSENTIAL.search(line))

    def _show(self, line: str) -> None:
        now = time.monotonic()
        if now - self._window_begun > WINDOW_S:
            if self._left_out:
                self._console.say(f"… and {self._left_out} more, see {self.path}", self._name)
            self._window_begun, self._shown, self._left_out = now, 0, 0
        if self._shown < LINES_MAX:
            self._shown += 1
            self._console.say(line, self._name)
        else:
            self._left_out += 1

    def _roll(self) -> None:
        """Keep the last part as .1 and empty the file; the process goes on appending to it."""
        self.path.with_suffix(".log.1").write_bytes(self.path.read_bytes()[-LOG_BYTES_MAX:])
        with self.path.open("r+b") as file:
            file.truncate(0)
        self._offset = 0
