"""`manage.py` commands that run until they are ended, as processes of a test."""

import os
import subprocess
import sys
from typing import Self

from tests.patience import PATIENCE_S
from tests.stack import ROOT


class Command:
    """One command on a test's database; may be started again after its end."""

    def __init__(self, *arguments: str, database_url: str, **environment: str) -> None:
        self.arguments = arguments
        self.environment = {
            **os.environ, "DATABASE_URL": database_url, "MATCHER_DATABASE_URL": database_url, **environment
        }  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Begin; it may take seconds until it does anything."""
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", *self.arguments], cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL
        )
        return self

    def kill(self) -> None:
        """SIGKILL, if it runs."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(PATIENCE_S)
            self.process = None

    def terminate(self) -> int:
        """SIGTERM, as an operator does; the exit status."""
        assert self.process is not None
        self.process.terminate()
        status = self.process.wait(PATIENCE_S)
        self.process = None
        return status
