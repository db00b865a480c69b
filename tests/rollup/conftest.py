"""Keys of the tiny circuits, made before the first test that may need them, so that no test's time is spent on them.

And leases that end when a test says so, and not because the machine is busy.
"""

import os
from pathlib import Path
from typing import Any

import pytest

from rollup.prover import keys

HERE = Path(__file__).parent


def pytest_collection_finish(session: pytest.Session) -> None:
    """Once, in a quarter of a minute, kept in var/keys; other workers wait for the one that makes them."""
    if not any(HERE in item.path.parents and item.path.parent != HERE for item in session.items):
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    names = ["tiny", "exit-tiny"]
    # Two workers make one each, and then wait for the other's.
    if os.environ.get("PYTEST_XDIST_WORKER") == "gw1":
        names.reverse()
    for name in names:
        keys.ensure(name, reporter.write_line if reporter else None)


@pytest.fixture(autouse=True)
def _lasting_leases(settings: Any) -> None:
    """In this process; those of an exchange of its own are its environment's."""
    settings.PROVING_LEASE_S = 86_400
