"""Where the servers of a running `make run` are, so that manage.py can be typed beside it without any setting."""

import json
from pathlib import Path

NAME = "servers.json"


def write_urls(var_dir: Path, urls: dict[str, str]) -> None:
    """Keep the addresses for `read_urls`; readable by this user only."""
    path = var_dir / NAME
    path.touch(mode=0o600)
    path.write_text(json.dumps(urls, indent=2))


def read_urls(var_dir: Path) -> dict[str, str]:
    """DATABASE_URL and the like of the exchange that runs on this data directory; empty when none does."""
    try:
        return json.loads((var_dir / NAME).read_text())
    except (OSError, ValueError):
        return {}


def forget_urls(var_dir: Path) -> None:
    (var_dir / NAME).unlink(missing_ok=True)
