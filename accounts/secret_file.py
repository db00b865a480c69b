"""Secrets made at first run: a file that only its owner reads, made once whoever comes first.

Imports nothing of Django's, because the settings themselves are read with it.
"""

import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path


def read_or_make(path: Path, make: Callable[[], dict[str, str]]) -> dict[str, str]:
    """What the JSON file at `path` holds; where there is none, it is made of what `make` gives, and synced.

    Several processes may start at once, so the file is linked into place whole: the first one wins. Its directory must
    be there.
    """
    if not path.exists():
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(make(), file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        draft.unlink()
    kept: dict[str, str] = json.loads(path.read_text())
    return kept
