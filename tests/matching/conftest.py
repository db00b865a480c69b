"""Fixtures for tests of the matcher's parts in this process."""

import pytest

from matching import leadership


@pytest.fixture(autouse=True)
def _sessions_outlive_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """A leader whose session PostgreSQL closed ends its process, here pytest's, and a busy machine may pause that.

    Matchers that are processes of their own have what they always have.
    """
    kept = [setting for setting in leadership._SESSION_SETTINGS if "idle" not in setting]
    assert len(kept) == len(leadership._SESSION_SETTINGS) - 2
    monkeypatch.setattr(leadership, "_SESSION_SETTINGS", kept)
