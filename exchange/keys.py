"""Development keys, made at first run under var/. Unsafe for real funds: production sets its own."""

import os
import secrets
from base64 import urlsafe_b64encode
from pathlib import Path

from accounts.secret_file import read_or_make

NOTICE = "Development keys of this checkout. UNSAFE FOR REAL FUNDS. Never commit, never reuse."


def read_or_make_keys(var_dir: Path) -> dict[str, str]:
    """SECRET_KEY and ENCRYPTION_KEYS from var/dev-keys.json, which is made if missing."""
    if os.environ.get("SECRET_KEY") and os.environ.get("ENCRYPTION_KEYS"):
        return {}
    var_dir.mkdir(parents=True, exist_ok=True)
    return read_or_make(var_dir / "dev-keys.json", _make)


def _make() -> dict[str, str]:
    return {
        "notice": NOTICE,
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ENCRYPTION_KEYS": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }
