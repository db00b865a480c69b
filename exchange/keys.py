"""Development keys, made at first run under var/. Unsafe for real funds: production sets its own."""

import json
import os
import secrets
from base64 import urlsafe_b64encode
from pathlib import Path

NOTICE = "Development keys of this checkout. UNSAFE FOR REAL FUNDS. Never commit, never reuse."


def read_or_make_keys(var_dir: Path) -> dict[str, str]:
    """SECRET_KEY and ENCRYPTION_KEYS from var/dev-keys.json, which is made if missing.

    Several processes may start at once, so the file is linked into place whole: the first one wins.
    """
    if os.environ.get("SECRET_KEY") and os.environ.get("ENCRYPTION_KEYS"):
        return {}
    path = var_dir / "dev-keys.json"
    if not path.exists():
        var_dir.mkdir(parents=True, exist_ok=True)
        keys = {
            "notice": NOTICE,
            "SECRET_KEY": secrets.token_urlsafe(50),
            "ENCRYPTION_KEYS": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        }
        draft = var_dir / f".dev-keys.{os.getpid()}.{secrets.token_hex(4)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(keys, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        draft.unlink()
    return json.loads(path.read_text())
